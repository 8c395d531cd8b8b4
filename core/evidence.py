"""Evidence: what the corridor wrote about one task, as the checks of the last room see it."""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import pandas as pd

from core.params import Knobs
from core.tables import Column


class Finding(TypedDict):
    """What a check found: a status, one sentence, and the figures behind it."""

    status: Literal["ok", "warning", "failed", "declined"]
    summary: str
    details: dict[str, Any]


class Limits(Knobs):
    """The bounds at which the checks speak up."""

    missing_share: float  # of the score rows in which an input is missing
    shift: float  # population stability index beyond that of chance
    slope_low: float  # calibration slopes between these two are as good as 1
    slope_high: float
    r2_too_good: float  # an R² that no honest forecast of this task reaches
    r2_over_market: float  # R² above that of a market which is not yet known
    segment_groups: int  # groups below which a segment is not judged
    twin_share: float  # of the score rows that share all inputs with another
    default_share: float  # of the score rows in which a number of many values takes one and the same
    # of quantities that a market has a line for; null where there is none
    market_bias: float | None  # mean distance of predictions from the market, in the target's unit
    hit_edge: float | None  # distance from the line at which a pick counts, in the target's unit
    hit_rate_too_good: float | None  # a rate that no honest forecast reaches against a real line
    hit_rate_picks: int | None  # picks below which that rate is not judged
    error_below_market: float | None  # mean absolute error below the market's that none reaches


@dataclass(frozen=True, eq=False)  # compared and cached as the one thing it is, not by its tables
class Evidence:
    """The tables of one task, row by row as written; predictions hold score rows of test folds only."""

    task: str
    predictions: pd.DataFrame
    prepared: pd.DataFrame
    columns: list[Column]
    features: pd.DataFrame
    folds: pd.DataFrame
    report: dict[str, Any]
    audit: dict[str, Any]
    limits: Limits
    seed: int


def finding(status: Literal["ok", "warning", "failed", "declined"], summary: str, **details: Any) -> Finding:
    """Return a finding."""
    return {"status": status, "summary": summary, "details": details}
