"""Intake of props: how many games and lines were kept, what was lost for which reason, and what looks wrong."""

from typing import Any

import pandas as pd

from stages.prepare.props.declarations import REQUIRED_GAME_COLUMNS
from stages.prepare.props.games import DID_NOT_PLAY, REPEATED_ROWS
from stages.prepare.props.settings import Settings
from trueline.core.tables.intake import Example, Intake, make_example, summarise_intake
from trueline.core.tables.raw_tables import RawTable
from trueline.core.tables.table_schema import flag_unparseable

LINE_FAULTS = {  # the reasons for which a line is lost, rather than not needed, and the column that is judged
    "unreadable or missing value": "line",
    "unknown player": "player_id",
    "impossible line": "line",
}
LATE_SHARE = 0.03  # with a larger share of quotes after the start their times are doubtful


def summarise_game_intake(
    table: RawTable, rows: pd.DataFrame, reasons: pd.Series, notes: list[str], settings: Settings
) -> Intake:
    """Return the intake of the games: without those who did not play, games to come, and copies of a row."""
    unimportant = reasons.isin([DID_NOT_PLAY, "future", *REPEATED_ROWS])
    is_to_come = rows["minutes"].isna() & rows[settings.quantity].isna()
    counted = ~rows.index.isin(reasons.index[unimportant]) & ~(is_to_come & rows.index.isin(reasons.index))
    keys = pd.DataFrame({"group": rows["game_id"], "day": rows["date"]})[counted]
    lost = reasons[reasons.index.isin(keys.index)]
    examples = {str(reason): _find_example(table, rows, lost, str(reason), settings) for reason in lost.unique()}
    return summarise_intake(keys, lost, examples, "games", [*table.notes, *notes], table.look_meant)


def summarise_line_intake(table: RawTable, quotes: pd.DataFrame, reasons: pd.Series) -> Intake:
    """Return the intake of the lines: without those of another quantity, voids, alternates and late quotes."""
    faults = reasons[reasons.isin(LINE_FAULTS)]
    keys = quotes[["entity", "time"]].set_axis(["group", "day"], axis=1).drop(reasons.index.difference(faults.index))
    examples = {
        f"lines: {reason}": make_example(table.rows, int(faults.index[faults == reason][0]), column)
        for reason, column in LINE_FAULTS.items()
        if (faults == reason).any()
    }
    return summarise_intake(keys, "lines: " + faults.astype(str), examples, "players with lines", [], table.look_meant)


def describe_lines(quality: dict[str, Any]) -> list[str]:
    """Return sentences about the fate of the lines, and about what in them looks wrong."""
    total, counts = quality["rows_in"].get("lines", 0), quality["set_aside"]["lines"]
    used = quality["line_types"].get("actual", 0)
    if not total:
        return []
    fates = [f"{count:,} {reason}" for reason, count in sorted(counts.items(), key=lambda item: -item[1])]
    notes = [f"lines: {total:,} rows give {used:,} games an actual line; " + ("; ".join(fates) or "none is set aside")]
    if joined := quality["rows_joined_as_over_and_under"]:
        notes.append(f"lines: {joined:,} rows are the other side of a quote")
    late_count = counts.get("quoted after the start", 0)
    if late_count > LATE_SHARE * total:
        notes.append(
            f"lines: {late_count / total:.1%} of the quotes are dated after the start of their game and are set aside; "
            "if they are not from running games, the times are of another zone: set prepare.props.timezone"
        )
    for name, problem in (("zero_prices", "0 and count as missing"), ("unreadable_prices", "unreadable")):
        if quality[name]:
            notes.append(f"lines: {quality[name]:,} prices are {problem}")
    for table_name, names in quality["unknown_players"].items():
        if names:
            listed = ", ".join(f"{name} ({count:,})" for name, count in names.items())
            notes.append(f"{table_name}: players without any game, the commonest first: {listed}")
    return notes


def describe_games(quality: dict[str, Any]) -> list[str]:
    """Return sentences about what in the games looks wrong."""
    notes = []
    if opponents := quality["opponents_that_are_no_team"]:
        listed = ", ".join(f"{name} ({count:,})" for name, count in opponents.items())
        notes.append(f"games: opponents that are no team, the commonest first: {listed}")
    for spelling in quality["players_in_several_spellings"]:
        notes.append(f"games: one player, perhaps, in several spellings: {', '.join(map(str, spelling['names']))}")
    return notes


def _find_example(table: RawTable, rows: pd.DataFrame, lost: pd.Series, reason: str, settings: Settings) -> Example:
    """Return the first cell that was judged, with the setting that judges it."""
    row = int(lost.index[lost == reason][0])
    needed = [*REQUIRED_GAME_COLUMNS, *settings.parts]
    columns = {
        "missing value": next((name for name in needed if rows.loc[[row], name].isna().any()), settings.parts[0]),
        "unreadable value": next(
            (name for name in map(str, rows) if flag_unparseable(table.rows.loc[[row]], rows.loc[[row]], name).any()),
            settings.parts[0],
        ),
        "a team against itself": "opponent",
        "impossible minutes": "minutes",
        "impossible count": settings.parts[0],
        "points that are not the sum of the shots": "points",
    }
    setting = {"impossible minutes": "longest_game"}.get(reason)
    return make_example(table.rows, row, columns.get(reason, "player_id"), setting)
