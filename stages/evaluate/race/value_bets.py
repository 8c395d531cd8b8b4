"""Value bets: runners whose price pays more than it must, by the model's win chances."""

import numpy as np
import numpy.typing as npt

from trueline.core.stats.group_ops import Floats


def flag_value_bets(win: Floats, price: Floats, commission: float, margin: float) -> npt.NDArray[np.bool_]:
    """Return where the expected return of a unit, after commission, exceeds it by more than `margin`.

    `price` are decimal odds; no runner without a price is a bet.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(win * (1 + (price - 1) * (1 - commission)) > 1 + margin)
