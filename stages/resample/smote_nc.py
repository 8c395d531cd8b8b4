"""smote_nc: synthetic winners between real ones, categories by vote of the neighbours (Chawla et al. 2002)."""

from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTENC
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.models.tabular.input_encoding import Encoding, fit_encoding, list_categorical_inputs
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.stats.group_ops import require_valid_targets


class Settings(StageSettings):
    """How many winners there should be, and from how many nearest winners the second parent is drawn."""

    winners_per_loser: float = Field(gt=0, le=1)
    neighbours: int = Field(ge=1)


class _RecordingSMOTE(SMOTE):  # type: ignore[misc]  # imbalanced-learn is untyped
    """SMOTE that records the two parents of each synthetic row, and the step from one to the other."""

    def _generate_samples(self, x: Any, nn_data: Any, nn_num: Any, rows: Any, cols: Any, steps: Any, *rest: Any) -> Any:
        self.parent_, self.other_, self.step_ = rows, nn_num[rows, cols], steps
        return super()._generate_samples(x, nn_data, nn_num, rows, cols, steps, *rest)


class _RecordingSMOTENC(_RecordingSMOTE, SMOTENC):  # type: ignore[misc]  # imbalanced-learn is untyped
    """The same for inputs with categories among them."""


def resample(rows: FoldData, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weight 1 for every row, and enough synthetic winners to reach `winners_per_loser`.

    The parents are winners, including those of dead heats. Neighbours are found on standardised numbers, missing ones
    at the median. A number lies between those of the two parents; a category is the most frequent one among the
    neighbours. No rows are made if there are already enough winners. Raises UserError if a target is not a share of a
    win, there are fewer winners than neighbours + 1, or no input is a number.
    """
    require_valid_targets(rows.y, "smote_nc")
    winners = np.flatnonzero(rows.y > 0)
    winners_wanted = round(settings.winners_per_loser * (len(rows.y) - len(winners)))
    if winners_wanted <= len(winners):
        return np.ones(len(rows.y)), pd.DataFrame()
    _require_enough_winners(rows.x, len(winners), settings.neighbours)
    category_names, encoding = list_categorical_inputs(rows.x), fit_encoding(rows.x)
    numbers = rows.x[encoding["numbers"]].astype(float)
    numbers = numbers.fillna(pd.Series(encoding["median"], numbers.columns))
    sampler, sampled = _sample_winners(rows, numbers, encoding, {1: winners_wanted}, settings.neighbours, seed)
    parent, neighbour = winners[sampler.parent_], winners[sampler.other_]
    base, towards = numbers.to_numpy()[parent], numbers.to_numpy()[neighbour]
    synthetic = pd.DataFrame(base + sampler.step_ * (towards - base), columns=numbers.columns)
    for name, category_codes in zip(category_names, sampled[:, len(numbers.columns) :].astype(int).T, strict=True):
        synthetic[name] = pd.Categorical.from_codes(category_codes, categories=rows.x[name].cat.categories)
    return np.ones(len(rows.y)), _cast_like_inputs(synthetic, rows.x).assign(parent=parent, other=neighbour, target=1.0)


def _require_enough_winners(x: pd.DataFrame, winner_count: int, neighbours: int) -> None:
    if winner_count < neighbours + 1:
        raise UserError(
            f"smote_nc found {winner_count} winners where {neighbours} neighbours need at least {neighbours + 1}; "
            "lower resample.<task>.smote_nc.neighbours, or add days."
        )
    if len(list_categorical_inputs(x)) == len(x.columns):
        raise UserError(
            "smote_nc found only categorical inputs; it needs at least one number to interpolate between two rows."
        )


def _sample_winners(
    rows: FoldData, numbers: pd.DataFrame, encoding: Encoding, class_counts: dict[int, int], neighbours: int, seed: int
) -> tuple[Any, Floats]:
    scaled = (numbers.to_numpy() - encoding["mean"]) / encoding["spread"]
    # the code −1, missing, is a level too
    category_codes = [rows.x[name].cat.codes.to_numpy(float) for name in list_categorical_inputs(rows.x)]
    sampler_options = {"sampling_strategy": class_counts, "k_neighbors": neighbours, "random_state": seed}
    category_positions = list(range(scaled.shape[1], scaled.shape[1] + len(category_codes)))
    sampler = (
        _RecordingSMOTENC(category_positions, **sampler_options)
        if category_codes
        else _RecordingSMOTE(**sampler_options)
    )
    resampled, _ = sampler.fit_resample(np.column_stack([scaled, *category_codes]), (rows.y > 0).astype(int))
    return sampler, resampled[len(rows.y) :]


def _cast_like_inputs(synthetic: pd.DataFrame, x: pd.DataFrame) -> pd.DataFrame:
    integer_columns = [name for name in x.columns if x[name].dtype.kind in "iub"]
    synthetic[integer_columns] = synthetic[integer_columns].round()
    return (
        synthetic[list(x.columns)].astype(x.dtypes).copy()
    )  # the copy is contiguous: pandas warns of fragmented tables
