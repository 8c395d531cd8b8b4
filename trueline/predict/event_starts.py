"""Event starts: the moment of a prediction, which events of a card have started, and the refusal if every one has."""

import pandas as pd

from trueline.core.errors import UserError

DAY = pd.Timedelta(days=1)


def parse_moment(text: str | None) -> pd.Timestamp:
    """Return the moment that --now says, or now, in UTC without offset. Raises UserError for a text that is no time."""
    if text is None:
        return pd.Timestamp.now("UTC").tz_localize(None)
    try:
        moment = pd.Timestamp(text)
    except ValueError:
        raise UserError(f"--now {text!r} is no time; write it as 2024-04-30T09:00, in UTC.") from None
    return moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment


def flag_started(times: pd.Series, moment: pd.Timestamp, day_length: pd.Timedelta = DAY) -> pd.Series:
    """Return True for events that have started at a moment; those of which only the day is known, when it has ended.

    `times` are starts, or days, which have no time of day and end `day_length` later.
    """
    is_day = times == times.dt.normalize()
    return times.where(~is_day, times + day_length) <= moment


def require_upcoming(times: pd.Series, is_started: pd.Series, moment: pd.Timestamp) -> None:
    """Raise UserError if every event has started."""
    if is_started.all():
        raise UserError(
            f"every event of the card has started: it is {moment:%Y-%m-%d %H:%M} UTC, and the last begins "
            f"{times.max():%Y-%m-%d %H:%M}; name a card of what is to come, or say by --now when it is."
        )
