"""Strata: folds without a clock, every tag in every part as often as its share, and no cluster of rows cut."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from core.folds import ROLES, names
from core.params import Knobs
from core.refusals import Refusal
from core.tag_parts import Floats, Ints, clusters, deal


class Stratified(Knobs):
    """How rows without a clock are cut: how often into how many folds, and what share of the rest calibrates."""

    repeats: int = Field(ge=1)
    folds: int = Field(ge=2)
    calibrate_share: float = Field(gt=0, lt=1)
    tune_folds: int = Field(ge=2)


def stratified(targets: pd.DataFrame, group: pd.Series, knobs: Stratified, seed: int) -> pd.DataFrame:
    """Return one column per fold with the role each row plays: fit, calibrate or score.

    `targets` is rows × tags of 0 and 1, `group` each row's cluster. `test_0…` are repeats × folds, repeat by repeat: in
    each repeat every row is scored by one fold, and of a fold's other rows a stratified part calibrates. `tune_0…` is
    one more such partition, drawn apart, without calibration. `final` fits and calibrates on all rows and scores
    nothing. Clusters are dealt by iterative stratification (Sechidis et al. 2011) and are never cut; which row
    comes first makes no difference.

    Limit: tuning is not nested. There is one set of knobs for all folds and every row is scored, so the choice of knobs
    has seen, through the tune folds, every row that the test folds judge. Scores of the tuned arm are that much
    optimistic; those of the `default` arm, whose knobs were not chosen on these rows, are honest.
    """
    in_order = targets[sorted(targets.columns)].to_numpy(float)
    of_row, _ = pd.factorize(group.to_numpy(), sort=True)
    counts = clusters(in_order, of_row)
    everyone = np.arange(len(counts))
    deal = _Dealer(counts, seed)
    parts = deal(everyone, [1 / knobs.tune_folds] * knobs.tune_folds, "tune")
    roles: dict[str, npt.NDArray[Any]] = {
        f"tune_{number}": np.where(parts == number, "score", "fit") for number in range(knobs.tune_folds)
    }
    for repeat in range(knobs.repeats):
        parts = deal(everyone, [1 / knobs.folds] * knobs.folds, "test", repeat)
        for part in range(knobs.folds):
            rest = everyone[parts != part]
            role = np.full(len(counts), "score", dtype=object)
            role[rest] = deal.fit_and_calibrate(rest, knobs, "test", repeat, part + 1)
            roles[f"test_{repeat * knobs.folds + part}"] = role
    roles["final"] = deal.fit_and_calibrate(everyone, knobs, "final")
    folds = pd.DataFrame({name: role.astype(object)[of_row] for name, role in roles.items()}, index=targets.index)
    check(folds, group, knobs)
    return folds


def check(folds: pd.DataFrame, group: pd.Series, knobs: Stratified) -> None:
    """Refuse folds that cut a cluster, leave a role empty, or do not score every row once a repeat."""
    for name in names(folds):
        role = folds[name].fillna("none")
        needed = {"tune": {"fit", "score"}, "test": set(ROLES), "final": {"fit", "calibrate"}}[name.split("_")[0]]
        if lacking := needed - set(role):
            raise Refusal(
                f"fold {name} has no {' and no '.join(sorted(lacking))} rows: {group.nunique()} clusters of rows are "
                "too few for these folds; bring more rows, lower folds.<task>.folds or tune_folds, or choose "
                "calibrate_share nearer one half."
            )
        if odd := set(role) - needed:
            raise Refusal(f"fold {name} gives rows the role {odd.pop()!r}; allowed: {', '.join(sorted(needed))}.")
        if role.groupby(group.to_numpy()).nunique().gt(1).any():
            raise Refusal(f"fold {name} cuts a cluster in two.")
    tests = names(folds, "test")
    repeats = [tests[start : start + knobs.folds] for start in range(0, len(tests), knobs.folds)]
    for partition in (names(folds, "tune"), *repeats):
        if (folds[partition] == "score").sum(axis=1).ne(1).any():
            raise Refusal(f"folds {partition[0]} to {partition[-1]} do not score every row once.")


class _Dealer:
    """Deals clusters by their counts; every draw has a seed of its own, so that none depends on the others."""

    def __init__(self, counts: Floats, seed: int) -> None:
        self.counts, self.seed = counts, seed

    def __call__(self, units: Ints, shares: list[float], kind: str, *numbers: int) -> Ints:
        stream = [self.seed, ("tune", "test", "final").index(kind), *numbers]
        return deal(self.counts[units], shares, np.random.default_rng(stream))

    def fit_and_calibrate(self, units: Ints, knobs: Stratified, kind: str, *numbers: int) -> npt.NDArray[Any]:
        share = knobs.calibrate_share
        return np.where(self(units, [1 - share, share], kind, *numbers) == 1, "calibrate", "fit")
