"""Judging: one experiment before all gates, with whatever they ask for fetched from its commit."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from core.refusals import Refusal
from experiments import gates, ledger, noise, outputs, repository
from experiments.experiment import Experiment
from experiments.gates import Gate
from experiments.metrics import at
from experiments.tags import Event

PREDICTIONS = "data/predictions/{task}.parquet"
PREPARED = "data/prepared/{task}.parquet"
METRICS = "metrics/{task}/{name}.json"
CLAIMS = ("break-even",)  # what may be claimed of an experiment, as a tag of it or with --claim


def judge(experiment: Experiment, task: str, incumbent: Event | None, claims: Sequence[str] = ()) -> list[Gate]:
    """Return what every gate says of an experiment's model of a task, beside what stands in the stage, if anything."""
    rev, read = experiment.rev, _reader(experiment.rev, task)
    report, diagnosis = read("report"), read("diagnosis")
    if report is None:
        raise Refusal(f"commit {rev[:7]} has no metrics/{task}/report.json that can be read; evaluate and commit it.")
    ledger.sync()
    lost, number = outputs.absent(rev, task)
    leaks = read("leaks")
    found = [
        gates.valid(invalidated(rev, task)),
        gates.outputs(lost, number),
        _answered("leaks", lambda: gates.leaks(leaks, diagnosis)),
        _answered("interval", lambda: gates.interval(report)),
        _answered("ladder", lambda: gates.ladder(report)),
    ]
    return found + _weighed(experiment, task, report, diagnosis, incumbent, [*claims, *experiment.tags])


def invalidated(rev: str, task: str) -> str | None:
    """Return why a task's results of a commit are void, or None."""
    return ledger.invalidated(rev, task)


def _weighed(
    experiment: Experiment,
    task: str,
    report: Mapping[str, Any],
    diagnosis: Mapping[str, Any] | None,
    incumbent: Event | None,
    claims: Sequence[str],
) -> list[Gate]:
    """Return what the gates say that weigh predictions; all of them stop where there are none to weigh."""
    asked = ["bias", "noise", *(claim for claim in CLAIMS if claim in claims)]
    try:
        own = outputs.table(experiment.rev, PREDICTIONS.format(task=task), task)
    except Refusal as refusal:
        return [Gate(name, False, str(refusal)) for name in asked]
    seed = int(experiment.params.get("seed", 0))
    looks = _looks(task, report, incumbent)
    limit = at(experiment.params, ("diagnose", task, "limits", "market_bias"))
    answers: dict[str, Callable[[], Gate]] = {
        "bias": lambda: gates.bias(diagnosis, noise.mean_error(own, seed) if limit is not None else None, limit),
        "noise": lambda: _noise(experiment, task, own, incumbent, looks, seed),
        "break-even": lambda: _pays(experiment, task, own, looks or 1, seed),
    }
    return [_answered(name, answers[name]) for name in asked]


def _noise(
    experiment: Experiment, task: str, own: pd.DataFrame, incumbent: Event | None, looks: int | None, seed: int
) -> Gate:
    if looks is None:
        return Gate("noise", False, "Its report does not name the rows that were scored, so looks cannot be counted.")
    scorer = str(at(experiment.params, ("tasks", task, "scorer")))
    if incumbent is None or invalidated(incumbent.rev, task) is not None:
        rival = noise.Rival("the floor", own, noise.FLOOR)
    else:
        there = outputs.table(incumbent.rev, PREDICTIONS.format(task=task), task)
        rival = noise.Rival(incumbent.experiment or incumbent.rev[:7], there, noise.ARM)
    return noise.gate(scorer, own, rival, looks, seed)


def _pays(experiment: Experiment, task: str, own: pd.DataFrame, looks: int, seed: int) -> Gate:
    edges = at(experiment.params, ("evaluate", task, "edges"))
    if not edges:
        return Gate("break-even", False, "This task makes no bets against a line, so none can pay.")
    prepared = outputs.table(experiment.rev, PREPARED.format(task=task), task)
    return noise.claim(own, prepared, float(edges[0]), looks, seed)


def _looks(task: str, report: Mapping[str, Any], incumbent: Event | None) -> int | None:
    """Return how often these test rows, or test periods that overlap theirs, were looked at, by different predictions.

    Where what stands was scored on other rows, the looks at those count too.
    """
    there = _reader(incumbent.rev, task)("report") if incumbent else None
    tests = [test for held in (report, there) if at(test := at(held, ("scored",)), ("hash",)) is not None]
    if at(report, ("scored", "hash")) is None:
        return None
    return max(ledger.searched(task, tests), 1)


def _answered(name: str, ask: Callable[[], Gate]) -> Gate:
    """Return what a gate says; one whose files refuse to be read, or hold something else than figures, stops."""
    try:
        return ask()
    except Refusal as refusal:
        said = str(refusal)
        return Gate(name, False, said[0].upper() + said[1:])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        return Gate(name, False, f"What it reads is not as the stages write it ({error!r}); run them again.")


def _reader(rev: str, task: str) -> Callable[[str], Any]:
    def read(name: str) -> dict[str, Any] | None:
        held = repository.read(rev, METRICS.format(task=task, name=name))
        try:
            found = json.loads(held or b"null")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    return read
