"""Quality report of props: what came in, what went out, and what looks wrong."""

from typing import Any

import pandas as pd

from stages.prepare.props.declarations import COLUMNS, GAME_COLUMNS, LINE_COLUMNS, PRODUCTION_COLUMNS

MOST_LISTED = 10


def summarise_quality(raw: dict[str, pd.DataFrame], prepared: pd.DataFrame) -> dict[str, Any]:
    declared = {"games": GAME_COLUMNS, "lines": LINE_COLUMNS, "production": PRODUCTION_COLUMNS}
    ignored = {name: set(map(str, table.columns)) - {c.name for c in declared[name]} for name, table in raw.items()}
    return {
        "ignored_columns": {name: sorted(columns) for name, columns in ignored.items()},
        "rows_in": {name: len(table) for name, table in raw.items()},
        "rows_out": len(prepared),
        "games_out": int(prepared["game_id"].nunique()),
        "line_types": prepared["line_type"].value_counts().sort_index().to_dict(),
        "opponents_that_are_no_team": _count_strange_opponents(prepared),
        "teams_whose_points_are_not_their_players_sum": _count_mismatched_teams(prepared),
        "missing_share": {
            column.name: float(prepared[column.name].isna().mean())
            for column in COLUMNS
            if column.nullable and column.name in prepared
        },
        "days": int(prepared["time"].nunique()),
        "first_day": f"{prepared['time'].min():%Y-%m-%d}",
        "last_day": f"{prepared['time'].max():%Y-%m-%d}",
    }


def _count_mismatched_teams(prepared: pd.DataFrame) -> int | None:
    """Return for how many teams the players' points do not add up; None if the source lacks points of either kind."""
    if not {"points", "team_points"} <= set(prepared):
        return None
    team_games = prepared.groupby(["game_id", "team"])
    team_points = team_games["team_points"].first().dropna()
    return int((team_games["points"].sum()[team_points.index] != team_points).sum())


def _count_strange_opponents(prepared: pd.DataFrame) -> dict[str, int]:
    """Return the commonest opponents that no row has as its team, with their numbers of rows."""
    opponents = prepared["opponent"][~prepared["opponent"].isin(prepared["team"].unique())]
    counts: dict[str, int] = opponents.value_counts().head(MOST_LISTED).to_dict()
    return counts
