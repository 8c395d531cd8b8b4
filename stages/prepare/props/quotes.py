"""Quotes of props: every raw line judged by rules, and the lines of each game as one row."""

from dataclasses import dataclass

import pandas as pd

from stages.prepare.props.consensus_line import compute_consensus_line, select_newest_quotes
from stages.prepare.props.game_matching import GAME_RULES, join_games
from stages.prepare.props.main_line import choose_lines, find_rival_lines, flag_alternate_lines
from stages.prepare.props.props_columns import KEY_COLUMNS, LINE_COLUMNS
from stages.prepare.props.props_settings import RowRules, Settings
from stages.prepare.props.quantity_words import normalize_quantity
from stages.prepare.props.quote_sides import join_quote_sides, mask_impossible_odds
from stages.prepare.props.quote_times import DAY_END_OFFSET, compute_quote_ends
from stages.prepare.props.sports import Sport
from trueline.core.errors import UserError
from trueline.core.tables.coercion import coerce_optional_table
from trueline.core.tables.row_filters import Counts, Flags, count_reasons, find_reasons
from trueline.core.tables.table_schema import validate_table

DEFAULT_LINE_STAT = "points"  # the quantity of a line that does not name one, where there are points
ALTERNATE = "alternate line of the same book"
LEAST_RIVALS, LEAST_RIVAL_SHARE = 20, 0.05  # quotes of two main lines at one time, and their share of the offers
BOOK_KEY = ["game_row", "line_type", "book"]


@dataclass(frozen=True)
class GameLines:
    """The lines by row of the games, the judged quotes, and for which reason each was set aside."""

    lines: pd.DataFrame
    quotes: pd.DataFrame
    reasons: pd.Series
    older_count: int  # quotes of a book but its newest, also the first, which gives the opening line
    joined_count: int  # rows that were the other side of a quote

    def list_sound_quotes(self) -> pd.DataFrame:
        """Return the quotes that count, labelled as the table's, with their game_row, made_at and book."""
        return self.quotes.drop(index=self.reasons.index).rename(columns={"quoted_at": "made_at"})

    def count_fates(self) -> Counts:
        """Return how many quotes were set aside for which reason."""
        counts = count_reasons(self.reasons, LINE_RULES)
        return counts | ({"older quote of the same book": self.older_count} if self.older_count else {})


def prepare_lines(raw: pd.DataFrame | None, game_index: pd.DataFrame, settings: Settings) -> GameLines:
    """Return the lines of the games, with what became of every quote.

    Raises UserError if the quotes name quantities of which none is the predicted one, and as `join_games` does.
    """
    typed = mask_impossible_odds(coerce_optional_table(raw, LINE_COLUMNS, "lines"))
    typed = _normalize_words(typed, raw, settings)
    quotes, joined_count = join_quote_sides(typed)
    quotes = join_games(quotes, game_index, "lines")
    quotes["start"] = quotes["game_start"].fillna(quotes["start_time"])
    validate_table(quotes, [column for column in LINE_COLUMNS if column.allowed], "lines")
    reasons = find_reasons(quotes, LINE_RULES, settings)
    _reject_mixed_lines(quotes, reasons)
    sound = quotes[~quotes.index.isin(reasons.index)]
    sound = sound.assign(
        open_line=sound["open_line"].where(sound["open_line"].between(0, settings.profile.line_high, "right"))
    )
    sound = sound.assign(stood_until=compute_quote_ends(sound, BOOK_KEY, settings.quote_minutes))
    actual, estimated = (sound[sound["line_type"] == kind] for kind in ("actual", "estimated"))
    newest_estimates = select_newest_quotes(estimated, ["game_row"], KEY_COLUMNS)
    estimated_lines = choose_lines(newest_estimates, "line", ["game_row"], ["distance"], KEY_COLUMNS)
    lines = compute_consensus_line(actual, ["game_row"], KEY_COLUMNS).set_index("game_row")
    lines = lines.join(estimated_lines.rename("estimated_line"), how="outer")
    return GameLines(lines, quotes, reasons, int(sound.duplicated(BOOK_KEY).sum()), joined_count)


def _reject_mixed_lines(quotes: pd.DataFrame, reasons: pd.Series) -> None:
    """Raise UserError if many books have two main lines on a player at one time: they are of two quantities."""
    judged = quotes.drop(index=reasons.index[reasons != ALTERNATE])
    # without a time, two lines of a book may be an earlier and a later one
    judged = judged[(judged["line_type"] == "actual") & judged["quoted_at"].notna()]
    offer_key = [*BOOK_KEY, "quoted_at"]
    rivals = find_rival_lines(judged, offer_key)
    rival_share = len(rivals.drop_duplicates(offer_key)) / max(len(judged.drop_duplicates(offer_key)), 1)
    if len(rivals) < LEAST_RIVALS or rival_share < LEAST_RIVAL_SHARE:
        return
    example = rivals[rivals["game_row"] == rivals["game_row"].iloc[0]]
    lines = " and ".join(f"{line:g}" for line in sorted(example["line"].unique())[:2])
    raise UserError(
        f"lines: {rival_share:.0%} of the books' offers on a player have two lines far apart, both at even prices "
        f"(for example {lines} on {example['entity'].iloc[0]!r} on {example['time'].iloc[0]:%Y-%m-%d}), so lines of "
        "several quantities or parts of a game seem to be mixed; name the column that tells them apart by "
        "prepare.props.columns: {THEIR NAME: stat}, or leave the other lines out."
    )


def _normalize_words(quotes: pd.DataFrame, raw: pd.DataFrame | None, settings: Settings) -> pd.DataFrame:
    """Return the quotes with one spelling of each quantity, line type and book; without line types all are actual.

    Raises UserError if the quotes name quantities and none of them is the predicted one.
    """
    stats = {stat: normalize_quantity(stat) for stat in quotes["stat"].dropna().unique()}
    if stats and normalize_quantity(settings.quantity) not in stats.values():
        raise UserError(
            f"lines: none is about {settings.quantity}; stat is {', '.join(map(repr, sorted(stats)[:5]))}: set "
            f"prepare.props.quantity, or rename it by prepare.props.values, e.g. "
            f"{{stat: {{{sorted(stats)[0]}: {settings.quantity}}}}}."
        )
    line_types = {spelling: spelling.lower() for spelling in quotes["line_type"].dropna().unique()}
    books = {book: "".join(filter(str.isalnum, book.casefold())) for book in quotes["book"].dropna().unique()}
    return quotes.assign(
        stat=quotes["stat"].map(stats.get),
        line_type=quotes["line_type"].map(line_types.get) if raw is not None and "line_type" in raw else "actual",
        book=quotes["book"].map(books.get),
    )


def find_default_stat(profile: Sport) -> str | None:
    """Return the quantity of lines that name none; None if they are about whichever is predicted."""
    return DEFAULT_LINE_STAT if DEFAULT_LINE_STAT in profile.count_names else None


def _flag_impossible_lines(rows: pd.DataFrame, settings: Settings) -> Flags:
    zero_quotes = (rows["line_type"] == "actual") & (rows["line"] == 0)
    return zero_quotes | ~rows["line"].between(0, settings.profile.line_high)


def _flag_incomplete_quotes(rows: pd.DataFrame, settings: Settings) -> Flags:
    stat_missing = rows["stat"].isna() & bool(
        rows["stat"].notna().any()
    )  # unknown quantity, if other quotes name theirs
    return rows["unreadable"] | stat_missing | rows[[*KEY_COLUMNS, "line", "line_type"]].isna().any(axis=1)


def _flag_late_quotes(rows: pd.DataFrame, settings: Settings) -> Flags:
    """Flag quotes made after the start: of the box score, else of the line itself, else the end of the day."""
    is_late = rows["quoted_at"] > rows["start"].fillna(rows["time"] + DAY_END_OFFSET)
    return is_late | (rows["live"] == 1)


def _flag_alternate_quotes(rows: pd.DataFrame, settings: Settings) -> Flags:
    return flag_alternate_lines(rows, [*BOOK_KEY, "quoted_at"], KEY_COLUMNS)


LINE_RULES: RowRules = {
    "unreadable or missing value": _flag_incomplete_quotes,
    "another quantity": lambda rows, settings: (
        rows["stat"].fillna(find_default_stat(settings.profile) or normalize_quantity(settings.quantity))
        != normalize_quantity(settings.quantity)
    ),
    **GAME_RULES,
    "impossible line": _flag_impossible_lines,
    "quoted after the start": _flag_late_quotes,
    ALTERNATE: _flag_alternate_quotes,
}
