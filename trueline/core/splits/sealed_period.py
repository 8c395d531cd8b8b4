"""The sealed period: the newest days, which no stage sees, so that a promotion can ask them once."""

from typing import TypedDict

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.splits.walk_forward import NO_CLOCK

DAY_FORMAT = "%Y-%m-%d"


class SealedPeriod(TypedDict):
    """The sealed days, the first and the last, and how many rows they have."""

    from_day: str
    to_day: str
    rows: int


def seal_newest_days(rows: pd.DataFrame, sealed_days: int | None) -> tuple[pd.DataFrame, SealedPeriod | None]:
    """Return the rows before the newest `sealed_days` calendar days, and what was sealed; all rows for null.

    Raises UserError if rows have no times, and if none is left.

    >>> races = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=5)})
    >>> kept, sealed = seal_newest_days(races, 2)
    >>> len(kept), sealed
    (3, {'from_day': '2024-01-04', 'to_day': '2024-01-05', 'rows': 2})
    """
    if sealed_days is None:
        return rows, None
    if (rows["time"] == NO_CLOCK).all():
        raise UserError(
            f"folds.<task>.sealed_days is {sealed_days}, but the rows have no dates, so that no day is the newest; set "
            "it to null, or add dates to the source."
        )
    days = rows["time"].dt.normalize()
    first_day = days.max() - pd.Timedelta(days=sealed_days - 1)
    if first_day <= days.min():
        raise UserError(
            f"folds.<task>.sealed_days is {sealed_days}, but the data run only from {days.min():{DAY_FORMAT}} to "
            f"{days.max():{DAY_FORMAT}}; seal fewer days, so that some are left to fit and to score."
        )
    is_sealed = days >= first_day
    period: SealedPeriod = {
        "from_day": first_day.strftime(DAY_FORMAT),
        "to_day": days.max().strftime(DAY_FORMAT),
        "rows": int(is_sealed.sum()),
    }
    return rows[~is_sealed].reset_index(drop=True), period
