"""Headline: where a scorer's report has the figures that people ask for, and why it has not some of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from service.fields import Told
from service.outputs import Outputs


class Interval(Told):
    """An estimate with its 95 % interval, where the report gives one."""

    value: float = Field(examples=[0.8753])
    low: float | None = Field(description="lower end of the 95 % interval", examples=[0.8563])
    high: float | None = Field(description="upper end of the 95 % interval", examples=[0.8932])


class Figure(Interval):
    """A measured figure, what it is of, and where it was read."""

    metric: str = Field(description="what is measured, and of what", examples=["micro-F1 over tags"])
    n: int | None = Field(
        description="independent groups that the interval was drawn over: days, races, clusters", examples=[193]
    )
    rows: int | None = Field(description="rows, races or bets that were counted")
    beside: dict[str, Interval] = Field(description="the like of what it stands beside")
    source: str = Field(
        description="the output and the place in it", examples=["metrics/events/report.json#ladder.tuned.micro_f1"]
    )
    reason: str | None = Field(description="why there is no interval", examples=[None])


@dataclass(frozen=True)
class Place:
    """Where a report has a figure: a dotted path, and the paths of its like and of its count."""

    metric: str
    path: str
    rows: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)


FAR = 1e300  # beyond it a number is an error
FIELDS = ("accuracy", "auc_score", "f1_score", "log_loss")
Fields = Mapping[str, Place | str]  # a text says why there is no such figure

RACE: Fields = {
    "accuracy": Place(
        "share of runners called right, a winner being one with a chance of a half or more",
        "runners.accuracy", "runners.runners", {"nobody wins": "runners.accuracy_of_never_win"},
    ),
    "auc_score": Place("area under the ROC curve over runners", "runners.auc", "runners.runners"),
    "f1_score": Place(
        "F1 of winners over runners, a winner being one with a chance of a half or more",
        "runners.f1", "runners.runners", {"everybody wins": "runners.f1_of_always_win"},
    ),
    "log_loss": Place(
        "log loss per race, nats", "ladder.tuned.log_loss", "ladder.tuned.log_loss.n",
        {"market": "ladder.market.log_loss", "floor": "ladder.floor.log_loss", "uniform": "ladder.uniform.log_loss"},
    ),
    "r2": Place(
        "R²: 1 − log loss / log loss of the uniform guess", "ladder.tuned.r2", "ladder.tuned.r2.n",
        {"market": "ladder.market.r2"},
    ),
    "gain_over_market": Place("what the model adds to the market, nats per race", "gain_over_market.gain"),
    "brier": Place("Brier score over runners", "runners.brier", None, {"base rate": "runners.brier_of_base_rate"}),
}  # fmt: skip
MARKET: Fields = {
    "accuracy": Place(
        "hit rate: share of decided picks against lines that books posted which won",
        "line_types.actual.hit_rate", "line_types.actual.bets",
        {"always over": "always.over.hit_rate", "always under": "always.under.hit_rate"},
    ),
    "auc_score": "A quantity is predicted: there are no classes to rank, and the report has no AUC.",
    "f1_score": "A quantity is predicted: there are no classes to name, and the report has no F1.",
    "log_loss": "A quantity is predicted: its distribution is judged by the CRPS, see figures.",
    "mae": Place(
        "mean absolute error on rows that every rung predicts", "ladder.rungs.tuned.mae", "ladder.rows",
        {"line": "ladder.rungs.line.mae", "floor": "ladder.rungs.floor.mae"},
    ),
    "line_mae": Place("mean absolute error of the posted line", "line_types.actual.line_mae", "line_types.actual.rows"),
    "roi": Place("won per unit staked at −110", "line_types.actual.roi", "line_types.actual.bets"),
    "crps": Place(
        "continuous ranked probability score", "distribution.crps", None,
        {"line, same spread": "distribution.crps_of_line_with_same_spread"},
    ),
}  # fmt: skip
TAGS: Fields = {
    "accuracy": Place(
        "share of tag decisions that are right", "ladder.tuned.accuracy", "rows.scored",
        {"floor": "ladder.floor.accuracy", "prior": "ladder.prior.accuracy"},
    ),
    "auc_score": "The report of tags has no AUC; the ranking of tags is judged by lrap, see figures.",
    "f1_score": Place(
        "micro-F1 over tags", "ladder.tuned.micro_f1", "rows.scored",
        {"floor": "ladder.floor.micro_f1", "prior": "ladder.prior.micro_f1"},
    ),
    "log_loss": Place(
        "log loss per tag decision, nats", "ladder.tuned.log_loss", "rows.scored",
        {"floor": "ladder.floor.log_loss", "prior": "ladder.prior.log_loss"},
    ),
    "macro_f1": Place(
        "macro-F1 over tags", "ladder.tuned.macro_f1", "rows.scored", {"floor": "ladder.floor.macro_f1"}
    ),
    "lrap": Place(
        "label-ranking average precision", "ladder.tuned.lrap", "rows.scored", {"floor": "ladder.floor.lrap"}
    ),
    "subset_accuracy": Place(
        "share of rows whose tags are all right", "ladder.tuned.subset_accuracy", "rows.scored",
        {"floor": "ladder.floor.subset_accuracy"},
    ),
}  # fmt: skip
SCORERS: Mapping[str, Fields] = {"race": RACE, "market": MARKET, "tags": TAGS}
FIRST = {"race": "log_loss", "market": "accuracy", "tags": "f1_score"}  # what a card shows largest


def headline(outputs: Outputs) -> tuple[dict[str, Figure], dict[str, str]]:
    """Return the figures that are there, and by name why the others are not."""
    scorer, where = str(outputs.plan.get("scorer", "")), f"metrics/{outputs.task}/report.json"
    places = SCORERS.get(scorer)
    if where in outputs.absent:
        return {}, dict.fromkeys(FIELDS, outputs.absent[where])
    if places is None:
        return {}, dict.fromkeys(FIELDS, f"The scorer {scorer!r} is not one whose report is known.")
    found = {name: _figure(outputs.report, one, where) for name, one in places.items() if isinstance(one, Place)}
    missing = {name: f"{where} has no {one.path}." for name, one in places.items() if isinstance(one, Place)}
    reasons = {name: one for name, one in places.items() if isinstance(one, str)}
    reasons |= {name: missing[name] for name, one in found.items() if one is None}
    return {name: one for name, one in found.items() if one is not None}, reasons


def at(report: Mapping[str, Any], path: str) -> Any:
    """Return what a report has under a dotted path, None where it has nothing."""
    value: Any = report
    for word in path.split("."):
        value = value.get(word) if isinstance(value, Mapping) else None
    return value


def interval(value: Any) -> Interval | None:
    """Return an estimate of a report: with ends where it has them; None where it is no number."""
    held = value if isinstance(value, Mapping) else {"value": value}
    first = finite(held.get("value"))
    return None if first is None else Interval(value=first, low=finite(held.get("low")), high=finite(held.get("high")))


def part(value: Any) -> Mapping[str, Any]:
    """Return what is a mapping, nothing of what is none."""
    return value if isinstance(value, Mapping) else {}


def whole(value: Any) -> int | None:
    """Return a count, None where it is none."""
    found = finite(value)
    return None if found is None else int(found)


def _figure(report: Mapping[str, Any], place: Place, where: str) -> Figure | None:
    held = at(report, place.path)
    found = interval(held)
    if found is None:
        return None
    beside = {name: one for name, path in place.beside.items() if (one := interval(at(report, path)))}
    return Figure(
        **found.model_dump(),
        metric=place.metric,
        n=whole(at(report, f"{place.path}.n")),
        rows=whole(at(report, place.rows)) if place.rows else None,
        beside=beside,
        source=f"{where}#{place.path}",
        reason=f"The report gives no interval for {place.path}." if found.low is None else None,
    )


def finite(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FAR
    return float(value) if good else None
