"""undersample: keep every winner and drop a random part of the losers."""

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.stats.group_ops import require_valid_targets

USES_INPUTS = False


class Settings(StageSettings):
    """How many losers are kept."""

    losers_per_winner: float = Field(gt=0, allow_inf_nan=False)


def resample(rows: FoldData, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weight 1 for winners (including dead heats) and kept losers, 0 for other losers; no synthetic rows.

    Every group keeps at least one of its losers, so more are kept than asked for if there are more groups than that.
    Raises UserError if a target is not a share of a win or no row is a winner.
    """
    require_valid_targets(rows.y, "undersample")
    is_winner = rows.y > 0
    if not is_winner.any():
        raise UserError(f"undersample found no winner among {len(is_winner)} fit rows; add days.")
    losers = np.random.default_rng(seed).permutation(np.flatnonzero(~is_winner))
    _, group_firsts = np.unique(rows.group[losers], return_index=True)
    loser_queue = np.concatenate([losers[group_firsts], np.delete(losers, group_firsts)])
    losers_kept = max(round(settings.losers_per_winner * int(is_winner.sum())), len(group_firsts))
    weight = is_winner.astype(float)
    weight[loser_queue[:losers_kept]] = 1.0
    return weight, pd.DataFrame()
