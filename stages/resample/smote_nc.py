"""smote_nc: synthetic winners between real ones (Chawla et al. 2002), categories by the neighbours' vote."""

from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTENC
from pydantic import Field

from core.inputs import Encoding, categories, learn
from core.params import Knobs
from core.races import check
from core.refusals import Refusal
from core.rows import Floats, Rows


class Settings(Knobs):
    """How many winners there are to be, and among how many nearest winners the second parent is drawn."""

    winners_per_loser: float = Field(gt=0, le=1)
    neighbours: int = Field(ge=1)


class _Numbers(SMOTE):  # type: ignore[misc]  # imbalanced-learn carries no types
    """SMOTE that notes which two winners, and which step from one to the other, made each synthetic row."""

    def _generate_samples(self, x: Any, nn_data: Any, nn_num: Any, rows: Any, cols: Any, steps: Any, *rest: Any) -> Any:
        self.parent_, self.other_, self.step_ = rows, nn_num[rows, cols], steps
        return super()._generate_samples(x, nn_data, nn_num, rows, cols, steps, *rest)


class _Mixed(_Numbers, SMOTENC):  # type: ignore[misc]  # imbalanced-learn carries no types
    """The same for numbers and categories."""


def resample(rows: Rows, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weight 1 for every row, and as many synthetic winners as bring winners per loser to the knob.

    Winners (dead heats too) are parents; neighbours are sought among standardised numbers, missing ones at the median.
    A number lies between its parents', a category is the most frequent among the neighbours. Refuses a target that
    is not a share of a win, fewer winners than neighbours + 1, and inputs without a number.
    """
    check(rows.y, "smote_nc")
    winners = np.flatnonzero(rows.y > 0)
    wanted = round(settings.winners_per_loser * (len(rows.y) - len(winners)))
    if wanted <= len(winners):
        return np.ones(len(rows.y)), pd.DataFrame()
    _enough(rows.x, len(winners), settings.neighbours)
    names, encoding = categories(rows.x), learn(rows.x)
    numbers = rows.x[encoding["numbers"]].astype(float)
    numbers = numbers.fillna(pd.Series(encoding["median"], numbers.columns))
    sampler, made = _sample(rows, numbers, encoding, {1: wanted}, settings.neighbours, seed)
    parent, other = winners[sampler.parent_], winners[sampler.other_]
    base, towards = numbers.to_numpy()[parent], numbers.to_numpy()[other]
    synthetic = pd.DataFrame(base + sampler.step_ * (towards - base), columns=numbers.columns)
    for name, code in zip(names, made[:, len(numbers.columns) :].astype(int).T, strict=True):
        synthetic[name] = pd.Categorical.from_codes(code, categories=rows.x[name].cat.categories)
    return np.ones(len(rows.y)), _as_inputs(synthetic, rows.x).assign(parent=parent, other=other, target=1.0)


def _enough(x: pd.DataFrame, winners: int, neighbours: int) -> None:
    if winners < neighbours + 1:
        raise Refusal(
            f"smote_nc found {winners} winners where {neighbours} neighbours need at least {neighbours + 1}; "
            "lower resample.<task>.smote_nc.neighbours, or bring more days."
        )
    if len(categories(x)) == len(x.columns):
        raise Refusal("smote_nc found only categories among the inputs; it needs a number to place a row between two.")


def _sample(
    rows: Rows, numbers: pd.DataFrame, encoding: Encoding, wanted: dict[int, int], neighbours: int, seed: int
) -> tuple[Any, Floats]:
    scaled = (numbers.to_numpy() - encoding["mean"]) / encoding["spread"]
    codes = [rows.x[name].cat.codes.to_numpy(float) for name in categories(rows.x)]  # −1, missing, is a level too
    knobs = {"sampling_strategy": wanted, "k_neighbors": neighbours, "random_state": seed}
    mixed = list(range(scaled.shape[1], scaled.shape[1] + len(codes)))
    sampler = _Mixed(mixed, **knobs) if codes else _Numbers(**knobs)
    table, _ = sampler.fit_resample(np.column_stack([scaled, *codes]), (rows.y > 0).astype(int))
    return sampler, table[len(rows.y) :]


def _as_inputs(synthetic: pd.DataFrame, x: pd.DataFrame) -> pd.DataFrame:
    whole = [name for name in x.columns if x[name].dtype.kind in "iub"]
    synthetic[whole] = synthetic[whole].round()
    return synthetic[list(x.columns)].astype(x.dtypes).copy()  # pandas warns of a table in a hundred pieces
