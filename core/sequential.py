"""Sequential detection: figures watched day by day, with a limit that a period without change rarely reaches.

Limits are not from a table: the reference period is drawn again and again, in blocks of neighbouring days, as a
reference and as what follows it, and the limit is what such a world exceeds as rarely as asked. What the reference
cannot know (a season, a trend) is a change.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.refusals import Refusal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WIDTHS = (1, 2, 4, 8, 16, 32)  # steps whose mean is compared with the reference, longest shift first to be seen last
FLAT = 1e-9  # of the reference's size: a spread below this is rounding
HALVINGS = 16  # of the interval in which a limit is sought: to a hundred-thousandth of it
NEAR = 1e-6  # rates are kept this far from 0 and 1


@dataclass(frozen=True)
class Watched:
    """Columns watched over steps after a reference."""

    statistic: Floats  # steps × columns: greatest standardised shift of a mean of the newest steps
    limit: float
    first: list[int | None]  # the step after the reference at which each column first exceeded the limit
    onset: list[int | None]  # where the window that showed it begins: a guess of when it changed


def watch(values: Floats, reference: int, share: float, block: int, draws: int, seed: int) -> Watched:
    """Watch steps × columns after the first `reference` steps for shifts of the mean, all columns at one limit.

    In at most `share` of worlds without change does any column exceed the limit anywhere. `block` steps are drawn
    together: at least as long as neighbours resemble each other. A column that does not vary in the reference alarms
    at its first other value. Missing steps count as the reference's mean. Refuses a reference of fewer than two blocks.
    """
    if reference < 2 * block or len(values) <= reference:
        raise Refusal(
            f"{len(values)} steps with {reference} as reference in blocks of {block}: a reference of at least two "
            "blocks and one step after it are needed; bring more days or shorten the blocks."
        )
    values = np.where(
        np.isnan(values), np.nanmean(np.vstack([values[:reference], np.zeros_like(values[:1])]), axis=0), values
    )
    known, ahead = values[:reference], values[reference:]
    statistic, width = _statistic(known[None], ahead[None])
    limit = _limit(known, len(ahead), share, block, draws, seed)
    beyond = statistic[0] > limit
    first = [int(np.argmax(column)) if column.any() else None for column in beyond.T]
    onset = [None if step is None else step + 1 - int(width[0, step, n]) for n, step in enumerate(first)]
    return Watched(statistic[0], limit, first, onset)


def _limit(known: Floats, ahead: int, share: float, block: int, draws: int, seed: int) -> float:
    random = np.random.default_rng(seed)
    found = np.empty((2, draws))
    for draw in range(draws):
        rows = neighbours(len(known), len(known) + ahead, block, random)
        # a short reference holds no extremes to draw: independent normal worlds of the same size do
        for kind, world in enumerate((known[rows], random.normal(size=(len(rows), known.shape[1])))):
            found[kind, draw] = _statistic(world[None, : len(known)], world[None, len(known) :])[0].max(initial=0.0)
    return float(np.quantile(found, 1 - share, axis=1, method="higher").max())


def neighbours(length: int, size: int, block: int, random: np.random.Generator) -> Ints:
    """Return `size` positions below `length`, in runs of `block` neighbours that begin anywhere and wrap around."""
    begin = random.integers(0, length, -(-size // block))
    return np.asarray((begin[:, None] + np.arange(block)).ravel()[:size] % length)


def _statistic(known: Floats, ahead: Floats) -> tuple[Floats, Ints]:
    """Return, per world, step and column, the greatest |shift| in standard errors, and the width that shows it."""
    n, steps = known.shape[1], ahead.shape[1]
    centre, spread = known.mean(axis=1, keepdims=True), known.std(axis=1, keepdims=True, ddof=1)
    flat = spread <= FLAT * np.maximum(np.abs(centre), 1e-300)
    total = np.concatenate([np.zeros_like(ahead[:, :1]), np.cumsum(ahead - centre, axis=1)], axis=1)
    best, width = np.zeros_like(ahead), np.ones(ahead.shape, dtype=np.int64)
    for reach in [one for one in WIDTHS if one <= steps]:
        shift = np.abs(total[:, reach:] - total[:, :-reach]) / reach
        error = spread * np.sqrt(1 / reach + 1 / n)
        moved = np.where(shift > FLAT * np.maximum(np.abs(centre), 1e-300), np.inf, 0.0)
        size = np.where(flat, moved, shift / np.where(flat, 1.0, error))
        better = size > best[:, reach - 1 :]
        best[:, reach - 1 :] = np.where(better, size, best[:, reach - 1 :])
        width[:, reach - 1 :] = np.where(better, reach, width[:, reach - 1 :])
    return best, width


@dataclass(frozen=True)
class RateAlarm:
    """A watch on a rate of success, set up on a reference: `of` tells which later days alarm."""

    rate: float  # of the reference
    drop: float  # the fall that it is made to find soonest
    limit: float  # in nats of evidence for the fall
    false_alarms: float  # a season, in the drawn worlds without change

    def of(self, wins: Floats, decided: Floats) -> tuple[Floats, Mask]:
        """Return each day's evidence for a fall (nats) and whether it alarms; after an alarm evidence begins afresh."""
        evidence, alarms = cusum(gains(wins, decided, np.array(self.rate), self.drop)[None], self.limit)
        return evidence[0], alarms[0]


def alarm(
    wins: Floats, decided: Floats, drop: float, season: int, false_alarms: float, block: int, draws: int, seed: int
) -> RateAlarm:
    """Return the watch on a rate whose daily wins and decided picks are the reference.

    It is Page's CUSUM (1954) of the evidence that the rate fell by `drop`, ln(p₁/p₀) a win and ln(q₁/q₀) a loss. Its
    limit lets `season` days drawn from the reference, in blocks of neighbours and judged by a rate that is drawn as
    well, alarm `false_alarms` times on average. Refuses a reference of fewer than two blocks or without picks.
    """
    if len(wins) < 2 * block or not decided.sum():
        raise Refusal(
            f"{len(wins)} days with {int(decided.sum())} decided picks cannot set up an alarm; at least {2 * block} "
            "days with picks are needed: bring more days or shorten the blocks."
        )
    random = np.random.default_rng(seed)
    worlds = [neighbours(len(wins), len(wins) + season, block, random) for _ in range(draws)]
    rows = np.vstack(worlds)
    rate = wins[rows[:, : len(wins)]].sum(axis=1) / np.maximum(decided[rows[:, : len(wins)]].sum(axis=1), 1)
    later = rows[:, len(wins) :]
    gain = gains(wins[later], decided[later], rate[:, None], drop)
    low, high = 0.0, float(np.maximum(gain, 0).sum(axis=1).max()) + 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        often = cusum(gain, middle)[1].sum(axis=1).mean() > false_alarms
        low, high = (middle, high) if often else (low, middle)
    happened = float(cusum(gain, high)[1].sum(axis=1).mean())
    return RateAlarm(float(wins.sum() / decided.sum()), drop, high, happened)


def gains(wins: Floats, decided: Floats, rate: Floats, drop: float) -> Floats:
    """Return how much likelier each day's wins are after a drop of the rate than before it (log of the ratio, nats)."""
    before = np.clip(rate, NEAR, 1 - NEAR)
    after = np.clip(rate - drop, NEAR, 1 - NEAR)
    return np.asarray(wins * np.log(after / before) + (decided - wins) * np.log((1 - after) / (1 - before)))


def cusum(gain: Floats, limit: float) -> tuple[Floats, Mask]:
    """Return worlds × days of evidence, never below 0 and afresh after each alarm, and where it exceeds the limit."""
    evidence, alarms = np.empty_like(gain), np.zeros(gain.shape, dtype=bool)
    held = np.zeros(len(gain))
    for day in range(gain.shape[1]):
        held = np.maximum(held + gain[:, day], 0.0)
        evidence[:, day], alarms[:, day] = held, held > limit
        held = np.where(held > limit, 0.0, held)
    return evidence, alarms
