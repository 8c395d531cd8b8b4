"""Format experiments and test periods as table rows, sentences and JSON."""

import json
import math
from dataclasses import asdict
from typing import Any

from trueline.experiments.cli.table_layout import format_number
from trueline.experiments.decisions.ranking import Invalidations
from trueline.experiments.ledger.ledger import UNDATED_DAY
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.metric_definitions import find_headline_metric, get_interval

Figures = dict[str, Any]


def format_json(result: Any) -> str:
    """Return a result as strict JSON; values that JSON does not know are written as text."""
    return json.dumps(replace_non_finite(result), indent=2, default=str, allow_nan=False)


def replace_non_finite(value: Any) -> Any:
    """Return a value with NaN and infinities, which strict JSON does not allow, replaced by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: replace_non_finite(inner) for key, inner in value.items()}
    return [replace_non_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def describe_experiment(experiment: Experiment, invalidations: Invalidations) -> dict[str, Any]:
    """Return an experiment as a record for JSON, without its parameters."""
    record = {key: value for key, value in asdict(experiment).items() if key != "params"}
    invalidated = dict(invalidations.get(experiment.rev, {}))
    return record | {"created": experiment.created.isoformat(), "invalidated": invalidated}


def build_list_row(experiment: Experiment, invalidations: Invalidations, settings: str) -> tuple[Any, ...]:
    """Return an experiment as a row of the `list` command."""
    headlines = [
        (task, metric) for task in experiment.tasks if (metric := find_headline_metric(experiment.scores.get(task, {})))
    ]
    is_only = len(headlines) == 1
    score_texts = [format_score(experiment.get_figures(task), metric.name, is_only) for task, metric in headlines]
    count = experiment.scores[headlines[0][0]].get(headlines[0][1].count_name) if len(headlines) == 1 else None
    day = experiment.created.date().isoformat()
    return (
        experiment.name,
        experiment.status,
        " ".join(experiment.tasks),
        experiment.type or "",
        ", ".join(score_texts),
        ", ".join(experiment.get_believability(task)[0] for task, _ in headlines),
        count,
        settings,
        day,
        format_note(experiment, invalidations),
    )


def format_note(experiment: Experiment, invalidations: Invalidations) -> str:
    """Return the note on an experiment: why it is void, failed or not believable, or else its conclusion or tags."""
    why = invalidations.get(experiment.rev, {})
    if why:
        return f"INVALIDATED: {next(iter(why.values()))}"
    reasons = [reason for task in experiment.scores for reason in experiment.get_believability(task)[1]]
    return experiment.error or " ".join(reasons[:1]) or experiment.conclusion or " ".join(experiment.tags)


def format_score(figures: Figures, name: str, with_interval: bool = True) -> str:
    """Return "hit_rate 0.5416 (0.5195 to 0.5639)", without the interval if it is unwanted or missing."""
    return f"{name} {format_value(figures, name, with_interval)}"


def format_value(figures: Figures, name: str, with_interval: bool = True) -> str:
    """Return a score and its interval."""
    bounds = get_interval(figures, name) if with_interval else None
    within = f" ({format_number(float(bounds[0]))} to {format_number(float(bounds[1]))})" if bounds else ""
    return format_number(figures.get(name)) + within


def format_rows(scored: Figures) -> str:
    """Return which rows were scored: "4,230 rows, 2023-10-24 to 2024-04-14"."""
    days = (scored.get("from"), scored.get("to"))
    return f"{format_number(scored.get('rows'))} rows, " + (
        "undated" if days[0] in (None, UNDATED_DAY) else f"{days[0]} to {days[1]}"
    )


def format_different(distinct: int, overlapping: int) -> str:
    """Return how many evaluations differ: "3 different", and how many do with those of overlapping periods, if more."""
    more = f" ({overlapping:,} with overlapping periods)" if overlapping > distinct else ""
    return f"{distinct:,} different{more}"


def format_test_period(test_period: Figures) -> str:
    """Return how often a test period was evaluated, its best score, and that score deflated."""
    count = test_period["looks"]
    times = f"{count:,} evaluation{'s' * (count != 1)}, " + format_different(
        test_period["different"], test_period["overlapping"]
    )
    best = f"best {test_period['metric']} {format_number(test_period['best'])} ({test_period['experiment']})"
    left = "" if test_period["deflated"] is None else f", {format_number(test_period['deflated'])} deflated"
    return f"{test_period['task']}, {format_rows(test_period | {'rows': test_period['scored']})}: {times}; {best}{left}"
