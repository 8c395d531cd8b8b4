"""The metrics of all scorers by name, and how to find them and their intervals in scores and reports."""

import math
from collections.abc import Mapping
from typing import Any

from trueline.core.errors import UserError, did_you_mean
from trueline.core.scorer_description import Metric, get_path, list_scorers, load_description

Scores = Mapping[str, Any]


# the headline of a task is the first of these metrics among its scores
METRICS = {metric.name: metric for scorer in list_scorers() for metric in load_description(scorer).metrics}
# whether the scores can be believed and why not, which diagnose publishes among them
BELIEVABLE, BELIEVABLE_REASONS = "believable", "believable_reasons"
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
        interval = get_path(report, metric.interval_path)
        bounds = (
            [get_finite_number(interval.get(end)) for end in ("low", "high")]
            if isinstance(interval, Mapping)
            else [None]
        )
        if None not in bounds:
            bound_by_name |= {f"{metric.name}_{end}": float(interval[end]) for end in ("low", "high")}
    return bound_by_name


def get_nested(value: Any, path: tuple[str, ...]) -> Any:
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
