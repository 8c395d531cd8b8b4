"""Parameter search: Optuna proposes trials in batches, which run in parallel; a killed search resumes from its journal.

The journal keeps each result by what was evaluated: a point and a fold.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial, TrialState
from pydantic import Field

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.memory import MAX_BYTES, drop_oldest_files
from trueline.core.runtime.params import StageSettings

Point = dict[str, Any]
FoldResult = dict[str, Any]  # the loss, what early stopping settled, and the losses by group
Evaluate = Callable[[list[tuple[Point, str]]], list[FoldResult]]
Compare = Callable[[list[FoldResult], list[FoldResult]], bool]  # the default's results, a trial's in the same folds


class ParamRange(StageSettings):
    """The values that one parameter may take: from low to high, or one of the choices."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: list[str | int | float | bool] | None = None


class SearchSettings(StageSettings):
    """How trials are run (how many, in what batches, with which early stopping), and how they are compared."""

    trials: int = Field(ge=1)
    batch: int = Field(ge=1)
    startup: int = Field(ge=1)
    patience: int = Field(ge=1)
    loss: str
    min_gain_se: float = Field(ge=0)
    hopeless_se: float | None = Field(ge=0)
    most_rows: int | None = Field(ge=1)


def search_params(
    default: Point,
    space: dict[str, ParamRange],
    settings: SearchSettings,
    folds: list[str],
    seed: int,
    evaluate: Evaluate,
    is_hopeless: Compare = lambda default_results, trial_results: False,
) -> tuple[pd.DataFrame, list[list[FoldResult]]]:
    """Return the table of trials (state, loss, loss per fold and parameters), and each trial's results by fold.

    The first trial is the default. The trials of a batch are proposed together and reported in order, so the table does
    not depend on the number of workers. After each fold but the last, a trial is pruned if it is worse than the median
    of the finished trials, or if `is_hopeless` says so of its results and the default's; the default never is. Raises
    UserError for a range that is invalid, does not contain the default, or names a parameter that the learner does not
    have.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=settings.startup, constant_liar=True)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.MedianPruner(n_startup_trials=settings.startup))
    study.enqueue_trial({name: _validate_default(name, default, space[name]) for name in space})
    distributions = {name: build_distribution(name, span) for name, span in space.items()}
    results: dict[int, list[FoldResult]] = {}
    for batch_start in range(0, settings.trials, settings.batch):
        batch = [study.ask(distributions) for _ in range(min(settings.batch, settings.trials - batch_start))]
        results |= _evaluate_batch(study, batch, default, folds, evaluate, is_hopeless, results)
    results_by_trial = [results[trial.number] for trial in study.trials]
    trials = zip(study.trials, results_by_trial, strict=True)
    rows = [_build_trial_row(trial, trial_results, folds) for trial, trial_results in trials]
    return pd.DataFrame(rows), results_by_trial


def build_distribution(name: str, span: ParamRange) -> BaseDistribution:
    """Return a range of params.yaml as Optuna's distribution; raise UserError if it has neither bounds nor choices."""
    if span.choices:
        return CategoricalDistribution(span.choices)
    if span.low is None or span.high is None or span.low > span.high:
        raise UserError(
            f"the range of {name} needs low ≤ high, or choices, but it is {span.model_dump(exclude_none=True)}."
        )
    if isinstance(span.low, int) and isinstance(span.high, int):
        return IntDistribution(span.low, span.high, log=span.log)
    return FloatDistribution(span.low, span.high, log=span.log)


class Journal:
    """Results already known, one per line of JSON; a line that a killed process left incomplete is ignored.

    So is a line that decayed or that comes from another journal: each holds the hash of the rest and of the journal's
    name. Without a path nothing is written, and neither is anything once `is_current` says no; on a full or read-only
    disk, as much as there is room for. The journals that were used least recently make room for new ones. `asked_keys`
    are what was asked since the journal was opened, in order.
    """

    def __init__(self, path: Path | None, is_current: Callable[[], bool] = lambda: True) -> None:
        self.path, self._is_current = path, is_current
        self.results_by_key: dict[str, FoldResult] = {}
        self.asked_keys: dict[str, None] = {}
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            drop_oldest_files(path.parent, MAX_BYTES)
            path.touch()
            lines = path.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            entry = _read_entry(line, path.name)
            if entry is not None:
                self.results_by_key[entry["asked"]] = entry["answer"]

    def evaluate_cached(self, requests: list[tuple[Point, str]], evaluate: Evaluate) -> list[FoldResult]:
        """Return the results of the requests; evaluate only those that are not in the journal, and add them to it."""
        keys = [json.dumps(request, sort_keys=True) for request in requests]
        self.asked_keys |= dict.fromkeys(keys)
        uncached = [index for index, key in enumerate(keys) if key not in self.results_by_key]
        if uncached:
            new_results = evaluate([requests[index] for index in uncached])
            new_entries = {keys[index]: result for index, result in zip(uncached, new_results, strict=True)}
            self.results_by_key |= new_entries
            self._write_entries(new_entries)
        return [self.results_by_key[key] for key in keys]

    def _write_entries(self, entries: dict[str, FoldResult]) -> None:
        if self.path is None or not self._is_current():
            return
        lines = [_format_entry({"asked": key, "answer": result}, self.path.name) for key, result in entries.items()]
        with contextlib.suppress(OSError), self.path.open("a") as file:
            file.writelines(f"\n{line}" for line in lines)


def _format_entry(entry: dict[str, Any], journal_name: str) -> str:
    return json.dumps(entry | {"digest": _hash_entry(entry, journal_name)})


def _read_entry(line: bytes, journal_name: str) -> dict[str, Any] | None:
    """Return the entry in a line of the journal, or None if the line is not whole."""
    try:
        entry = json.loads(line)
        digest = entry.pop("digest")
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return entry if digest == _hash_entry(entry, journal_name) else None


def _hash_entry(entry: dict[str, Any], journal_name: str) -> str:
    return hashlib.sha256(json.dumps([journal_name, entry]).encode()).hexdigest()


def _evaluate_batch(
    study: optuna.Study,
    batch: list[Trial],
    default: Point,
    folds: list[str],
    evaluate: Evaluate,
    is_hopeless: Compare,
    earlier_results: dict[int, list[FoldResult]],
) -> dict[int, list[FoldResult]]:
    results: dict[int, list[FoldResult]] = {trial.number: [] for trial in batch}
    active_trials = list(batch)
    for step, fold in enumerate(folds):
        for trial, result in zip(
            active_trials, evaluate([(default | trial.params, fold) for trial in active_trials]), strict=True
        ):
            results[trial.number].append(result)
            trial.report(_compute_mean_loss(results[trial.number]), step)
        default_results = (earlier_results | results)[0][: step + 1]
        pruned_trials = [
            trial
            for trial in active_trials
            if step < len(folds) - 1
            and trial.number
            and (trial.should_prune() or is_hopeless(default_results, results[trial.number]))
        ]
        for trial in pruned_trials:
            study.tell(trial, state=TrialState.PRUNED)
        active_trials = [trial for trial in active_trials if trial not in pruned_trials]
    for trial in active_trials:
        study.tell(trial, _compute_mean_loss(results[trial.number]))
    return results


def _compute_mean_loss(results: list[FoldResult]) -> float:
    return math.fsum(result["loss"] for result in results) / len(results)


def _build_trial_row(trial: optuna.trial.FrozenTrial, results: list[FoldResult], folds: list[str]) -> dict[str, Any]:
    sums = {name: sum(fold_result["settled"][name] for fold_result in results) for name in results[0]["settled"]}
    settled_params = {name: round(total / len(results)) for name, total in sums.items()}
    losses = {fold: result["loss"] for fold, result in zip(folds, results, strict=False)}
    return {"trial": trial.number, "state": trial.state.name.lower(), "loss": _compute_mean_loss(results), **losses} | {
        f"param_{name}": value for name, value in (trial.params | settled_params).items()
    }


def _validate_default(name: str, default: Point, span: ParamRange) -> Any:
    if name not in default:
        raise UserError(
            f"the search space has a range for {name!r}, which the learner does not have; {did_you_mean(name, default)}"
        )
    build_distribution(name, span)
    value, low, high = default[name], span.low, span.high
    is_inside = value in span.choices if span.choices else low is not None and high is not None and low <= value <= high
    if not is_inside:
        raise UserError(
            f"the default of {name}, {default[name]}, lies outside its range in the search space; change one of them."
        )
    return default[name]
