"""undersample: every winner stays, a random part of the losers goes."""

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.racing.race_losses import require_valid_targets
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData


class Settings(StageSettings):
    """How many losers stay."""

    losers_per_winner: float = Field(gt=0, allow_inf_nan=False)


def resample(rows: FoldData, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weight 1 for winners (dead heats too) and the losers kept, 0 for the others, and no synthetic rows.

    Every group keeps one of its losers, so more stay where groups outnumber the losers asked for. Refuses a target
    that is not a share of a win, and rows without a winner.
    """
    require_valid_targets(rows.y, "undersample")
    is_winner = rows.y > 0
    if not is_winner.any():
        raise UserError(f"undersample found no winner among {len(is_winner)} fit rows; bring more days.")
    losers = np.random.default_rng(seed).permutation(np.flatnonzero(~is_winner))
    _, group_firsts = np.unique(rows.group[losers], return_index=True)
    loser_queue = np.concatenate([losers[group_firsts], np.delete(losers, group_firsts)])
    losers_kept = max(round(settings.losers_per_winner * int(is_winner.sum())), len(group_firsts))
    weight = is_winner.astype(float)
    weight[loser_queue[:losers_kept]] = 1.0
    return weight, pd.DataFrame()
