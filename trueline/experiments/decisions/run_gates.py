"""Run all promotion gates on one experiment, with the files that they need from its commit."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trueline.core.betting.standing_quotes import flag_standing_lines, has_clock
from trueline.core.errors import UserError
from trueline.core.model_tags import Tag
from trueline.core.runtime.params import expand_params
from trueline.core.scorer_description import load_description
from trueline.experiments.decisions import gates, noise_gate, sealed_opening
from trueline.experiments.decisions.gates import Gate
from trueline.experiments.ledger import ledger
from trueline.experiments.store import git, output_files
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.experiments_index import load_experiment_at_commit
from trueline.experiments.store.metric_definitions import get_nested
from trueline.experiments.store.run_tables import read_inputs_known

PREDICTIONS_PATH = "data/predictions/{task}.parquet"
PREPARED_PATH = "data/prepared/{task}.parquet"
METRICS_PATH = "metrics/{task}/{name}.json"
GATE_NAMES = (
    "valid", "outputs", "leaks", "score audit", "believable", "interval", "baselines", "bias", "noise", "break-even",
    "sealed",
)  # fmt: skip
CLAIMS = ("break-even",)  # claims that an experiment may make, as one of its tags or with --claim


def evaluate_gates(
    experiment: Experiment,
    task: str,
    incumbent: Tag | None,
    ledger_lines: Sequence[ledger.LedgerLine],
    claims: Sequence[str] = (),
    accept_doubt: bool = False,
) -> list[Gate]:
    """Return the answers of all gates on an experiment's model of a task, compared with the stage's current model.

    `incumbent` is that current model, or None if the stage is empty. Evaluations are counted in `ledger_lines`. With
    `accept_doubt` doubtful scores may pass. Raises UserError if the commit has no readable report.
    """
    rev, read_metrics = experiment.rev, _build_metrics_reader(experiment.rev, task)
    report, diagnosis = read_metrics("report"), read_metrics("diagnosis")
    if report is None:
        raise UserError(
            f"commit {rev[:7]} has no metrics/{task}/report.json that can be read; run evaluate and commit its report."
        )
    missing, output_count = output_files.find_missing_outputs(rev, task)
    leak_audit, scorer = read_metrics("leaks"), _get_scorer(experiment, task)
    answers = [
        gates.check_validity(find_invalidation_reason(rev, task)),
        gates.check_outputs(missing, output_count),
        _run_gate("leaks", lambda: gates.check_leaks(leak_audit)),
        _run_gate("score audit", lambda: gates.check_score_audit(diagnosis)),
        gates.check_believability(*experiment.get_believability(task), accept_doubt),
        _run_gate("interval", lambda: gates.check_interval(report, load_description(scorer))),
        _run_gate("baselines", lambda: gates.check_baselines(report, load_description(scorer))),
    ]
    claims = [*claims, *experiment.tags]
    evaluation_count = _count_evaluations(task, report, incumbent, ledger_lines)
    return answers + _evaluate_prediction_gates(experiment, task, diagnosis, incumbent, claims, evaluation_count)


def evaluate_sealed_gate(experiment: Experiment, task: str, incumbent: Tag | None, is_opening: bool) -> list[Gate]:
    """Return the answer of the sealed days, which are scored only if `is_opening`; nothing if none were sealed."""
    period = sealed_opening.find_sealed_period(experiment.rev, task)
    if period is None:
        return []
    if not is_opening:
        return [sealed_opening.describe_sealed_period(period)]
    is_valid = incumbent is not None and find_invalidation_reason(incumbent.rev, task) is None
    reference = incumbent if is_valid else None
    return [_run_gate("sealed", lambda: sealed_opening.open_sealed_period(experiment, task, period, reference))]


def find_invalidation_reason(rev: str, task: str) -> str | None:
    """Return why a task's results in a commit are void, or None."""
    return ledger.find_invalidation_reason(rev, task)


def get_predictions_hash(rev: str, task: str) -> str | None:
    """Return the hash of a task's predictions that a commit's dvc.lock names."""
    return output_files.get_output_hashes(rev, task).get(PREDICTIONS_PATH.format(task=task))


def _evaluate_prediction_gates(
    experiment: Experiment,
    task: str,
    diagnosis: Mapping[str, Any] | None,
    incumbent: Tag | None,
    claims: Sequence[str],
    evaluation_count: int | None,
) -> list[Gate]:
    """Return the answers of the gates that need predictions; all of them stop if there are none."""
    gate_names = ["bias", "noise", *(claim for claim in CLAIMS if claim in claims)]
    try:
        predictions = output_files.read_output_table(experiment.rev, PREDICTIONS_PATH.format(task=task), task)
    except UserError as error:
        return [Gate(name, False, str(error)) for name in gate_names]
    seed = int(experiment.params.get("seed", 0))
    limit = get_nested(expand_params(experiment.params), ("diagnose", task, "limits", "market_bias"))
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
    incumbent: Tag | None,
    evaluation_count: int | None,
    seed: int,
) -> Gate:
    if evaluation_count is None:
        return Gate("noise", False, "Its report does not name the rows that were scored, so looks cannot be counted.")
    scorer = _get_scorer(experiment, task)
    if incumbent is not None and find_invalidation_reason(incumbent.rev, task) is None:
        reference = _read_reference(incumbent.experiment or incumbent.rev[:7], incumbent.rev, task)
        return noise_gate.check_noise(scorer, predictions, reference, evaluation_count, seed)
    baseline = noise_gate.Reference("the baseline", predictions, noise_gate.BASELINE_ARM)
    gate = noise_gate.check_noise(scorer, predictions, baseline, evaluation_count, seed)
    committed_rev = _find_committed_rev(experiment, task) if gate.passed else None
    if committed_rev is None:
        return gate
    committed = _read_reference(f"what is committed ({committed_rev[:7]})", committed_rev, task)
    if not noise_gate.share_groups(predictions, committed.predictions):
        return replace(gate, sentence=f"{gate.sentence} {committed.name.capitalize()} was scored on other rows.")
    committed_gate = noise_gate.check_noise(scorer, predictions, committed, evaluation_count, seed)
    figures = gate.figures | {"committed": committed_gate.figures}
    return Gate("noise", committed_gate.passed, f"{gate.sentence} {committed_gate.sentence}", figures)


def _find_committed_rev(experiment: Experiment, task: str) -> str | None:
    """Return the last commit if it has valid scores of a task from other predictions than the experiment's."""
    head = load_experiment_at_commit("HEAD") if git.resolve_commit("HEAD") else None
    if head is None or not head.scores.get(task) or find_invalidation_reason(head.rev, task) is not None:
        return None
    hashes = [get_predictions_hash(rev, task) for rev in (head.rev, experiment.rev)]
    return head.rev if hashes[0] and hashes[0] != hashes[1] else None


def _read_reference(name: str, rev: str, task: str) -> noise_gate.Reference:
    predictions = output_files.read_output_table(rev, PREDICTIONS_PATH.format(task=task), task)
    return noise_gate.Reference(name, predictions, noise_gate.TUNED_ARM)


def _check_break_even(
    experiment: Experiment, task: str, predictions: pd.DataFrame, evaluation_count: int, seed: int
) -> Gate:
    if not load_description(_get_scorer(experiment, task)).has_bets:
        return Gate("break-even", False, "This task makes no bets against a line, so none can pay.")
    edges = get_nested(expand_params(experiment.params), ("evaluate", task, "edges"))
    prepared = output_files.read_output_table(experiment.rev, PREPARED_PATH.format(task=task), task)
    may_grade = flag_standing_lines(prepared, read_inputs_known(task, experiment.rev), has_clock(prepared))
    return noise_gate.check_break_even(predictions, prepared[may_grade], float(edges[0]), evaluation_count, seed)


def _get_scorer(experiment: Experiment, task: str) -> str:
    return str(get_nested(experiment.params, ("tasks", task, "scorer")))


def _count_evaluations(
    task: str, report: Mapping[str, Any], incumbent: Tag | None, ledger_lines: Sequence[ledger.LedgerLine]
) -> int | None:
    """Return how many different predictions were evaluated on these test rows or on overlapping test periods.

    If the incumbent was scored on other rows, the evaluations on those count too. None if the report does not name its
    rows.
    """
    incumbent_report = _build_metrics_reader(incumbent.rev, task)("report") if incumbent else None
    tests = [
        test
        for any_report in (report, incumbent_report)
        if get_nested(test := get_nested(any_report, ("scored",)), ("hash",)) is not None
    ]
    if get_nested(report, ("scored", "hash")) is None:
        return None
    return max(ledger.count_overlapping_evaluations(task, tests, ledger_lines), 1)


def _run_gate(name: str, run_check: Callable[[], Gate]) -> Gate:
    """Return the answer of a gate; it stops if its files cannot be read or are not as expected."""
    try:
        return run_check()
    except UserError as error:
        message = str(error)
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
