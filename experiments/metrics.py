"""Metrics: which way each headline score is better, what it is a mean of, and where its interval stands."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.refusals import Refusal, suggest

Scores = Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """A score of which more, or less, is better.

    `count` names the score that says of how many it is a mean, `interval` its place in report.json. `paired` is the
    place of the difference of two runs in what the task's scorer says of a pair, `scale` what a unit of it is there,
    and `judged_by` what the difference is of where that is not the metric itself.
    """

    name: str
    more: bool
    count: str
    interval: tuple[str | int, ...]
    paired: tuple[str, ...] = ()
    judged_by: str = ""
    scale: float = 1.0

    def ahead(self, one: float, other: float) -> bool:
        """Return whether the one is the better value."""
        return one > other if self.more else one < other

    def verdict(self, low: float | None, high: float | None) -> str:
        """Return what the interval of a difference, one less the other, says of the one."""
        if low is None or high is None or low <= 0 <= high:
            return "undecided"
        return "better" if (low > 0) == self.more else "worse"


# the first of a task's scores that stands here is its headline
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
COUNTS = frozenset(each.count for each in METRICS.values())


def metric(name: str) -> Metric:
    """Return a metric by its name; a score that is not better or worse either way is refused."""
    if name not in METRICS:
        raise Refusal(f"no metric {name!r} can be ranked by; {suggest(name, METRICS)}")
    return METRICS[name]


def headline(scores: Scores) -> Metric | None:
    """Return the metric that a task is first judged by."""
    return next((each for each in METRICS.values() if finite(scores.get(each.name)) is not None), None)


def finite(value: Any) -> float | None:
    """Return a number that can be ranked, None for anything else: NaN is neither more nor less than any."""
    return value if _number(value) and math.isfinite(value) else None


def miswritten(name: str, value: Any) -> bool:
    """Return whether a score that is ranked, counted or an end of an interval is something else than a number."""
    asked = name in METRICS or name in COUNTS or name.endswith(("_low", "_high"))
    return asked and value is not None and not _number(value)


def intervals(report: Any) -> dict[str, float]:
    """Return the ends of the intervals in a report.json as NAME_low and NAME_high."""
    found: dict[str, float] = {}
    for each in METRICS.values():
        ends = at(report, each.interval)
        pair = [finite(ends.get(end)) for end in ("low", "high")] if isinstance(ends, Mapping) else [None]
        if None not in pair:
            found |= {f"{each.name}_{end}": float(ends[end]) for end in ("low", "high")}
    return found


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return what stands at a place in nested JSON, or None."""
    for word in path:
        try:
            value = value[word]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def ends(scores: Scores, name: str) -> tuple[float, float] | None:
    """Return the interval of a score where it has one."""
    low, high = finite(scores.get(f"{name}_low")), finite(scores.get(f"{name}_high"))
    return (low, high) if low is not None and high is not None else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
