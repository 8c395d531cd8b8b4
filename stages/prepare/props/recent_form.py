"""Recent form: what each player usually does, measured on strictly earlier days."""

import numpy as np
import pandas as pd

from stages.prepare.props.declarations import ROLE_MIN_MINUTES
from trueline.core.history.past import Past
from trueline.core.stats.group_ops import sum_by_group

MIN_ROTATION_MINUTES = 15.0  # usual minutes of the rotation; below, not playing is the coach's choice


def add_recent_form(rows: pd.DataFrame, past: Past) -> pd.DataFrame:
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
    rows["role"] = _assign_roles(rows["usual_minutes"])
    rows["surplus"] = rows["target"] - rows["usual"]
    rows["minutes_surplus"] = rows["minutes"] - rows["usual_minutes"]
    in_rotation = (rows["usual_minutes"] >= MIN_ROTATION_MINUTES).to_numpy()
    team_codes = np.asarray(rows.groupby(team_keys).ngroup(), np.int64)
    no_rotation = sum_by_group(in_rotation.astype(float), team_codes) == 0
    for name, usual_column in (("side_usual", "usual"), ("side_minutes", "usual_minutes")):
        rows[name] = np.where(
            no_rotation, np.nan, sum_by_group(np.where(in_rotation, rows[usual_column], 0.0), team_codes)
        )
    team_points = rows.groupby(["game_id", "team"])["team_points"].first()
    opponent_keys = pd.MultiIndex.from_frame(rows[["game_id", "opponent"]])
    return rows.assign(opponent_points=team_points.reindex(opponent_keys).to_numpy())


def _assign_roles(minutes: pd.Series) -> pd.Series:
    bounds = [*ROLE_MIN_MINUTES.values(), np.inf]
    return pd.cut(minutes, bounds, right=False, labels=list(ROLE_MIN_MINUTES)).astype(object)
