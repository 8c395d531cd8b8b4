"""The groups of the daily table: each figure of each day, or why it is missing."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence
from core.trailing import sums as trailing
from stages.diagnose._daily.columns import GROUPS, SEVERITY
from stages.diagnose._daily.completeness import feature_quality
from stages.diagnose._daily.days import Days
from stages.diagnose._daily.drift import WINDOWS, drift
from stages.diagnose._daily.knobs import Windows
from stages.diagnose._daily.rates import alike, rate
from stages.diagnose._daily.reasons import Part, either, few
from stages.diagnose._daily.sharpness import Sharpness, status
from stages.diagnose._daily.shift import baseline

Floats = npt.NDArray[np.float64]

SEVERE = (20.0, 40.0, 70.0)  # drift scores from which drift is mild, moderate and severe


def sharpness_part(found: Sharpness, tiers: tuple[Floats, Floats], sums: Days, own: Windows, tiered: bool) -> Part:
    """Return the market's loss by tier and in all, how often the model beats it, and how sharp it is."""
    part = Part(pd.DataFrame(index=range(len(sums))), "sharpness")
    unseen = _unseen(sums.priced)
    loss, count = (trailing(one, own.window_days) for one in tiers)
    for place, name in enumerate(("tier1", "tier2", "tier3")):
        n = count[:, place]
        lacks = either(unseen, "no lines", few(n, own.least_picks, "units"))
        why = lacks if tiered else "decision kind without tiers"
        part.figure(f"line_mae_{name}", loss[:, place] / np.maximum(n, 1), n >= own.least_picks, why)
        part.table[f"line_n_{name}"] = n
    part.table["line_n"] = found.units
    enough = either(unseen, "no lines", few(found.units, own.least_units, "units with a line"))
    part.figure("line_mae", found.loss, np.isfinite(found.loss), enough)
    together = alike(sums.beats, sums.priced, own.baseline_days)
    part.rate("model_beats_line_pct", rate(sums.beats, sums.priced, own.window_days, together, own.least_units), enough)
    scored = np.isfinite(found.score) & np.isfinite(found.low) & np.isfinite(found.high)
    lacks = either(
        found.units < own.least_units, enough, few(found.active, own.least_days, "days with lines before them")
    )
    for name, values in (("score", found.score), ("low", found.low), ("high", found.high)):
        part.figure(f"sharpness_{name}", values, scored, lacks)
    part.word("sharpness_status", status(found.score), scored, lacks)
    return part.done()


def drift_part(sums: Days, own: Windows, signed: bool) -> Part:
    """Return hit rates, the model's loss and mean error, and how likely it is that it drifted."""
    part = Part(pd.DataFrame(index=range(len(sums))), "drift")
    unseen = _unseen(sums.decided)
    together = alike(sums.wins, sums.decided, own.baseline_days)
    for width in WINDOWS:
        found = rate(sums.wins, sums.decided, width, together, own.least_picks)
        part.rate(f"hit_rate_{width}d", found, either(unseen, "no picks", few(found.n, own.least_picks, "picks")))
        part.table[f"hit_rate_{width}d_n"] = found.n
    loss, error, n = (trailing(one, own.window_days).sum(axis=1) for one in (sums.model, sums.error, sums.units))
    enough, lacks = n >= own.least_units, few(n, own.least_units, "units")
    part.table["model_n"] = n
    part.figure("model_mae", loss / np.maximum(n, 1), enough, lacks)
    mean = error / np.maximum(n, 1)
    unsigned = lacks if signed else "decision kind without signed error"
    part.figure("model_mean_error", mean, enough & signed, unsigned)
    side = np.select([mean < -own.bias, mean > own.bias], ["under", "over"], "neutral").astype(object)
    part.word("bias_direction", side, enough & signed, unsigned)
    score = drift(sums, own.sizes(), signed).score
    severity = np.array(SEVERITY, dtype=object)[np.searchsorted(SEVERE, np.nan_to_num(score), side="right")]
    active = baseline(sums.model, sums.units, own.baseline_days).active
    whole = trailing(sums.units, WINDOWS[-1]).sum(axis=1)
    lacks = either(whole < own.least_picks, few(whole, own.least_picks, "units"), "nothing varies in the baseline")
    before = either(active < own.least_days, few(active, own.least_days, "days before them"), lacks)
    part.figure("drift_score", score, np.isfinite(score), before)
    part.word("drift_severity", severity, np.isfinite(score), before)
    return part.done()


def quality_part(evidence: Evidence, told: pd.DataFrame, days: pd.DatetimeIndex) -> Part:
    """Return how much of what was asked for is predicted, and on how sound inputs."""
    part = Part(pd.DataFrame(index=range(len(days))), "quality")
    asked = told["asked"].to_numpy(float)
    sound = feature_quality(evidence, days)
    some = asked > 0
    share = np.asarray(np.minimum(100 * told["made"].to_numpy(float) / np.maximum(asked, 1), 100.0), dtype=np.float64)
    idle = np.where(told["status"] == "no_games", "no games", "no row of the day is scored").astype(object)
    part.figure("completeness", share, some, idle)
    part.figure("feature_quality", sound, np.isfinite(sound), np.where(some, "no inputs are numbers", idle))
    return part.done()


def baseline_part(found: Sharpness, sums: Days, own: Windows) -> Part:
    """Return what market and model did in the baseline, and how the market compares with it."""
    part = Part(pd.DataFrame(index=range(len(sums))), "baseline")
    few_days = either(
        _unseen(sums.priced), "no lines", few(found.active, own.least_days, "days with lines before them")
    )
    part.figure("line_mae_baseline", found.before, np.isfinite(found.before), few_days)
    hits = baseline(sums.wins, sums.decided, own.baseline_days)
    picks = few(hits.active, own.least_days, "days with picks before them")
    known = (hits.active >= own.least_days) & (hits.units >= own.least_picks)
    part.figure("hit_rate_baseline", 100 * hits.mean, known, either(_unseen(sums.decided), "no picks", picks))
    lacks = either(found.units < own.least_units, few(found.units, own.least_units, "units with a line"), few_days)
    changed = {"": found.better, "_low": found.better_low, "_high": found.better_high}
    some = np.all([np.isfinite(values) for values in changed.values()], axis=0)
    for end, values in changed.items():
        part.figure(f"sharpness_vs_baseline{end}", values, some, either(_unseen(sums.priced), "no lines", lacks))
    return part.done()


def cause_part(causes: pd.DataFrame | None, status: pd.Series, days: pd.DatetimeIndex) -> Part:
    """Return the causes as they are given, by day."""
    part = Part(pd.DataFrame(index=range(len(days))), "cause")
    if causes is None:
        return part.without(GROUPS["cause"], "causes are not asked for")
    found = causes.reindex(days).reset_index(drop=True)
    idle = status.isin(["no_games", "not_scored"]).to_numpy()
    lacks = np.select([idle, status.to_numpy() == "no_data", status.to_numpy() == "ungraded"],
                      [status.str.replace("_", " ").to_numpy(), "outage: nothing was predicted", "nothing is graded"],
                      "insufficient n (days in the window or before it)").astype(object)  # fmt: skip
    for name in ("primary_cause", "contributing_factors"):
        part.word(name, found[name].to_numpy(object), found[name].notna().to_numpy() & ~idle, lacks)
    sure = found["cause_confidence"].to_numpy(np.float64)
    part.figure("cause_confidence", sure, np.isfinite(sure) & ~idle, lacks)
    return part.done()


def _unseen(count: Floats) -> npt.NDArray[np.bool_]:
    """Return the days up to which there has not been a single one."""
    return np.asarray(np.cumsum(count.sum(axis=-1)) == 0)
