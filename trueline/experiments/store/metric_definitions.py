"""Definitions of the headline metrics: which direction is better, the sample size, and where the interval is found."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trueline.core.errors import UserError, did_you_mean

Scores = Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """A score of which either more or less is better.

    `count_name` is the score that gives the sample size, and `interval_path` the path of the interval in report.json.
    `paired_path` is the path of the difference in the scorer's comparison of two runs, and `scale` the number of its
    units that make one unit of the metric. `judged_by` names the quantity that differs, if it is not the metric itself.
    """

    name: str
    more_is_better: bool
    count_name: str
    interval_path: tuple[str | int, ...]
    paired_path: tuple[str, ...] = ()
    judged_by: str = ""
    scale: float = 1.0

    def is_better(self, value: float, other_value: float) -> bool:
        """Return whether the first value is better."""
        return value > other_value if self.more_is_better else value < other_value

    def get_verdict(self, low: float | None, high: float | None) -> str:
        """Return the verdict on the first run, given the interval of the difference first − second."""
        if low is None or high is None or low <= 0 <= high:
            return "undecided"
        return "better" if (low > 0) == self.more_is_better else "worse"


# the headline of a task is the first of these metrics among its scores
METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "hit_rate", True, "bets", ("picks", "by_edge", 0, "hit_rate"), ("picks", "difference_points"), scale=100
        ),
        Metric("log_loss", False, "races", ("ladder", "tuned", "log_loss"), ("log_loss",)),
        Metric("micro_f1", True, "rows", ("ladder", "tuned", "micro_f1"), ("micro_f1", "difference")),
        Metric("mae", False, "rows", ("ladder", "rungs", "tuned", "mae"), ("error",), "the error on all rows"),
        Metric("roi", True, "bets", ("picks", "by_edge", 0, "roi")),
        Metric("r2", True, "races", ("ladder", "tuned", "r2"), ("r2",)),
        Metric("gain_over_market", True, "races", ("gain_over_market", "gain"), ("gain_over_market",)),
        Metric("macro_f1", True, "rows", ("ladder", "tuned", "macro_f1"), ("macro_f1", "difference")),
        Metric("lrap", True, "rows", ("ladder", "tuned", "lrap"), ("lrap", "difference")),
    )
}
COUNT_NAMES = frozenset(headline_metric.count_name for headline_metric in METRICS.values())


def get_metric(name: str) -> Metric:
    """Return a metric by name; raises UserError for a score that has no better direction."""
    if name not in METRICS:
        raise UserError(f"{name!r} is not a metric to rank by; {did_you_mean(name, METRICS)}")
    return METRICS[name]


def find_headline_metric(scores: Scores) -> Metric | None:
    """Return the headline metric of a task's scores, or None."""
    return next((metric for metric in METRICS.values() if get_finite_number(scores.get(metric.name)) is not None), None)


def get_finite_number(value: Any) -> float | None:
    """Return a value if it is a finite number, which can be ranked, else None."""
    return value if _is_number(value) and math.isfinite(value) else None


def is_malformed_score(name: str, value: Any) -> bool:
    """Return whether a metric, count or interval bound is something other than a number."""
    is_checked = name in METRICS or name in COUNT_NAMES or name.endswith(("_low", "_high"))
    return is_checked and value is not None and not _is_number(value)


def extract_intervals(report: Any) -> dict[str, float]:
    """Return the interval bounds in a report.json as NAME_low and NAME_high."""
    bound_by_name: dict[str, float] = {}
    for metric in METRICS.values():
        interval = get_nested(report, metric.interval_path)
        bounds = (
            [get_finite_number(interval.get(end)) for end in ("low", "high")]
            if isinstance(interval, Mapping)
            else [None]
        )
        if None not in bounds:
            bound_by_name |= {f"{metric.name}_{end}": float(interval[end]) for end in ("low", "high")}
    return bound_by_name


def get_nested(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return the value at a path in nested JSON, or None."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def get_interval(scores: Scores, name: str) -> tuple[float, float] | None:
    """Return the interval of a score, or None."""
    low, high = get_finite_number(scores.get(f"{name}_low")), get_finite_number(scores.get(f"{name}_high"))
    return (low, high) if low is not None and high is not None else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
