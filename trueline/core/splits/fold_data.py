"""Fold data: what a learner may see of the rows with one role in one fold."""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.errors import UserError
from trueline.core.runtime.file_state import FileState, get_file_state
from trueline.core.splits.walk_forward import TARGET, list_key_columns, list_target_columns
from trueline.core.stats.group_ops import Codes, encode_groups
from trueline.core.tables import table_schema

Floats = npt.NDArray[np.float64]

RESAMPLED_FILES = ("weights.parquet", "synthetic.parquet")


@dataclass(frozen=True)
class FoldData:
    """Inputs, target, soft label, group, time and weight of the same rows; groups are contiguous, ordered by start.

    `soft_label` is the target as another forecaster, known only afterwards, put it (the column `soft_label`; missing if
    there is none): a learner may fit on it as on the target, but never sees it for the rows it scores. If rows have
    several targets, `y` is rows × targets, and `tags` names them. `word_vectors` says what the words of texts mean.
    """

    x: pd.DataFrame
    y: Floats
    soft_label: Floats
    group: Codes
    time: npt.NDArray[np.datetime64]
    weight: Floats
    table_position: npt.NDArray[np.int64]  # position in the features table; −1 for a synthetic row
    tags: tuple[str, ...] = ()
    word_vectors: Any = None  # WordVectors of trueline.core.models.text, which only tasks of texts load

    def select_inputs(self, columns: list[str]) -> "FoldData":
        """Return the same rows with only the given inputs."""
        return replace(self, x=self.x[columns])

    def hide_other_rows(self) -> "FoldData":
        """Return the same rows, whose categories list only levels that occur in them; positions count these rows alone.

        So nothing in them depends on which other rows the table holds. A synthetic row still has the position −1.
        """
        categories = {
            str(name): values.cat.remove_unused_categories()
            for name, values in self.x.items()
            if isinstance(values.dtype, pd.CategoricalDtype)
        }
        position = np.where(self.table_position < 0, -1, np.arange(len(self.table_position)))
        return replace(self, x=self.x.assign(**categories), table_position=position)

    def select_rows(self, keep: npt.NDArray[np.bool_]) -> "FoldData":
        """Return the rows to keep, with their groups renumbered."""
        arrays = {name: value[keep] for name, value in vars(self).items() if name not in ("x", "tags", "word_vectors")}
        arrays["group"] = encode_groups(pd.Series(arrays["group"]))
        return replace(self, x=self.x[keep].reset_index(drop=True), **arrays)

    def blend_target(self, share: float) -> Floats:
        """Return (1 − share)·target + share·soft label, and the target alone where the soft label is missing."""
        blended = (1 - share) * self.y + share * np.nan_to_num(self.soft_label)
        return np.where(np.isnan(self.soft_label), self.y, blended)


@dataclass(frozen=True, eq=False)  # the same object is the same tables: comparing all values would take too long
class FoldTables:
    """The features, folds and weights of a task, all with the same rows in the same order, and its synthetic rows."""

    features: pd.DataFrame
    folds: pd.DataFrame
    weights: pd.DataFrame = field(default_factory=pd.DataFrame)
    synthetic: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def _id_ranks(self) -> pd.DataFrame:
        """The ids of the rows and of their groups as numbers in the same order, which every fold sorts by."""
        return pd.DataFrame({name: pd.factorize(self.folds[name], sort=True)[0] for name in ("row_id", "group")})

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of the targets if there are several, such as the tags of events."""
        return _list_tags(list_target_columns(self.folds))

    def find_positions(self, fold: str, role: str) -> npt.NDArray[np.int64]:
        """Return the positions in the table of the rows that `get_rows` returns, in its order."""
        return self._sort_positions((self.folds[fold] == role).to_numpy())

    def get_rows(self, fold: str, role: str) -> FoldData:
        """Return the original rows that have a role in a fold, each with weight 1."""
        position = self.find_positions(fold, role)
        return _build_fold_data(*self._take_rows(position), np.ones(len(position)), position)

    def get_resampled_rows(self, fold: str) -> FoldData:
        """Return the `fit` rows of a fold that have a positive weight, at that weight, and its synthetic rows.

        A synthetic row has weight 1, the time and group of its first parent, and no soft label.
        """
        weight = self.weights[fold].to_numpy()
        position = self._sort_positions((self.folds[fold] == "fit").to_numpy() & (weight > 0))
        keys, inputs = self._take_rows(position)
        synthetic_rows = self.synthetic[self.synthetic["fold"] == fold]
        if synthetic_rows.empty:
            return _build_fold_data(keys, inputs, weight[position], position)
        parents = (
            self.folds.set_index("row_id").loc[synthetic_rows["parent"], ["group", "time"]].reset_index(names="row_id")
        )
        for name in list_target_columns(self.folds):
            parents[name] = synthetic_rows[name].to_numpy()
        all_keys = pd.concat([keys, parents])
        all_inputs = pd.concat([inputs, synthetic_rows[inputs.columns].astype(inputs.dtypes)], ignore_index=True)
        all_weights = np.concatenate([weight[position], np.ones(len(synthetic_rows))])
        table_position = np.concatenate([position, np.full(len(synthetic_rows), -1)])
        order = _sort_rows(all_keys["time"], all_keys)
        return _build_fold_data(all_keys.iloc[order], all_inputs.iloc[order], all_weights[order], table_position[order])

    def _sort_positions(self, is_selected: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        order = _sort_rows(self.folds["time"][is_selected], self._id_ranks[is_selected])
        return np.flatnonzero(is_selected)[order]

    def _take_rows(self, position: npt.NDArray[np.int64]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the keys and the inputs of the rows at some positions."""
        keys = self.folds[list_key_columns(self.folds)].iloc[position]
        return keys, self.features.iloc[position].drop(columns="row_id")


def read_fold_tables(features: Path, folds: Path, resampled: Path | None = None) -> FoldTables:
    """Return the tables of a task; raise UserError if features and folds do not hold the same rows in the same order.

    Without the folder that `resample` writes, `get_resampled_rows` cannot be used.
    """
    resampled_paths = [] if resampled is None else [resampled / name for name in RESAMPLED_FILES]
    feature_rows = _read_cached_features(features.resolve(), get_file_state(features))
    fold_tables = FoldTables(feature_rows, *(table_schema.read_table(path) for path in (folds, *resampled_paths)))
    if not fold_tables.features["row_id"].equals(fold_tables.folds["row_id"]):
        raise UserError(f"{features} and {folds} do not hold the same rows in the same order; run `dvc repro`.")
    return fold_tables


def read_cached_tables(features: Path, folds: Path, resampled: Path) -> FoldTables:
    """Return `read_fold_tables`, cached per process, so that parallel jobs are sent the paths instead of the rows."""
    paths = (features.absolute(), folds.absolute(), resampled.absolute())
    files = (*paths[:2], *(paths[2] / name for name in RESAMPLED_FILES))
    return _read_cached_tables(*paths, tuple(get_file_state(file) for file in files))


@lru_cache(maxsize=1)
def _read_cached_tables(features: Path, folds: Path, resampled: Path, _: tuple[FileState, ...]) -> FoldTables:
    """Return `read_fold_tables` of absolute paths, anew where a file has another state.

    A stage that works in another folder has other tables there, and a worker of Dask outlives the run of a stage.
    """
    return read_fold_tables(features, folds, resampled)


@lru_cache(maxsize=1)
def _read_cached_features(path: Path, _: FileState) -> pd.DataFrame:
    """Return the features at a path without symbolic links: an audit has those of the stage, with other outcomes.

    They are read anew where the file has another state.
    """
    return table_schema.read_table(path)


def _build_fold_data(
    keys: pd.DataFrame, inputs: pd.DataFrame, weight: Floats, table_position: npt.NDArray[np.int64]
) -> FoldData:
    """Return rows that are in the order of `_sort_rows`."""
    target_names = list_target_columns(keys)
    y = keys[target_names].to_numpy(float)
    return FoldData(
        inputs.reset_index(drop=True),
        y[:, 0] if target_names == [TARGET] else y,
        keys["soft_label"].to_numpy(float) if "soft_label" in keys else np.full(len(keys), np.nan),
        encode_groups(keys["group"]),
        keys["time"].to_numpy(),
        weight,
        table_position,
        _list_tags(target_names),
    )


def _sort_rows(time: pd.Series, ids: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the order of rows by the start of their group, group, time and id."""
    group_begin = time.groupby(ids["group"].to_numpy()).transform("min")
    return np.lexsort((ids["row_id"], time, ids["group"], group_begin))


def _list_tags(target_names: list[str]) -> tuple[str, ...]:
    return () if target_names == [TARGET] else tuple(name.removeprefix(f"{TARGET}:") for name in target_names)
