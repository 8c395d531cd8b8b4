"""Plain: experiments and test periods as rows, sentences and JSON."""

import json
import math
from dataclasses import asdict
from typing import Any

from experiments import metrics
from experiments.experiment import Experiment
from experiments.layout import number
from experiments.ledger import UNDATED
from experiments.ranking import Void

Figures = dict[str, Any]


def document(found: Any) -> str:
    """Return what was found as strict JSON; what JSON has no word for is told as text."""
    return json.dumps(finite(found), indent=2, default=str, allow_nan=False)


def finite(value: Any) -> Any:
    """Return a value as strict JSON allows it: NaN and the infinities, of which it knows nothing, become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def experiment(each: Experiment, void: Void) -> dict[str, Any]:
    """Return an experiment for another program, without its parameters."""
    held = {key: value for key, value in asdict(each).items() if key != "params"}
    return held | {"created": each.created.isoformat(), "invalidated": dict(void.get(each.rev, {}))}


def row(each: Experiment, void: Void) -> tuple[Any, ...]:
    """Return an experiment as a row of `list`."""
    told = [(task, metric) for task in each.tasks if (metric := metrics.headline(each.scores.get(task, {})))]
    said = [score(each.figures(task), metric.name, len(told) == 1) for task, metric in told]
    count = each.scores[told[0][0]].get(told[0][1].count) if len(told) == 1 else None
    day = each.created.date().isoformat()
    return each.name, each.status, " ".join(each.tasks), each.type or "", ", ".join(said), count, day, note(each, void)


def note(each: Experiment, void: Void) -> str:
    """Return what must be said of an experiment: that it is void, or why it failed; otherwise its tags."""
    why = void.get(each.rev, {})
    if why:
        return f"INVALIDATED: {next(iter(why.values()))}"
    return each.error or " ".join(each.tags)


def score(figures: Figures, name: str, whole: bool = True) -> str:
    """Return "hit_rate 0.5416 (0.5195 to 0.5639)", without the interval where it is not wanted or there is none."""
    return f"{name} {value(figures, name, whole)}"


def value(figures: Figures, name: str, whole: bool = True) -> str:
    """Return a score and its interval."""
    ends = metrics.ends(figures, name) if whole else None
    within = f" ({number(float(ends[0]))} to {number(float(ends[1]))})" if ends else ""
    return number(figures.get(name)) + within


def rows(scored: Figures) -> str:
    """Return which rows were scored: "4,230 rows, 2023-10-24 to 2024-04-14"."""
    days = (scored.get("from"), scored.get("to"))
    return f"{number(scored.get('rows'))} rows, " + (
        "undated" if days[0] in (None, UNDATED) else f"{days[0]} to {days[1]}"
    )


def period(found: Figures) -> str:
    """Return how often a test period was looked at, and what is left of its best score."""
    times = f"{found['looks']:,} look{'s' * (found['looks'] != 1)}, {found['different']:,} different"
    best = f"best {found['metric']} {number(found['best'])} ({found['experiment']})"
    left = "" if found["deflated"] is None else f", {number(found['deflated'])} deflated"
    return f"{found['task']}, {rows(found | {'rows': found['scored']})}: {times}; {best}{left}"
