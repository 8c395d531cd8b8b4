"""Rows: what a learner may see of one role of one fold."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import tables
from core.folds import TARGET, keys_of, targets
from core.races import Codes, codes
from core.refusals import Refusal

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Inputs, target, teacher, group, time and weight of the same rows, groups together in order of their beginning.

    `teacher` is what another forecaster, known only afterwards, gave as the target (missing where none did): a learner
    may fit on it as on the target, and never sees it for the rows it scores. Where a row has several targets, `y` is
    rows × targets, and `tags` names them.
    """

    x: pd.DataFrame
    y: Floats
    teacher: Floats
    group: Codes
    time: npt.NDArray[np.datetime64]
    weight: Floats
    at: npt.NDArray[np.int64]  # position in the features table; −1 for a synthetic row
    tags: tuple[str, ...] = ()

    def only(self, columns: list[str]) -> "Rows":
        """Return the same rows with fewer inputs."""
        return replace(self, x=self.x[columns])

    def chosen(self, keep: npt.NDArray[np.bool_]) -> "Rows":
        """Return some of the rows, their groups numbered anew."""
        parts = {name: value[keep] for name, value in vars(self).items() if name not in ("x", "tags")}
        parts["group"] = codes(pd.Series(parts["group"]))
        return replace(self, x=self.x[keep].reset_index(drop=True), **parts)

    def lesson(self, share: float) -> Floats:
        """Return the target with `share` of it taken from the teacher where there is one."""
        return np.where(np.isnan(self.teacher), self.y, (1 - share) * self.y + share * np.nan_to_num(self.teacher))


@dataclass(frozen=True)
class Table:
    """The features, folds and weights of a task, row by row the same, and its synthetic rows."""

    features: pd.DataFrame
    folds: pd.DataFrame
    weights: pd.DataFrame = field(default_factory=pd.DataFrame)
    synthetic: pd.DataFrame = field(default_factory=pd.DataFrame)

    def rows(self, fold: str, role: str) -> Rows:
        """Return the rows that play a role in a fold, as nature made them, each at weight 1."""
        chosen = self.folds[fold] == role
        keys = self.folds.loc[chosen, keys_of(self.folds)]
        return _rows(keys, self.features[chosen].drop(columns="row_id"), np.ones(len(keys)), np.flatnonzero(chosen))

    def resampled(self, fold: str) -> Rows:
        """Return the `fit` rows of a fold at their weights, without those of weight 0, with the synthetic rows.

        A synthetic row stands at the time and in the group of its first parent.
        """
        weight = self.weights[fold].to_numpy()
        chosen = (self.folds[fold] == "fit").to_numpy() & (weight > 0)
        keys, inputs = self.folds.loc[chosen, keys_of(self.folds)], self.features[chosen].drop(columns="row_id")
        made = self.synthetic[self.synthetic["fold"] == fold]
        if made.empty:
            return _rows(keys, inputs, weight[chosen], np.flatnonzero(chosen))
        parents = self.folds.set_index("row_id").loc[made["parent"], ["group", "time"]].reset_index(names="row_id")
        for name in targets(self.folds):
            parents[name] = made[name].to_numpy()
        both = pd.concat([inputs, made[inputs.columns].astype(inputs.dtypes)], ignore_index=True)
        at = np.concatenate([np.flatnonzero(chosen), np.full(len(made), -1)])
        return _rows(pd.concat([keys, parents]), both, np.concatenate([weight[chosen], np.ones(len(made))]), at)


def read(features: Path, folds: Path, resampled: Path | None = None) -> Table:
    """Return what was written of a task; refuse files that do not speak of the same rows.

    Without the folder that `resample` writes no row can be asked for at its weight.
    """
    written = [] if resampled is None else [resampled / "weights.parquet", resampled / "synthetic.parquet"]
    table = Table(*(tables.read(path) for path in (features, folds, *written)))
    if not table.features["row_id"].equals(table.folds["row_id"]):
        raise Refusal(f"{features} and {folds} do not hold the same rows in the same order; run `dvc repro`.")
    return table


@lru_cache(maxsize=1)
def recall(features: Path, folds: Path, resampled: Path) -> Table:
    """Return what `read` does, read once a process: jobs carry the paths, which are lighter than the rows."""
    return read(features, folds, resampled)


def _rows(keys: pd.DataFrame, inputs: pd.DataFrame, weight: Floats, at: npt.NDArray[np.int64]) -> Rows:
    begin = keys["time"].groupby(keys["group"].to_numpy()).transform("min")
    order = np.lexsort((keys["row_id"], keys["time"], keys["group"], begin))
    sorted_keys, named = keys.iloc[order], targets(keys)
    y = sorted_keys[named].to_numpy(float)
    return Rows(
        inputs.iloc[order].reset_index(drop=True),
        y[:, 0] if named == [TARGET] else y,
        sorted_keys["teacher"].to_numpy(float) if "teacher" in keys else np.full(len(keys), np.nan),
        codes(sorted_keys["group"]),
        sorted_keys["time"].to_numpy(),
        weight[order],
        at[order],
        () if named == [TARGET] else tuple(name.removeprefix(f"{TARGET}:") for name in named),
    )
