"""Drift of a day: how likely it is that the model got worse in the last 7, 14 or 30 days, every game counted once."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from stages.diagnose._daily.days import Days
from stages.diagnose._daily.shift import Shift, baseline, shift

Floats = npt.NDArray[np.float64]

WINDOWS = (7, 14, 30)  # days since the model may have drifted
MEASURES = ("hits", "loss", "bias")
MOST = 50.0  # nats of evidence, beyond which it would overflow


@dataclass(frozen=True)
class Sizes:
    """What is worth finding, how likely it is before anything is seen, and what must be known to judge."""

    prior: float
    hit_drop: float
    loss_rise: float
    bias: float
    least_units: int
    least_days: int
    baseline_days: int


@dataclass(frozen=True)
class Drift:
    """The score of each day, 0 to 100, and what each measure adds to it; missing where nothing can be judged."""

    score: Floats
    parts: dict[str, Floats]


def drift(days: Days, sizes: Sizes, signed: bool) -> Drift:
    """Return 100 × the posterior probability that hits fell, loss rose or errors lean, by the sizes worth finding.

    The hypotheses are: nothing changed; or one of the three measures changed by its size 7, 14 or 30 days ago (errors
    to either side). They exclude each other, share `prior` evenly, and each judges a game once, so that windows within
    windows add no evidence. Likelihoods are normal, of means standardised by band, with the baseline's spread, which
    holds what games of a day have in common; days count as independent. What the market's loss rose by as well is odd
    outcomes, not drift. Without change the score is on average at most 100 · prior. A measure without units or baseline
    keeps its prior; `signed` is whether errors have a sign.
    """
    each = sizes.prior / len(MEASURES) / len(WINDOWS)
    hits = _ratios(days.wins, days.decided, sizes, (-sizes.hit_drop,), rate=True)
    loss = _ratios(days.model, days.units, sizes, (sizes.loss_rise,), market=(days.market, days.priced))
    lean = _ratios(days.error, days.units, sizes, (-sizes.bias, sizes.bias)) if signed else []
    judged = {"hits": hits, "loss": loss, "bias": lean}
    none = np.zeros(days.units.shape[:-1])
    weight = {name: sum((each * np.nan_to_num(one, nan=1.0) for one in held), none) for name, held in judged.items()}
    some = np.any([np.isfinite(one) for held in judged.values() for one in held], axis=0)
    whole = 1 - sizes.prior * sum(bool(held) for held in judged.values()) / len(MEASURES) + sum(weight.values())
    parts = {name: np.where(some, 100 * one / whole, np.nan) for name, one in weight.items()}
    return Drift(np.where(some, 100 * sum(weight.values()) / whole, np.nan), parts)


def _ratios(
    total: Floats,
    count: Floats,
    sizes: Sizes,
    moves: tuple[float, ...],
    rate: bool = False,
    market: tuple[Floats, Floats] | None = None,
) -> list[Floats]:
    """Return for each window the likelihood of the moves over that of no change, missing where it cannot be judged."""
    before = baseline(total, count, sizes.baseline_days)
    beside = baseline(*market, sizes.baseline_days) if market else None
    floor = before.mean * (1 - before.mean) if rate else None
    enough = before.active >= sizes.least_days
    found = []
    for width in WINDOWS:
        one = shift(total, count, before, width, floor)
        if market and beside:
            one = replace(one, value=_own(one.value, shift(*market, beside, width).value))
        ratio = np.mean([_ratio(one, move) for move in moves], axis=0)
        found.append(np.where(enough & (one.units >= sizes.least_units) & (one.variance > 0), ratio, np.nan))
    return found


def _own(model: Floats, market: Floats) -> Floats:
    """Return the model's rise of loss less what the market's rose as well: odd outcomes cost both."""
    shared = np.maximum(np.minimum(model, np.nan_to_num(market)), 0.0)
    return np.where(np.isfinite(model), model - shared, np.nan)


def _ratio(found: Shift, move: float) -> Floats:
    variance = np.where(found.variance > 0, found.variance, 1.0)
    return np.asarray(np.exp(np.clip((move * found.value - move * move / 2) / variance, -MOST, MOST)))
