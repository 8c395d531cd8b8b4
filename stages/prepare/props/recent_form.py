"""Recent form: what each player usually does, measured on strictly earlier days."""

import numpy as np
import pandas as pd

from stages.prepare.props.props_columns import ROLE_MIN_MINUTES
from stages.prepare.props.props_settings import Settings
from trueline.core.history.past import Past
from trueline.core.stats.group_ops import Floats, sum_by_group

Bound = float | Floats
# where the roles of other sports begin, in standard deviations of the playing time above its mean
ROLE_STEPS = {"bench": None, "rotation": -0.8, "starter": 0.0, "star": 0.75}
MIN_ROTATION_MINUTES = 15.0  # usual minutes of the rotation; below, not playing is the coach's choice


def add_recent_form(rows: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Add what each player usually does, his surplus over it, and the sums over his team and the opponent's points."""
    team_keys = [rows["game_id"], rows["team"]]
    form_columns = {
        "last_5": past.mean("target", "entity", last=5),
        "last_10": past.mean("target", "entity", last=10),
        "season_mean": past.mean("target", ("entity", "season")),
        "usual": past.mean("target", "entity", last=20),
        "usual_minutes": past.mean("minutes", "entity", last=10),
    }
    rows = rows.assign(**form_columns, share_of_team=1 / rows.groupby(team_keys)["entity"].transform("size"))
    bounds = _find_role_bounds(past, settings)
    rows["role"] = _assign_roles(rows["usual_minutes"], bounds)
    rows["surplus"] = rows["target"] - rows["usual"]
    rows["minutes_surplus"] = rows["minutes"] - rows["usual_minutes"]
    least_minutes = MIN_ROTATION_MINUTES if settings.sport == "basketball" else bounds["rotation"]
    in_rotation = (rows["usual_minutes"] >= least_minutes).to_numpy()
    team_codes = np.asarray(rows.groupby(team_keys).ngroup(), np.int64)
    no_rotation = sum_by_group(in_rotation.astype(float), team_codes) == 0
    for name, usual_column in (("side_usual", "usual"), ("side_minutes", "usual_minutes")):
        rows[name] = np.where(
            no_rotation, np.nan, sum_by_group(np.where(in_rotation, rows[usual_column], 0.0), team_codes)
        )
    if "team_points" not in rows:
        return rows.assign(opponent_points=np.nan)
    team_points = rows.groupby(["game_id", "team"])["team_points"].first()
    opponent_keys = pd.MultiIndex.from_frame(rows[["game_id", "opponent"]])
    return rows.assign(opponent_points=team_points.reindex(opponent_keys).to_numpy())


def _find_role_bounds(past: Past, settings: Settings) -> dict[str, Bound]:
    """Return the usual playing time at which each role begins.

    Those of basketball are its own; in other sports they are learned from everybody's earlier games.
    """
    if settings.sport == "basketball":
        return dict(ROLE_MIN_MINUTES)
    mean, deviation = past.mean("minutes", "home"), past.std("minutes", "home")
    return {role: 0.0 if step is None else mean + step * deviation for role, step in ROLE_STEPS.items()}


def _assign_roles(minutes: pd.Series, bounds: dict[str, Bound]) -> pd.Series:
    """Return the last role whose bound the usual playing time reaches; missing without one."""
    reached = [(minutes >= bound).to_numpy() for bound in reversed(bounds.values())]
    roles = np.select(reached, list(reversed(bounds)), "")
    return pd.Series(roles, minutes.index, dtype=object).where(minutes.notna() & (roles != ""))
