"""Quality report of props: what came in, what went out, and what looks wrong."""

from typing import Any

import pandas as pd

from stages.prepare.props.props_columns import COLUMNS
from trueline.core.tables.name_forms import find_near_spellings
from trueline.core.tables.raw_tables import RawTable
from trueline.core.tables.table_schema import OWN_PREFIX

MOST_LISTED = 10


def summarise_quality(tables: dict[str, RawTable], prepared: pd.DataFrame) -> dict[str, Any]:
    """Return the part of the quality report that says what came in and what is in the prepared rows."""
    return {
        "ignored_columns": {name: table.ignored for name, table in tables.items()},
        "rows_out": len(prepared),
        "games_out": int(prepared["game_id"].nunique()),
        "lines_with_times": int(prepared["quoted_until"].notna().sum()),
        "line_types": prepared["line_type"].value_counts().sort_index().to_dict(),
        "players_in_several_spellings": _find_spellings(prepared),
        "opponents_that_are_no_team": _count_strange_opponents(prepared),
        "teams_whose_points_are_not_their_players_sum": _count_mismatched_teams(prepared),
        "missing_share": {
            column.name: float(prepared[column.name].isna().mean())
            for column in COLUMNS
            if column.nullable and column.name in prepared
        }
        | {name: float(prepared[name].isna().mean()) for name in map(str, prepared) if name.startswith(OWN_PREFIX)},
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
    return {str(name): int(count) for name, count in opponents.value_counts().head(MOST_LISTED).items()}


def _find_spellings(prepared: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the commonest groups of ids that look like one player; numbers never do."""
    counts = prepared["entity"].value_counts()
    is_word = ~counts.index.str.fullmatch(r"[\d.\-]+")
    reason_counts = counts[is_word]
    return find_near_spellings(reason_counts.index.repeat(reason_counts).to_series())[:MOST_LISTED]
