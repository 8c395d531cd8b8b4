"""Stratified folds for rows without times: every tag in its share in every fold, and no cluster of rows split."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.iterative_stratification import Floats, Ints, assign_units_to_parts, count_cluster_labels
from trueline.core.splits.walk_forward import ROLES, WalkForwardSettings, list_folds


class StratifiedSettings(StageSettings):
    """How rows without times are split: how often, into how many folds, and what share of the other rows calibrates.

    `dated` is how they are split if they have times after all.
    """

    repeats: int = Field(ge=1)
    repeat_below: int = Field(ge=1)  # rows; a table with so many is partitioned once
    folds: int = Field(ge=2)
    calibrate_share: float = Field(gt=0, lt=1)
    tune_folds: int = Field(ge=2)
    sealed_days: int | None = Field(ge=1)  # rows without times have no newest days, so a number is refused
    dated: WalkForwardSettings | None


def split_stratified(targets: pd.DataFrame, group: pd.Series, settings: StratifiedSettings, seed: int) -> pd.DataFrame:
    """Return one column per fold with the role of each row: fit, calibrate or score.

    `targets` is rows × tags of 0 and 1, `group` each row's cluster. `test_0…` are repeats × folds, repeat by repeat: in
    each repeat every row is scored by one fold, and a stratified part of the fold's other rows calibrates. `tune_0…` is
    one more such partition, drawn independently, without calibration. With `repeat_below` rows or more there is one
    repeat, since a partition of so many rows says what several would. `final` fits and calibrates on all rows and
    scores nothing. Clusters are assigned by iterative stratification (Sechidis et al. 2011) and are never split; the
    order of the rows makes no difference. Raises UserError if there are too few clusters for these folds.

    Limit: tuning is not nested. There is one set of parameters for all folds and every row is scored, so the choice of
    parameters has seen, through the tune folds, every row of the test folds. Scores of the tuned arm are optimistic to
    that extent; those of the `default` arm, whose parameters were not chosen on these rows, are not.
    """
    ordered_targets = targets[sorted(targets.columns)].to_numpy(float)
    row_cluster, _ = pd.factorize(group.to_numpy(), sort=True)
    cluster_counts = count_cluster_labels(ordered_targets, row_cluster)
    all_clusters = np.arange(len(cluster_counts))
    partitioner = _Partitioner(cluster_counts, seed)
    cluster_fold = partitioner(all_clusters, [1 / settings.tune_folds] * settings.tune_folds, "tune")
    roles: dict[str, npt.NDArray[Any]] = {
        f"tune_{tune_number}": np.where(cluster_fold == tune_number, "score", "fit")
        for tune_number in range(settings.tune_folds)
    }
    for repeat in range(settings.repeats if len(targets) < settings.repeat_below else 1):
        cluster_fold = partitioner(all_clusters, [1 / settings.folds] * settings.folds, "test", repeat)
        for fold_number in range(settings.folds):
            other_clusters = all_clusters[cluster_fold != fold_number]
            role = np.full(len(cluster_counts), "score", dtype=object)
            role[other_clusters] = partitioner.split_fit_and_calibrate(
                other_clusters, settings, "test", repeat, fold_number + 1
            )
            roles[f"test_{repeat * settings.folds + fold_number}"] = role
    roles["final"] = partitioner.split_fit_and_calibrate(all_clusters, settings, "final")
    folds = pd.DataFrame({name: role.astype(object)[row_cluster] for name, role in roles.items()}, index=targets.index)
    check_stratified_folds(folds, group, settings)
    return folds


def check_stratified_folds(folds: pd.DataFrame, group: pd.Series, settings: StratifiedSettings) -> None:
    """Raise UserError for folds that split a cluster, leave a role empty, or do not score every row once per repeat."""
    for name in list_folds(folds):
        role = folds[name].fillna("none")
        needed_roles = {"tune": {"fit", "score"}, "test": set(ROLES), "final": {"fit", "calibrate"}}[name.split("_")[0]]
        if missing_roles := needed_roles - set(role):
            raise UserError(
                f"fold {name} has no {' and no '.join(sorted(missing_roles))} rows: {group.nunique()} clusters of rows "
                "are too few for these folds; add rows, lower folds.<task>.folds or tune_folds, or choose a "
                "calibrate_share nearer to one half."
            )
        if invalid_roles := set(role) - needed_roles:
            raise UserError(
                f"fold {name} gives rows the role {invalid_roles.pop()!r}; allowed: {', '.join(sorted(needed_roles))}."
            )
        if role.groupby(group.to_numpy()).nunique().gt(1).any():
            raise UserError(f"fold {name} cuts a cluster in two; give all its rows the same role.")
    test_folds = list_folds(folds, "test")
    repeats = [test_folds[start : start + settings.folds] for start in range(0, len(test_folds), settings.folds)]
    for partition in (list_folds(folds, "tune"), *repeats):
        if (folds[partition] == "score").sum(axis=1).ne(1).any():
            raise UserError(f"folds {partition[0]} to {partition[-1]} do not score every row once.")


class _Partitioner:
    """Assigns clusters to parts; every partition has its own seed, so that none depends on the others."""

    def __init__(self, counts: Floats, seed: int) -> None:
        self.counts, self.seed = counts, seed

    def __call__(self, units: Ints, shares: list[float], kind: str, *numbers: int) -> Ints:
        seed_sequence = [self.seed, ("tune", "test", "final").index(kind), *numbers]
        return assign_units_to_parts(self.counts[units], shares, np.random.default_rng(seed_sequence))

    def split_fit_and_calibrate(
        self, units: Ints, settings: StratifiedSettings, kind: str, *numbers: int
    ) -> npt.NDArray[Any]:
        share = settings.calibrate_share
        return np.where(self(units, [1 - share, share], kind, *numbers) == 1, "calibrate", "fit")
