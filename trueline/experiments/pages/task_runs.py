"""What a page shows of one task: its runs, best or first named first, how they compare, and the evaluations so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trueline.core.charts.curve_files import Curves
from trueline.core.scorer_description import Metric
from trueline.experiments.store.metric_definitions import get_finite_number, get_interval


@dataclass(frozen=True)
class PageRun:
    """A run on a page, with what it scored on the page's task."""

    name: str
    params: Mapping[str, Any]
    figures: Mapping[str, Any]  # scores, and the bounds of their intervals
    believable: str = "unknown"
    note: str = ""  # its conclusion, or else its hypothesis

    def get_value(self, metric: Metric) -> float | None:
        """Return a score, or None if it is not a finite number."""
        return get_finite_number(self.figures.get(metric.name))

    def get_bounds(self, metric: Metric) -> tuple[float | None, float | None]:
        """Return the interval of a score, or twice None."""
        return get_interval(self.figures, metric.name) or (None, None)


@dataclass(frozen=True)
class PairedResult:
    """The differences of the first run to another one, metric by metric, or why there are none."""

    other: str
    differences: Sequence[Mapping[str, Any]] = ()  # as `compare_runs` gives them
    problem: str = ""


@dataclass(frozen=True)
class TaskRuns:
    """All that a page shows of a task."""

    task: str
    metric: Metric  # by which the runs are shown
    summary: Sequence[str]  # sentences
    runs: Sequence[PageRun]
    paired: Sequence[PairedResult] = ()
    evaluations: Sequence[Mapping[str, Any]] = ()  # lines of the ledger on the same test rows, in their order
    curves: Mapping[str, Curves] = field(default_factory=dict)  # by run
    cells: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)  # of calibration plots, by run
