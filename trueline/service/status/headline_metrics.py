"""Headline metrics: where each scorer's report keeps the figures that people ask for, and why some are missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from trueline.service.request_fields import ResponseModel
from trueline.service.status.stage_outputs import TaskOutputs


class Interval(ResponseModel):
    """An estimate with its 95 % interval, if the report gives one."""

    value: float = Field(examples=[0.8753])
    low: float | None = Field(description="lower end of the 95 % interval", examples=[0.8563])
    high: float | None = Field(description="upper end of the 95 % interval", examples=[0.8932])


class Figure(Interval):
    """A measured figure, what it measures, and where it was read."""

    metric: str = Field(description="what is measured, and of what", examples=["micro-F1 over tags"])
    n: int | None = Field(
        description="independent groups that the interval was resampled over: days, races, clusters", examples=[193]
    )
    rows: int | None = Field(description="rows, races or bets that were counted")
    beside: dict[str, Interval] = Field(description="the same figure of what it is compared with")
    source: str = Field(
        description="the output and the place in it", examples=["metrics/events/report.json#ladder.tuned.micro_f1"]
    )
    reason: str | None = Field(description="why there is no interval", examples=[None])


@dataclass(frozen=True)
class MetricPath:
    """Where a report has a figure: its dotted path, and the paths of its row count and of its comparisons."""

    metric: str
    path: str
    rows: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)


MAX_NUMBER = 1e300  # larger numbers count as errors
HEADLINE_FIELDS = ("accuracy", "auc_score", "f1_score", "log_loss")
MetricPaths = Mapping[str, MetricPath | str]  # a text explains why there is no such figure

RACE_METRICS: MetricPaths = {
    "accuracy": MetricPath(
        "share of runners called right, a winner being one with a chance of a half or more",
        "runners.accuracy", "runners.runners", {"nobody wins": "runners.accuracy_of_never_win"},
    ),
    "auc_score": MetricPath("area under the ROC curve over runners", "runners.auc", "runners.runners"),
    "f1_score": MetricPath(
        "F1 of winners over runners, a winner being one with a chance of a half or more",
        "runners.f1", "runners.runners", {"everybody wins": "runners.f1_of_always_win"},
    ),
    "log_loss": MetricPath(
        "log loss per race, nats", "ladder.tuned.log_loss", "ladder.tuned.log_loss.n",
        {"market": "ladder.market.log_loss", "floor": "ladder.floor.log_loss", "uniform": "ladder.uniform.log_loss"},
    ),
    "r2": MetricPath(
        "R²: 1 − log loss / log loss of the uniform guess", "ladder.tuned.r2", "ladder.tuned.r2.n",
        {"market": "ladder.market.r2"},
    ),
    "gain_over_market": MetricPath("what the model adds to the market, nats per race", "gain_over_market.gain"),
    "brier": MetricPath("Brier score over runners", "runners.brier", None, {"base rate": "runners.brier_of_base_rate"}),
}  # fmt: skip
MARKET_METRICS: MetricPaths = {
    "accuracy": MetricPath(
        "hit rate: share of decided picks against lines that books posted which won",
        "line_types.actual.hit_rate", "line_types.actual.bets",
        {"always over": "always.over.hit_rate", "always under": "always.under.hit_rate"},
    ),
    "auc_score": "A quantity is predicted: there are no classes to rank, and the report has no AUC.",
    "f1_score": "A quantity is predicted: there are no classes to name, and the report has no F1.",
    "log_loss": "A quantity is predicted: its distribution is judged by the CRPS, see figures.",
    "mae": MetricPath(
        "mean absolute error on the rows that the model and all baselines predict",
        "ladder.rungs.tuned.mae", "ladder.rows",
        {"line": "ladder.rungs.line.mae", "floor": "ladder.rungs.floor.mae"},
    ),
    "line_mae": MetricPath(
        "mean absolute error of the posted line", "line_types.actual.line_mae", "line_types.actual.rows"
    ),
    "roi": MetricPath("won per unit staked at −110", "line_types.actual.roi", "line_types.actual.bets"),
    "crps": MetricPath(
        "continuous ranked probability score", "distribution.crps", None,
        {"line, same spread": "distribution.crps_of_line_with_same_spread"},
    ),
}  # fmt: skip
TAG_METRICS: MetricPaths = {
    "accuracy": MetricPath(
        "share of tag decisions that are right", "ladder.tuned.accuracy", "rows.scored",
        {"floor": "ladder.floor.accuracy", "prior": "ladder.prior.accuracy"},
    ),
    "auc_score": "The report of tags has no AUC; the ranking of tags is judged by lrap, see figures.",
    "f1_score": MetricPath(
        "micro-F1 over tags", "ladder.tuned.micro_f1", "rows.scored",
        {"floor": "ladder.floor.micro_f1", "prior": "ladder.prior.micro_f1"},
    ),
    "log_loss": MetricPath(
        "log loss per tag decision, nats", "ladder.tuned.log_loss", "rows.scored",
        {"floor": "ladder.floor.log_loss", "prior": "ladder.prior.log_loss"},
    ),
    "macro_f1": MetricPath(
        "macro-F1 over tags", "ladder.tuned.macro_f1", "rows.scored", {"floor": "ladder.floor.macro_f1"}
    ),
    "lrap": MetricPath(
        "label-ranking average precision", "ladder.tuned.lrap", "rows.scored", {"floor": "ladder.floor.lrap"}
    ),
    "subset_accuracy": MetricPath(
        "share of rows whose tags are all right", "ladder.tuned.subset_accuracy", "rows.scored",
        {"floor": "ladder.floor.subset_accuracy"},
    ),
}  # fmt: skip
METRICS_BY_SCORER: Mapping[str, MetricPaths] = {"race": RACE_METRICS, "market": MARKET_METRICS, "tags": TAG_METRICS}
HEADLINE_BY_SCORER = {"race": "log_loss", "market": "accuracy", "tags": "f1_score"}  # what a card shows in large type


def read_headline_metrics(outputs: TaskOutputs) -> tuple[dict[str, Figure], dict[str, str]]:
    """Return the available figures by name, and by name why the others are missing."""
    scorer, report_path = str(outputs.task_config.get("scorer", "")), f"metrics/{outputs.task}/report.json"
    metric_paths = METRICS_BY_SCORER.get(scorer)
    if report_path in outputs.missing_reasons:
        return {}, dict.fromkeys(HEADLINE_FIELDS, outputs.missing_reasons[report_path])
    if metric_paths is None:
        return {}, dict.fromkeys(HEADLINE_FIELDS, f"The scorer {scorer!r} is unknown, so its report cannot be read.")
    figures = {
        name: _build_figure(outputs.report, entry, report_path)
        for name, entry in metric_paths.items()
        if isinstance(entry, MetricPath)
    }
    missing = {
        name: f"{report_path} has no {entry.path}."
        for name, entry in metric_paths.items()
        if isinstance(entry, MetricPath)
    }
    reasons = {name: entry for name, entry in metric_paths.items() if isinstance(entry, str)}
    reasons |= {name: missing[name] for name, entry in figures.items() if entry is None}
    return {name: entry for name, entry in figures.items() if entry is not None}, reasons


def get_path(report: Mapping[str, Any], path: str) -> Any:
    """Return the value under a dotted path of a report, None if there is none."""
    value: Any = report
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def parse_interval(value: Any) -> Interval | None:
    """Return an estimate from a report, with bounds if it has them; None if it is not a finite number."""
    estimate = value if isinstance(value, Mapping) else {"value": value}
    number = parse_finite(estimate.get("value"))
    return (
        None
        if number is None
        else Interval(value=number, low=parse_finite(estimate.get("low")), high=parse_finite(estimate.get("high")))
    )


def ensure_mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def parse_count(value: Any) -> int | None:
    """Return a count as an integer, None if it is not a finite number."""
    number = parse_finite(value)
    return None if number is None else int(number)


def _build_figure(report: Mapping[str, Any], metric_path: MetricPath, report_path: str) -> Figure | None:
    estimate = get_path(report, metric_path.path)
    parsed = parse_interval(estimate)
    if parsed is None:
        return None
    beside = {
        name: comparison
        for name, path in metric_path.beside.items()
        if (comparison := parse_interval(get_path(report, path)))
    }
    return Figure(
        **parsed.model_dump(),
        metric=metric_path.metric,
        n=parse_count(get_path(report, f"{metric_path.path}.n")),
        rows=parse_count(get_path(report, metric_path.rows)) if metric_path.rows else None,
        beside=beside,
        source=f"{report_path}#{metric_path.path}",
        reason=f"The report gives no interval for {metric_path.path}." if parsed.low is None else None,
    )


def parse_finite(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_NUMBER
    return float(value) if is_number else None
