"""What the rest of the repository must know about a scorer's report; each scorer states it in <scorer>_report.py."""

import math
import runpy
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError, did_you_mean
from trueline.core.gap_measure import GapMeasure
from trueline.core.runtime.plugins import STAGES_FOLDER, list_plugins

Report = Mapping[str, Any]
MAX_NUMBER = 1e300  # larger numbers count as errors


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
    interval_path: str
    paired_path: str = ""
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


@dataclass(frozen=True)
class ReportFigure:
    """Where a report has a figure: its path, and the paths of its row count and of its comparisons."""

    metric: str
    path: str
    rows: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ComparedMeasure:
    """A measure that a report has of the model and of its baselines, as the report page draws it."""

    name: str
    title: str
    more_is_better: bool | None  # None if it should be neither more nor less than `mark`
    scale: float = 1.0  # what the page multiplies values by, 100 for per cent
    mark: float | None = None  # a value that the chart marks


@dataclass(frozen=True)
class ComparedPart:
    """A further comparison that a report may have: under `name`, its `baselines` and `sentences` on them."""

    name: str
    title: str
    measures: tuple[ComparedMeasure, ...]
    unlearned: tuple[str, ...]


@dataclass(frozen=True)
class ScorerDescription:
    """The shape of a scorer's report. Paths are dotted, as in `picks.by_edge.0.hit_rate`.

    `metrics` are the scores to rank by; the first that a task has is its headline. `figures` are shown on the status
    page, `headline` in large type; a text explains why there is no such figure. Promotion needs an interval of every
    estimate in `intervals`, and the verdict "better" at `verdict_path` for each of `baselines`, which cost nothing: a
    useful model may lose to a market. `loss` names Σ loss / Σ weight of the scorer's `compute_losses`. The report page
    draws the measures in `compared`, the most important first, of the forecasts in `unlearned`, the simplest first, and
    of the arms; and so for each of `compared_parts`.
    """

    metrics: tuple[Metric, ...]
    headline: str
    figures: Mapping[str, ReportFigure | str]
    intervals: Mapping[str, str]
    baselines: tuple[str, ...]
    verdict_path: str
    loss: str
    calibration_error: str
    classes: str  # what `class_shares` are shares of
    classes_path: str
    class_shares: Callable[[Report], Mapping[str, float]]
    compared: tuple[ComparedMeasure, ...]
    unlearned: tuple[str, ...]
    compared_parts: tuple[ComparedPart, ...] = ()
    gap: GapMeasure | None = None  # by what backtest and production are compared; without it they are not
    has_bets: bool = False  # whether picks against a line are graded, which must hit more often than break-even


def describe_comparison(description: ScorerDescription) -> dict[str, Any]:
    """Return what a scorer's report says of its comparison with the baselines, for those who draw it."""
    comparison = {"measures": [asdict(measure) for measure in description.compared], "unlearned": description.unlearned}
    further = [asdict(comparison) for comparison in description.compared_parts]
    return comparison | ({"parts": further} if further else {})


def list_scorers() -> list[str]:
    """Return the scorers that have a description, sorted."""
    return [name for name in list_plugins("evaluate") if _get_file(name).exists()]


@cache
def load_description(scorer: str) -> ScorerDescription:
    """Return the description of a scorer, without importing the scorer and what it computes with.

    Raises UserError for a scorer that has none.

    >>> load_description("race").headline
    'log_loss'
    """
    if scorer not in list_scorers():
        raise UserError(f"the scorer {scorer!r} is not described; {did_you_mean(scorer, list_scorers())}")
    description = runpy.run_path(str(_get_file(scorer)))["DESCRIPTION"]
    assert isinstance(description, ScorerDescription)
    return description


def _get_file(scorer: str) -> Path:
    return STAGES_FOLDER / "evaluate" / scorer / f"{scorer}_report.py"


def get_path(report: Any, path: str) -> Any:
    """Return the value under a dotted path of a report, None if there is none; a number selects from a list.

    >>> get_path({"picks": [{"hits": 3}]}, "picks.0.hits")
    3
    """
    value: Any = report
    for key in path.split("."):
        if isinstance(value, list):
            value = value[int(key)] if key.isdecimal() and int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, Mapping) else None
    return value


def parse_finite(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_NUMBER
    return float(value) if is_number and math.isfinite(value) else None


def get_estimate(report: Report, path: str) -> float | None:
    """Return the finite number under a path, or that of the estimate with an interval there; None if there is none."""
    value = get_path(report, path)
    return parse_finite(value.get("value") if isinstance(value, Mapping) else value)
