"""feature_shift: which inputs are distributed differently in the score rows than in the fit rows?"""

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from stages.diagnose.units.array_types import Floats, Ints
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL, MIN_BLOCKS
from trueline.core.stored_tables.lazy_parquet import iter_columns
from trueline.core.stored_tables.row_lookup import convert_to_slice

NAME = "Are the inputs spread in scoring as they were in fitting?"
ASKS = "health"

MAX_LEVELS = 20  # with no more distinct numbers than this, each is a level of its own
RARE_LEVEL_SHARE = 0.01  # share of the fit rows below which levels are pooled: their shares are mostly noise
PROBE_ROWS = 2000  # a sample this large mostly shows whether a number has more than MAX_LEVELS values
MAX_DECILE_ROWS = 1_000_000  # fit rows that deciles are computed from: enough for a twentieth of a percent each
MAX_SHOWN = 10


def check(evidence: Evidence) -> Finding:
    """Warn of inputs with a high population stability index between the first test fold's fit rows and all score rows.

    PSI = Σ (q − p)·ln(q/p) over deciles of the fit rows, or over levels; missing is a cell of its own. Without a change
    it is about (cells − 1)(1/n₁ + 1/n₂), with n in groups because rows of one group are not independent. An input is
    named if its PSI exceeds that by more than the limit and also exceeds what chance gives any of the inputs once in
    20, and if it moved faster than before: inputs that count or average history move most while it is short, and that
    is no shift. Before means between the earlier and the later half of the fit rows (`psi_before`, in excess of
    chance); as a PSI grows with the square of the distance moved, so does what is allowed. With more than a million fit
    rows the deciles come from a random sample of a million (`decile_rows`); all rows are counted in them. Values that
    persist over many groups shift more by chance than is allowed for here. Declines if either side has too few groups.
    """
    fit, score, group_counts = _select_fit_and_score_rows(evidence)
    if min(group_counts) < MIN_BLOCKS:
        return decline(f"{group_counts[0]} fit and {group_counts[1]} score groups; {MIN_BLOCKS} of each are needed.")
    decile_rows, fit_slice, score_slice = _sample_fit_rows(fit, evidence.seed), *map(convert_to_slice, (fit, score))
    noise, measured = math.fsum(1 / group_count for group_count in group_counts), []
    halves, pace = _split_fit_rows(evidence, fit, score)
    for name, values in iter_columns(evidence.features, evidence.input_names):
        cells = _count_cells(values.iloc[fit_slice], values.iloc[score_slice], decile_rows)
        shift = _compute_shift(*cells, noise, len(evidence.input_names))
        before = 0.0
        if halves and shift["psi"] - shift["expected"] > evidence.limits.shift:
            before = _compute_shift_between_halves(values, halves, noise, evidence.seed)
        measured.append({"feature": name, **shift, "psi_before": before})
    measured.sort(key=lambda shift: (shift["expected"] - shift["psi"], shift["feature"]))
    shifted = [shift["feature"] for shift in measured if _is_shifted(shift, evidence.limits.shift, pace)]
    details = {
        "top": measured[:MAX_SHOWN],
        "shifted": shifted,
        "as_before": [
            shift["feature"]
            for shift in measured
            if shift["feature"] not in shifted and _is_shifted(shift | {"psi_before": 0.0}, evidence.limits.shift, pace)
        ],
        "fit_groups": group_counts[0],
        "score_groups": group_counts[1],
    }
    if len(decile_rows) < len(fit):
        details["decile_rows"] = len(decile_rows)
    if shifted:
        shown_names = ", ".join(shifted[:MAX_SHOWN]) + (" and more" if len(shifted) > MAX_SHOWN else "")
        return make_finding("warning", f"{len(shifted)} of {len(measured)} inputs shifted: {shown_names}.", **details)
    summary = f"None of {len(measured)} inputs shifted between fit and score rows beyond chance"
    if details["as_before"]:
        summary += f" and faster than before; {len(details['as_before'])} move on as they did"
    return make_finding("ok", f"{summary}.", **details)


def _is_shifted(shift: dict[str, Any], limit: float, pace: float) -> bool:
    excess = shift["psi"] - shift["expected"]
    return bool(excess > limit and shift["psi"] > shift["chance"] and excess > pace * shift["psi_before"])


def _split_fit_rows(evidence: Evidence, fit: Ints, score: Ints) -> tuple[list[Ints], float]:
    """Return the fit rows in two halves by time, and the square of how much further the score rows are from them.

    Without a clock, or if all fit rows are of one time, there are no halves.
    """
    times = evidence.folds["time"].to_numpy("datetime64[ns]").astype(np.int64)[evidence.fold_positions]
    middle = np.median(times[fit])
    halves = [fit[times[fit] < middle], fit[times[fit] >= middle]]
    if evidence.is_timeless or not all(map(len, halves)):
        return [], 1.0
    distance_before = times[halves[1]].mean() - times[halves[0]].mean()
    return halves, max(1.0, float((times[score].mean() - times[fit].mean()) / distance_before)) ** 2


def _select_fit_and_score_rows(evidence: Evidence) -> tuple[Ints, Ints, list[int]]:
    """Return the feature rows that the first test fold fits on, those that any fold scores, and both group counts."""
    position, roles = evidence.fold_positions, evidence.roles
    known_rows = np.flatnonzero(position >= 0)
    no_rows = np.zeros(len(roles.row_pattern), dtype=bool)
    fit = roles.find_rows(roles.test_folds[0], "fit") if roles.test_folds else no_rows
    selected = [known_rows[role_mask[position[known_rows]]] for role_mask in (fit, roles.is_scored)]
    group = pd.factorize(evidence.folds["group"])[0]
    group_counts = [int(np.count_nonzero(np.bincount(group[position[rows]]))) for rows in selected]
    return selected[0], selected[1], group_counts


def _compute_shift_between_halves(values: pd.Series, halves: list[Ints], noise: float, seed: int) -> float:
    """Return the PSI between the halves of the fit rows in excess of chance, which is about four times that of all."""
    early, late = (values.iloc[half] for half in halves)
    shift = _compute_shift(*_count_cells(early, late, _sample_fit_rows(halves[0], seed)), 4 * noise, 1)
    return max(0.0, float(shift["psi"] - shift["expected"]))


def _compute_shift(fit: Ints, score: Ints, noise: float, input_count: int) -> dict[str, Any]:
    """Return the PSI of the row counts of both sides by cell, its expectation without a change, and a chance bound."""
    filled_cells = fit + score > 0
    # half a row added to each cell keeps the logarithm finite
    p, q = ((count + 0.5) / (count + 0.5).sum() for count in (fit[filled_cells], score[filled_cells]))
    freedom = max(len(p) - 1, 1)
    return {
        "psi": float(((q - p) * np.log(q / p)).sum()),
        "expected": freedom * noise,
        "chance": _compute_chi2_quantile(1 - (1 - CONFIDENCE_LEVEL) / input_count, freedom) * noise,
    }


def _compute_chi2_quantile(level: float, freedom: int) -> float:
    return float(2 * gammaincinv(freedom / 2, level))


def _sample_fit_rows(rows: Ints, seed: int) -> Ints:
    """Return the positions of the fit rows that deciles are computed from: all, or MAX_DECILE_ROWS sampled ones."""
    if len(rows) <= MAX_DECILE_ROWS:
        return np.arange(len(rows))
    return np.sort(np.random.default_rng(seed).choice(len(rows), MAX_DECILE_ROWS, replace=False))


def _count_cells(fit: pd.Series, score: pd.Series, decile_rows: Ints) -> tuple[Ints, Ints]:
    """Return the row counts of both sides by cell: missing, then levels (rare and new ones first) or deciles.

    Deciles are computed from `decile_rows` of the fit rows.
    """
    if not pd.api.types.is_numeric_dtype(fit):
        return _count_levels(*_encode_levels(fit, score))
    fit_values, score_values = fit.to_numpy(float, na_value=np.nan), score.to_numpy(float, na_value=np.nan)
    if _has_few_values(fit_values):
        return _count_levels(fit_values, score_values)
    cut_values = fit_values if len(decile_rows) == len(fit_values) else fit_values[decile_rows]
    edges = np.unique(np.quantile(cut_values[~np.isnan(cut_values)], np.arange(1, 10) / 10))
    return _count_deciles(fit_values, edges), _count_deciles(score_values, edges)


def _has_few_values(values: Floats) -> bool:
    """Return whether there are at most MAX_LEVELS distinct numbers; a sample is tried first, as it mostly suffices."""
    step = max(1, len(values) // PROBE_ROWS)
    return all(len(np.unique(sample[~np.isnan(sample)])) <= MAX_LEVELS for sample in (values[::step], values))


def _encode_levels(fit: pd.Series, score: pd.Series) -> tuple[Floats, Floats]:
    """Return levels as numeric codes, the same on both sides; missing is NaN."""
    code = pd.factorize(pd.concat([fit, score], ignore_index=True))[0].astype(float)
    code[code < 0] = np.nan
    return code[: len(fit)], code[len(fit) :]


def _count_levels(fit: Floats, score: Floats) -> tuple[Ints, Ints]:
    known_values = fit[~np.isnan(fit)]
    levels, level_counts = np.unique(known_values, return_counts=True)
    levels = levels[level_counts / max(len(known_values), 1) >= RARE_LEVEL_SHARE]

    def count_values(values: Floats) -> Ints:
        missing, level_rows = np.isnan(values).sum(), [np.count_nonzero(values == level) for level in levels]
        return np.array([missing, len(values) - missing - sum(level_rows), *level_rows], dtype=np.int64)

    return count_values(fit), count_values(score)


def _count_deciles(values: Floats, edges: Floats) -> Ints:
    """Return the counts of missing rows and of each decile; counting per edge is faster than binning every row."""
    missing = np.count_nonzero(np.isnan(values))
    rows_above = np.array([len(values) - missing, *(np.count_nonzero(values >= edge) for edge in edges), 0])
    return np.append(missing, rows_above[:-1] - rows_above[1:])
