"""Standing quotes: a bet counts only at a quote that stood when the inputs of its decision were known."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.errors import UserError

Moment = Literal["before", "at_start"]  # when the inputs of a run were known
Mask = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]

NAMED_INPUTS = 5  # inputs that an error message names
CLOCK_COLUMNS = ("known_before", "known_at_start", "open_from", "open_until", "quoted_from", "quoted_until")


def could_bet(inputs_known: Times, quoted_from: Times, quoted_until: Times) -> Mask:
    """Return where some time is neither before the inputs were known nor outside the quote's standing, ends included.

    False where a time is missing.

    >>> noon, one, two = np.array(["2024-03-01T12", "2024-03-01T13", "2024-03-01T14"], "datetime64[us]")
    >>> could_bet(np.array([noon, two]), np.array([one, noon]), np.array([two, one])).tolist()
    [True, False]
    """
    return np.asarray((inputs_known <= quoted_until) & (quoted_from <= quoted_until))


def flag_standing_lines(rows: pd.DataFrame, moment: Moment, is_timed: bool) -> Mask:
    """Return the rows whose line may grade a bet decided on inputs known at a moment; `rows` may have CLOCK_COLUMNS.

    A line without times is a last line, and so later than inputs known `before`. For those known `at_start` it does not
    count, unless the source has no times at all (`is_timed`): features allows that only to a run that is doubtful.
    """
    standing = could_bet(*(_get_times(rows, name) for name in (f"known_{moment}", "quoted_from", "quoted_until")))
    if moment == "before":
        return standing | np.isnat(_get_times(rows, "quoted_until"))
    return standing if is_timed else np.ones(len(rows), bool)


def flag_standing_opens(rows: pd.DataFrame, moment: Moment) -> Mask:
    """Return the rows whose opening line may grade a bet: none for inputs known at the start, which come later."""
    if moment == "at_start":
        return np.zeros(len(rows), bool)
    standing = could_bet(*(_get_times(rows, name) for name in ("known_before", "open_from", "open_until")))
    return standing | np.isnat(_get_times(rows, "open_until"))


def has_clock(prepared: pd.DataFrame) -> bool:
    """Return whether some row says both until when its line stood and when line-ups and closing facts were known."""
    times = prepared.reindex(columns=["quoted_until", "known_at_start"])
    return bool(times.notna().all(axis=1).any())


def reject_untimed_quotes(rows: pd.DataFrame, start_inputs: list[str], untimed_quotes: str) -> None:
    """Raise UserError if inputs are known only at the start and no line has the times to show that it stood by then.

    Nothing is refused without real lines, nor if `untimed_quotes` is doubtful.
    """
    lines = rows[rows["line_type"] == "actual"]
    if untimed_quotes == "doubtful" or lines.empty or has_clock(lines):
        return
    named = ", ".join(start_inputs[:NAMED_INPUTS]) + (", …" if len(start_inputs) > NAMED_INPUTS else "")
    raise UserError(
        f"{named} are known only at the start, and no quote has a time that shows it still stood then; add quoted_at "
        "to lines, and start_time (or lineups_at) to games, or set features.<task>.decision: before, or set "
        "features.<task>.untimed_quotes: doubtful, which grades bets on quotes of unknown age and marks the run."
    )


def describe_grading(moment: Moment, lines: int, graded: int, is_timed: bool) -> dict[str, Any]:
    """Return how many real lines may grade bets, whether their times say so, and a sentence."""
    moment_words = "before the decision" if moment == "before" else "only at the start"
    text = f"The inputs are known {moment_words}, and {graded:,} of {lines:,} real lines may grade bets"
    if lines > graded:
        text += f"; {lines - graded:,} are not graded, because no quote of theirs is known to have stood by then"
    if moment == "at_start" and not is_timed:
        text += "; no quote has a time that shows it still stood by then, so the bets may be on stale lines"
    return {
        "inputs_known": moment, "lines": lines, "graded": graded, "not_graded": lines - graded,
        "unknown_age": graded if moment == "at_start" and not is_timed else 0, "sentence": f"{text}.",
    }  # fmt: skip


def _get_times(rows: pd.DataFrame, name: str) -> Times:
    times = rows[name] if name in rows else pd.Series(pd.NaT, index=rows.index)
    return pd.to_datetime(times).to_numpy("datetime64[us]")
