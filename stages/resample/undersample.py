"""undersample: every winner stays, a random part of the losers goes."""

import numpy as np
import pandas as pd
from pydantic import Field

from core.params import Knobs
from core.races import check
from core.refusals import Refusal
from core.rows import Floats, Rows


class Settings(Knobs):
    """How many losers stay."""

    losers_per_winner: float = Field(gt=0, allow_inf_nan=False)


def resample(rows: Rows, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weight 1 for winners (dead heats too) and the losers kept, 0 for the others, and no synthetic rows.

    Every group keeps one of its losers, so more stay where groups outnumber the losers asked for. Refuses a target
    that is not a share of a win, and rows without a winner.
    """
    check(rows.y, "undersample")
    won = rows.y > 0
    if not won.any():
        raise Refusal(f"undersample found no winner among {len(won)} fit rows; bring more days.")
    losers = np.random.default_rng(seed).permutation(np.flatnonzero(~won))
    _, first = np.unique(rows.group[losers], return_index=True)
    queue = np.concatenate([losers[first], np.delete(losers, first)])
    keep = max(round(settings.losers_per_winner * int(won.sum())), len(first))
    weight = won.astype(float)
    weight[queue[:keep]] = 1.0
    return weight, pd.DataFrame()
