"""Intake of props: how many games and lines were kept, what was lost for which reason, and what looks wrong."""

from typing import Any

import pandas as pd

from stages.prepare.props.games import DID_NOT_PLAY, REPEATED_ROWS
from stages.prepare.props.props_columns import PLAYER_DAY_TO_KEY, REQUIRED_GAME_COLUMNS
from stages.prepare.props.props_settings import Settings
from trueline.core.tables.intake_report import (
    Example,
    Intake,
    IntakeError,
    describe_example,
    describe_remedy,
    make_example,
    summarise_intake,
)
from trueline.core.tables.raw_tables import RawTable
from trueline.core.tables.table_schema import flag_unparseable

Quality = dict[str, Any]
UNREADABLE = "unreadable or missing value"
LINE_FAULTS = {  # the reasons for which a line is lost, rather than not needed, and the column that is judged
    UNREADABLE: "line",
    "unknown player": "player_id",
    "impossible line": "line",
}
NEEDED_LINE_COLUMNS = ("player_id", "date", "line", "line_type", "stat")
NO_LOSS = (DID_NOT_PLAY, "future", *REPEATED_ROWS)
LEAST_TYPICAL_SHARE = 0.02  # of the longest playing time, which the typical player has
SECONDS = 60  # in a minute
LATE_SHARE = 0.03  # with a larger share of quotes after the start their times are doubtful


def summarise_game_intake(
    tables: dict[str, RawTable], rows: pd.DataFrame, reasons: pd.Series, settings: Settings, quality: Quality
) -> Intake:
    """Return the intake of the games, with what all tables say of themselves: games to come do not count.

    Nothing is lost with those who did not play, days that were cut off, and copies of a row.
    """
    last_played = rows["date"].where(rows[settings.quantity].notna()).max()
    is_to_come = rows["minutes"].isna() & rows[settings.quantity].isna() & ~rows["absent"]
    is_to_come &= ~(rows["date"] < last_played)  # an earlier game without a result is lost
    keys = pd.DataFrame({"group": rows["game_id"], "day": rows["date"]})[~is_to_come]
    reasons = reasons[reasons.index.isin(keys.index)]
    examples = {
        str(reason): _find_example(tables["games"], rows, reasons, str(reason), settings)
        for reason in reasons.unique()
        if reason not in NO_LOSS
    }
    notes = [note for table in tables.values() for note in table.notes]
    look_meant = {name: our_name for table in tables.values() for name, our_name in table.look_meant.items()}
    notes += _describe_lines(quality)
    hints = [*_describe_minutes(rows, settings), *_describe_games(quality), *_describe_doubts(quality)]
    return summarise_intake(keys, reasons, examples, "games", notes, look_meant, NO_LOSS, hints)


def require_games(
    tables: dict[str, RawTable], rows: pd.DataFrame, reasons: pd.Series, settings: Settings, quality: Quality
) -> None:
    """Raise IntakeError, with the quality report, if no game is sound: its main reason, with an example."""
    if len(reasons) < len(rows):
        return
    intake = summarise_game_intake(tables, rows, reasons, settings, quality)
    main_reason = str(reasons.value_counts().index[0])
    remedy = describe_remedy(intake, main_reason, "props") if main_reason in intake["set_aside"] else ""
    raise IntakeError(
        f"games: none of {len(rows)} rows survives; most were set aside for {main_reason!r}{remedy}.",
        quality | {"intake": intake},
    )


def summarise_line_intake(table: RawTable, quotes: pd.DataFrame, reasons: pd.Series) -> Intake:
    """Return the intake of the lines: without those of another quantity, voids, alternates and late quotes."""
    faults = reasons[reasons.isin(LINE_FAULTS)]
    keys = quotes[["entity", "time"]].set_axis(["group", "day"], axis=1).drop(reasons.index.difference(faults.index))
    examples = {f"lines: {reason}": example for reason, example in find_line_examples(table, quotes, reasons).items()}
    return summarise_intake(keys, "lines: " + faults.astype(str), examples, "players with lines", [], table.look_meant)


def find_line_examples(table: RawTable | None, quotes: pd.DataFrame, reasons: pd.Series) -> dict[str, Example]:
    """Return an example of the lines that were lost for each reason: of an unreadable one the cell that is so."""
    examples: dict[str, Example] = {}
    if table is None:
        return examples
    typed = quotes.rename(columns={key: name for name, key in PLAYER_DAY_TO_KEY.items()})
    for reason, column in LINE_FAULTS.items():
        faulty = reasons.index[reasons == reason]
        if not len(faulty):
            continue
        row = int(faulty[0])
        judged_column = column
        if reason == UNREADABLE:
            cells, typed_cells = table.rows.loc[[row]], typed.loc[[row]]
            names = [name for name in ("date", "line", "quoted_at", *table.rows) if name in typed and name in cells]
            is_bad = [name for name in names if flag_unparseable(cells, typed_cells, name).any()]
            is_bad += [name for name in NEEDED_LINE_COLUMNS if typed_cells[name].isna().any()]
            judged_column = next(iter(is_bad), column)
        examples[reason] = make_example(table.rows, row, judged_column)
    return examples


def _describe_lines(quality: Quality) -> list[str]:
    """Return sentences about the fate of the lines."""
    total, counts = quality["rows_in"].get("lines", 0), quality["set_aside"].get("lines")
    if not total or counts is None:
        return []
    fates = [f"{count:,} {reason}" for reason, count in sorted(counts.items(), key=lambda item: -item[1])]
    if joined := quality["rows_joined_as_over_and_under"]:
        fates.append(f"{joined:,} are the other side of a quote")
    used = quality["line_types"].get("actual", 0)
    notes = [f"lines: {total:,} rows give {used:,} games an actual line; " + ("; ".join(fates) or "none is set aside")]
    if used and not quality["lines_with_times"]:
        notes.append(
            "lines: no quote says when it was made (quoted_at), so none is known to have stood at the start, and "
            "line-ups and closing facts may not be inputs"
        )
    return notes


def describe_missing_starts(quotes: pd.DataFrame) -> list[str]:
    """Return a sentence if quotes have times and no game has a start, so that nothing tells quotes of running games."""
    if quotes["quoted_at"].isna().all() or quotes["start"].notna().any():
        return []
    return [
        "lines: no game has a start time, so quotes count until the end of its day in New York, those of the running "
        "game among them; add start_time to the games or the lines"
    ]


def _describe_doubts(quality: Quality) -> list[str]:
    """Return sentences about what looks wrong in lines and predictions."""
    doubts = []
    late_count = quality["set_aside"].get("lines", {}).get("quoted after the start", 0)
    late_share = late_count / (quality["rows_in"].get("lines") or 1)
    if late_share > LATE_SHARE:
        doubts.append(
            f"lines: {late_share:.1%} of the quotes are dated after the start of their game and are set aside; if they "
            "are not from running games, start_time or quoted_at is of another zone: say which is of which by "
            "prepare.props.timezone, such as {start_time: America/New_York}"
        )
    for name, problem in (("zero_prices", "0 and count as missing"), ("unreadable_prices", "unreadable")):
        if quality.get(name):
            example = quality.get("unreadable_price_example") if name == "unreadable_prices" else None
            doubts.append(f"lines: {quality[name]:,} prices are {problem}{describe_example(example)}")
    for line_reason, example in quality.get("line_examples", {}).items():
        doubts.append(f"lines: {line_reason}{describe_example(example)}")
    for table_name, counts in quality.get("unknown_players", {}).items():
        if counts:
            doubts.append(f"{table_name}: players without any game, the commonest first: {_list_counts(counts)}")
    return doubts


def _describe_minutes(rows: pd.DataFrame, settings: Settings) -> list[str]:
    """Return a sentence if the typical player hardly plays: his minutes are hours, or a share of the game."""
    played = rows["minutes"][rows["minutes"] > 0]
    longest = settings.profile.longest_game
    if played.median() > longest and played.median() / SECONDS <= longest:
        return [
            f"games: the typical player plays {played.median():,.0f} minutes of up to {longest:g}: minutes may be "
            "seconds; if so, divide them by 60 in the source"
        ]
    if settings.profile.in_innings or not played.between(0, 1, inclusive="neither").any():
        return []
    if not played.median() < LEAST_TYPICAL_SHARE * longest:
        return []
    return [
        f"games: the typical player plays {played.median():.2g} minutes of up to {longest:g}: minutes may be hours, or "
        "a share of the game"
    ]


def _describe_games(quality: Quality) -> list[str]:
    """Return sentences about what looks wrong in the games."""
    doubts = []
    if opponents := quality.get("opponents_that_are_no_team"):
        doubts.append(f"games: opponents that are no team, the commonest first: {_list_counts(opponents)}")
    for spelling in quality.get("players_in_several_spellings", ()):
        doubts.append(f"games: perhaps one player in several spellings: {', '.join(map(str, spelling['names']))}")
    return doubts


def _list_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())


def _find_example(table: RawTable, rows: pd.DataFrame, lost: pd.Series, reason: str, settings: Settings) -> Example:
    """Return the first cell that was judged, with the setting that judges it."""
    row = int(lost.index[lost == reason][0])
    raw_row, typed_row = table.rows.loc[[row]], rows.loc[[row]]
    judged_column = {
        "a team against itself": "opponent",
        "impossible minutes": "minutes",
        "impossible count": settings.parts[0],
        "points that are not the sum of the shots": "points",
    }.get(reason, "player_id")
    if reason == "missing value":
        needed = [*REQUIRED_GAME_COLUMNS, *settings.parts]
        judged_column = next(name for name in needed if typed_row[name].isna().any())
    if reason == "unreadable value":
        judged_column = next(name for name in map(str, rows) if flag_unparseable(raw_row, typed_row, name).any())
    return make_example(table.rows, row, judged_column, _find_setting(reason, typed_row["minutes"]))


def _find_setting(reason: str, minutes: pd.Series) -> str | None:
    """Return the setting that judges a row; points without minutes break no limit that is set."""
    return "longest_game" if reason == "impossible minutes" and (minutes > 0).any() else None
