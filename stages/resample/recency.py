"""recency: the older a row, the less it counts."""

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

USES_INPUTS = False


class Settings(StageSettings):
    """How fast the weight of a row decays with its age."""

    half_life_days: float = Field(gt=0)


def resample(rows: FoldData, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weights that halve with every half-life of age (in days before the newest row), and no synthetic rows.

    Rows so old that their weight underflows to 0 are dropped.
    """
    age_days = (rows.time.max() - rows.time) / np.timedelta64(1, "D")
    weight = np.exp(-np.log(2) * age_days / settings.half_life_days)
    return weight / weight[weight > 0].mean(), pd.DataFrame()
