"""none: no resampling; every fit row counts once."""

import numpy as np
import pandas as pd

from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

USES_INPUTS = False


class Settings(StageSettings):
    """No parameters."""


def resample(rows: FoldData, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weight 1 for every row and no synthetic rows."""
    return np.ones(len(rows.y)), pd.DataFrame()
