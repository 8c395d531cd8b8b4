"""Judging: one experiment before all gates, with whatever they ask for fetched from its commit."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from trueline.core.errors import UserError
from trueline.experiments.decisions import gates, noise_gate
from trueline.experiments.decisions.gates import Gate
from trueline.experiments.ledger import ledger
from trueline.experiments.store import git, output_files
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.metric_definitions import get_nested
from trueline.experiments.store.model_tags import TagEvent

PREDICTIONS_PATH = "data/predictions/{task}.parquet"
PREPARED_PATH = "data/prepared/{task}.parquet"
METRICS_PATH = "metrics/{task}/{name}.json"
CLAIMS = ("break-even",)  # what may be claimed of an experiment, as a tag of it or with --claim


def evaluate_gates(
    experiment: Experiment, task: str, incumbent: TagEvent | None, claims: Sequence[str] = ()
) -> list[Gate]:
    """Return what every gate says of an experiment's model of a task, beside what stands in the stage, if anything."""
    rev, read_metrics = experiment.rev, _build_metrics_reader(experiment.rev, task)
    report, diagnosis = read_metrics("report"), read_metrics("diagnosis")
    if report is None:
        raise UserError(f"commit {rev[:7]} has no metrics/{task}/report.json that can be read; evaluate and commit it.")
    ledger.update_ledger()
    missing, output_count = output_files.find_missing_outputs(rev, task)
    leak_audit = read_metrics("leaks")
    answers = [
        gates.check_validity(find_invalidation_reason(rev, task)),
        gates.check_outputs(missing, output_count),
        _run_gate("leaks", lambda: gates.check_leaks(leak_audit, diagnosis)),
        _run_gate("interval", lambda: gates.check_interval(report)),
        _run_gate("ladder", lambda: gates.check_baselines(report)),
    ]
    return answers + _evaluate_prediction_gates(
        experiment, task, report, diagnosis, incumbent, [*claims, *experiment.tags]
    )


def find_invalidation_reason(rev: str, task: str) -> str | None:
    """Return why a task's results of a commit are void, or None."""
    return ledger.find_invalidation_reason(rev, task)


def _evaluate_prediction_gates(
    experiment: Experiment,
    task: str,
    report: Mapping[str, Any],
    diagnosis: Mapping[str, Any] | None,
    incumbent: TagEvent | None,
    claims: Sequence[str],
) -> list[Gate]:
    """Return what the gates say that weigh predictions; all of them stop where there are none to weigh."""
    gate_names = ["bias", "noise", *(claim for claim in CLAIMS if claim in claims)]
    try:
        predictions = output_files.read_output_table(experiment.rev, PREDICTIONS_PATH.format(task=task), task)
    except UserError as refusal:
        return [Gate(name, False, str(refusal)) for name in gate_names]
    seed = int(experiment.params.get("seed", 0))
    evaluation_count = _count_evaluations(task, report, incumbent)
    limit = get_nested(experiment.params, ("diagnose", task, "limits", "market_bias"))
    answers: dict[str, Callable[[], Gate]] = {
        "bias": lambda: gates.check_bias(
            diagnosis, noise_gate.compute_mean_error(predictions, seed) if limit is not None else None, limit
        ),
        "noise": lambda: _check_noise(experiment, task, predictions, incumbent, evaluation_count, seed),
        "break-even": lambda: _check_break_even(experiment, task, predictions, evaluation_count or 1, seed),
    }
    return [_run_gate(name, answers[name]) for name in gate_names]


def _check_noise(
    experiment: Experiment,
    task: str,
    predictions: pd.DataFrame,
    incumbent: TagEvent | None,
    evaluation_count: int | None,
    seed: int,
) -> Gate:
    if evaluation_count is None:
        return Gate("noise", False, "Its report does not name the rows that were scored, so looks cannot be counted.")
    scorer = str(get_nested(experiment.params, ("tasks", task, "scorer")))
    if incumbent is None or find_invalidation_reason(incumbent.rev, task) is not None:
        rival = noise_gate.Rival("the floor", predictions, noise_gate.BASELINE_ARM)
    else:
        incumbent_predictions = output_files.read_output_table(incumbent.rev, PREDICTIONS_PATH.format(task=task), task)
        rival = noise_gate.Rival(incumbent.experiment or incumbent.rev[:7], incumbent_predictions, noise_gate.TUNED_ARM)
    return noise_gate.check_noise(scorer, predictions, rival, evaluation_count, seed)


def _check_break_even(
    experiment: Experiment, task: str, predictions: pd.DataFrame, evaluation_count: int, seed: int
) -> Gate:
    edges = get_nested(experiment.params, ("evaluate", task, "edges"))
    if not edges:
        return Gate("break-even", False, "This task makes no bets against a line, so none can pay.")
    prepared = output_files.read_output_table(experiment.rev, PREPARED_PATH.format(task=task), task)
    return noise_gate.check_break_even(predictions, prepared, float(edges[0]), evaluation_count, seed)


def _count_evaluations(task: str, report: Mapping[str, Any], incumbent: TagEvent | None) -> int | None:
    """Return how often these test rows, or test periods that overlap theirs, were looked at, by different predictions.

    Where what stands was scored on other rows, the looks at those count too.
    """
    incumbent_report = _build_metrics_reader(incumbent.rev, task)("report") if incumbent else None
    tests = [
        test
        for any_report in (report, incumbent_report)
        if get_nested(test := get_nested(any_report, ("scored",)), ("hash",)) is not None
    ]
    if get_nested(report, ("scored", "hash")) is None:
        return None
    return max(ledger.count_overlapping_evaluations(task, tests), 1)


def _run_gate(name: str, run_check: Callable[[], Gate]) -> Gate:
    """Return what a gate says; one whose files refuse to be read, or hold something else than figures, stops."""
    try:
        return run_check()
    except UserError as refusal:
        message = str(refusal)
        return Gate(name, False, message[0].upper() + message[1:])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        return Gate(name, False, f"What it reads is not as the stages write it ({error!r}); run them again.")


def _build_metrics_reader(rev: str, task: str) -> Callable[[str], Any]:
    def read_metrics(name: str) -> dict[str, Any] | None:
        content = git.read_file(rev, METRICS_PATH.format(task=task, name=name))
        try:
            value = json.loads(content or b"null")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    return read_metrics
