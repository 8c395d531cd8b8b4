"""search: Optuna asks in batches, folds answer in parallel, the pruner tells in order; a killed search resumes."""

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

from core.params import Knobs
from core.refusals import Refusal

Point = dict[str, Any]
Answer = dict[str, Any]  # loss, what early stopping settled, and the loss of each group
Ask = Callable[[list[tuple[Point, str]]], list[Answer]]


class Range(Knobs):
    """The values that one knob may take: from low to high, or one of the choices."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: list[str | int | float | bool] | None = None


class Search(Knobs):
    """How long and how widely to search."""

    trials: int = Field(ge=1)
    batch: int = Field(ge=1)
    startup: int = Field(ge=1)
    patience: int = Field(ge=1)
    loss: str
    min_gain_se: float = Field(ge=0)


def search(
    default: Point, space: dict[str, Range], knobs: Search, folds: list[str], seed: int, ask: Ask
) -> tuple[pd.DataFrame, list[list[Answer]]]:
    """Return the table of trials, the default first: knobs, loss, state, loss per fold; and each trial's answers.

    Trials of a batch are asked together and told in order, so the table does not depend on the number of workers.
    After each fold a trial worse than the median of the finished ones is pruned.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=knobs.startup, constant_liar=True)
    study = optuna.create_study(sampler=sampler, pruner=optuna.pruners.MedianPruner(n_startup_trials=knobs.startup))
    study.enqueue_trial({name: _inside(name, default, space[name]) for name in space})
    distributions = {name: distribution(name, span) for name, span in space.items()}
    answers: dict[int, list[Answer]] = {}
    for start in range(0, knobs.trials, knobs.batch):
        batch = [study.ask(distributions) for _ in range(min(knobs.batch, knobs.trials - start))]
        answers |= _judge(study, batch, default, folds, ask)
    by_trial = [answers[trial.number] for trial in study.trials]
    rows = [_row(trial, known, folds) for trial, known in zip(study.trials, by_trial, strict=True)]
    return pd.DataFrame(rows), by_trial


def distribution(name: str, span: Range) -> BaseDistribution:
    """Return a range of params.yaml as Optuna's distribution; refuse one that is neither a range nor choices."""
    if span.choices:
        return CategoricalDistribution(span.choices)
    if span.low is None or span.high is None or span.low > span.high:
        raise Refusal(f"the range of {name} needs low ≤ high, or choices; it has {span.model_dump(exclude_none=True)}.")
    if isinstance(span.low, int) and isinstance(span.high, int):
        return IntDistribution(span.low, span.high, log=span.log)
    return FloatDistribution(span.low, span.high, log=span.log)


class Journal:
    """Answers already known, one JSON line each; a line torn by a killed process is forgotten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.known: dict[str, Answer] = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            self.known[entry["asked"]] = entry["answer"]

    def recall(self, asked: list[tuple[Point, str]], ask: Ask) -> list[Answer]:
        """Return the answers, asking only for those that are not yet known and writing them down."""
        keys = [json.dumps(item, sort_keys=True) for item in asked]
        unknown = [index for index, key in enumerate(keys) if key not in self.known]
        if unknown:
            fresh = ask([asked[index] for index in unknown])
            with self.path.open("a") as file:
                for index, answer in zip(unknown, fresh, strict=True):
                    self.known[keys[index]] = answer
                    file.write("\n" + json.dumps({"asked": keys[index], "answer": answer}))
        return [self.known[key] for key in keys]


def _judge(
    study: optuna.Study, batch: list[Trial], default: Point, folds: list[str], ask: Ask
) -> dict[int, list[Answer]]:
    answers: dict[int, list[Answer]] = {trial.number: [] for trial in batch}
    alive = list(batch)
    for step, fold in enumerate(folds):
        for trial, answer in zip(alive, ask([(default | trial.params, fold) for trial in alive]), strict=True):
            answers[trial.number].append(answer)
            trial.report(_mean(answers[trial.number]), step)
        stopped = [trial for trial in alive if step + 1 < len(folds) and trial.number and trial.should_prune()]
        for trial in stopped:
            study.tell(trial, state=TrialState.PRUNED)
        alive = [trial for trial in alive if trial not in stopped]
    for trial in alive:
        study.tell(trial, _mean(answers[trial.number]))
    return answers


def _mean(answers: list[Answer]) -> float:
    return math.fsum(answer["loss"] for answer in answers) / len(answers)


def _row(trial: optuna.trial.FrozenTrial, answers: list[Answer], folds: list[str]) -> dict[str, Any]:
    settled = {name: round(sum(a["settled"][name] for a in answers) / len(answers)) for name in answers[0]["settled"]}
    losses = {fold: answer["loss"] for fold, answer in zip(folds, answers, strict=False)}
    return {"trial": trial.number, "state": trial.state.name.lower(), "loss": _mean(answers), **losses} | {
        f"knob_{name}": value for name, value in (trial.params | settled).items()
    }


def _inside(name: str, default: Point, span: Range) -> Any:
    if name not in default:
        raise Refusal(f"the space names a knob {name!r} that the learner does not have.")
    distribution(name, span)
    value, low, high = default[name], span.low, span.high
    inside = value in span.choices if span.choices else low is not None and high is not None and low <= value <= high
    if not inside:
        raise Refusal(f"the default of {name}, {default[name]}, lies outside its range in the space; widen either.")
    return default[name]
