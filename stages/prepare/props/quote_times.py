"""Quote times: from when until when each quote stood, and when the inputs of a decision were known."""

import pandas as pd

DAY_END_OFFSET = pd.Timedelta(hours=29)  # from UTC midnight to the end of the day in New York, whose dates are used
DAY = pd.Timedelta(days=1)


def compute_quote_ends(quotes: pd.DataFrame, book_key: list[str], quote_minutes: float | None) -> pd.Series:
    """Return until when each quote stood (UTC); missing for quotes without a time.

    `quotes` has the columns of `book_key`, `quoted_at`, `quoted_until`, and `start`, when the bet closes. A quote
    stands until the source's own `quoted_until`; else until the next quote of its book; else for `quote_minutes` after
    it was made, because nobody saw it later, or until the start if that is None. It never outlives the next quote or
    the start.
    """
    next_quote = _find_next_quotes(quotes, book_key)
    made = quotes["quoted_at"]
    last_end = quotes["start"] if quote_minutes is None else made + pd.Timedelta(minutes=quote_minutes)
    own_end = quotes["quoted_until"].fillna(next_quote).fillna(last_end)
    ends = pd.concat([own_end, next_quote, quotes["start"]], axis=1).min(axis=1)
    return ends.where(made.notna())


def add_known_times(games: pd.DataFrame) -> pd.DataFrame:
    """Return the games with the time (UTC) at which the inputs of each decision were known.

    `known_before` is when the last day's games in New York have ended, or the start of a game that comes earlier.
    `known_at_start` is when line-ups were announced, or else the start; missing if the source has neither.
    """
    starts = games["start_time"].fillna(games["quoted_start"])
    mornings = games["time"] + DAY_END_OFFSET - DAY
    return games.assign(
        known_before=pd.concat([mornings, starts], axis=1).min(axis=1),
        known_at_start=games["lineups_at"].fillna(starts),
    )


def _find_next_quotes(quotes: pd.DataFrame, book_key: list[str]) -> pd.Series:
    """Return when the same book quoted next, strictly later; missing after its last quote."""
    timed_key = [*book_key, "quoted_at"]
    times = quotes[timed_key].dropna(subset="quoted_at").drop_duplicates().sort_values("quoted_at")
    times["next_quote"] = times.groupby(book_key, dropna=False, sort=False)["quoted_at"].shift(-1)
    return quotes[timed_key].merge(times, on=timed_key, how="left")["next_quote"].set_axis(quotes.index)
