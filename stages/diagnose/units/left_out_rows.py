"""Left-out rows: is a line missing where form was wrong, or a player from the total of a team?"""

import numpy as np
import pandas as pd

from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.promise import Promise
from trueline.core.splits.walk_forward import TARGET
from trueline.core.stats.clustered_correlation import compute_clustered_t
from trueline.core.stats.group_ops import encode_groups
from trueline.core.stored_tables.lazy_parquet import make_frame

FORM_ROWS, USUAL_ROWS = 5, 8  # an entity's earlier rows that its form is the mean of, and that show what is usual
LEAST_LINED = 0.05  # share of an entity's rows with a line from which on those without one are a choice
TEAM_TOTAL = ("points", "team_points")  # of a player, and of all players of the team
SUM_TOLERANCE = 1e-6
EXACT_SHARE = 0.25  # share of the teams whose rows sum to their total from which on a source is complete
SHORT_SHARE = 0.05  # share of its total by which a team is short of a player


def compare_unlined_rows(evidence: Evidence, limit: float) -> list[Promise]:
    """Return the promise that results go on as form does on rows without a line as on those with one.

    Form is how far the last rows of an entity were from what is usual for it; both it and the result are in standard
    deviations of the entity. Judged are entities that have a line at least now and then.
    """
    rows = make_frame(evidence.prepared, ["entity", "time", "group", TARGET, "soft_label"])
    rows = rows[rows[TARGET].notna()].sort_values(["entity", "time"], kind="stable")
    by_entity = rows.groupby(rows["entity"].to_numpy(), observed=True)
    earlier = by_entity[TARGET].shift().groupby(rows["entity"].to_numpy(), observed=True)
    usual, spread = (getattr(earlier.expanding(USUAL_ROWS), name)().droplevel(0) for name in ("mean", "std"))
    form = earlier.rolling(FORM_ROWS).mean().droplevel(0)
    is_lined = rows["soft_label"].notna()
    is_choice = is_lined.groupby(rows["entity"].to_numpy(), observed=True).transform("mean") >= LEAST_LINED
    is_judged = (is_choice & usual.notna() & form.notna() & spread.gt(0)).to_numpy()
    trend, result = (((column - usual) / spread).to_numpy()[is_judged] for column in (form, rows[TARGET]))
    has_line, code = is_lined.to_numpy()[is_judged], encode_groups(rows["group"][is_judged])
    if not has_line.any() or has_line.all():
        return []
    slope = float((trend * result)[has_line].sum() / np.square(trend)[has_line].sum())
    gain = trend * (result - slope * trend)
    excess = np.where(has_line, 0.0, gain - gain[has_line].mean())
    paid = float(excess[~has_line].mean())
    name = "results that go on as form did, on rows without a line"
    deviation = min(paid, 0.0)  # more is no sign of a choice: who is in form has lines
    return [Promise(name, 0.0, paid, deviation, compute_clustered_t(excess, code), limit)]


def compare_team_totals(evidence: Evidence, limit: float) -> list[Promise]:
    """Return the promise that players' points sum to their team's, where a source is usually so complete."""
    names = ["group", "team", *TEAM_TOTAL]
    if not all(name in evidence.prepared for name in names):
        return []
    rows = make_frame(evidence.prepared, names)
    by_team = rows.groupby([encode_groups(rows["group"]), pd.factorize(rows["team"])[0]])
    player_points, team_points = (by_team[name].sum(min_count=1) for name in TEAM_TOTAL)
    team_points = team_points / by_team.size()
    short = ((team_points - player_points) / team_points)[team_points.gt(0) & player_points.notna()]
    if short.abs().le(SUM_TOLERANCE).mean() < EXACT_SHARE:
        return []
    losses = evidence.quality.get("intake", {}).get("set_aside", {})
    lost = sum(float(loss["share"]) for loss in losses.values())  # which prepare itself sets aside
    promised = 1 - (1 - min(lost, 1.0)) ** float(by_team.size().mean())
    is_short = short.gt(SHORT_SHARE).to_numpy()
    paid, code = float(is_short.mean()), np.asarray(short.index.get_level_values(0))
    name = "teams whose players' points sum to less than the team's"
    deviation, t = max(paid - promised, 0.0), compute_clustered_t(is_short - promised, code)
    return [Promise(name, promised, paid, deviation, t, limit)]
