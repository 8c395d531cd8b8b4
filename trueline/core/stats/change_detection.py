"""Change detection: figures are monitored day by day, with a limit that is rarely exceeded without a change.

Limits do not come from a table: the reference period is resampled, in blocks of neighbouring days, both as a reference
and as what follows it, and the limit is the one that such simulations exceed as rarely as required. What the reference
does not contain (a season, a trend) counts as a change.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trueline.core.errors import UserError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WINDOW_WIDTHS = (1, 2, 4, 8, 16, 32)  # newest steps whose mean is compared with that of the reference
FLAT_TOLERANCE = 1e-9  # relative to the mean of the reference: a spread below this is rounding
BISECTION_STEPS = 16  # they find the limit to a hundred-thousandth of the initial interval
MIN_RATE = 1e-6  # rates are clipped to this distance from 0 and 1


@dataclass(frozen=True)
class ShiftDetection:
    """The result of monitoring columns over the steps after a reference period."""

    statistic: Floats  # steps × columns: the greatest standardised shift of the mean of the newest steps
    limit: float
    first_alarms: list[int | None]  # the step after the reference at which each column first exceeded the limit
    onsets: list[int | None]  # the first step of the window that raised the alarm: an estimate of when it changed


def detect_shifts(values: Floats, reference: int, share: float, block: int, draws: int, seed: int) -> ShiftDetection:
    """Monitor steps × columns after the first `reference` steps for shifts of the mean, with one limit for all columns.

    Any column exceeds the limit at any step in at most `share` of the simulations without change. `block` neighbouring
    steps are resampled together; it should span the steps over which neighbours are correlated. A column that is
    constant in the reference alarms at its first other value. Missing steps count as the mean of the reference.
    Raises UserError for a reference of fewer than two blocks, or without a step after it.
    """
    if reference < 2 * block or len(values) <= reference:
        raise UserError(
            f"{len(values)} steps with {reference} as reference in blocks of {block} are too few; a reference of at "
            "least two blocks and one step after it are needed: add days or shorten the blocks."
        )
    values = np.where(
        np.isnan(values), np.nanmean(np.vstack([values[:reference], np.zeros_like(values[:1])]), axis=0), values
    )
    reference_values, later_values = values[:reference], values[reference:]
    statistic, width = _compute_shift_statistic(reference_values[None], later_values[None])
    limit = _estimate_limit(reference_values, len(later_values), share, block, draws, seed)
    is_beyond = statistic[0] > limit
    first_alarms = [int(np.argmax(column)) if column.any() else None for column in is_beyond.T]
    numbered = enumerate(first_alarms)
    onsets = [None if step is None else step + 1 - int(width[0, step, column]) for column, step in numbered]
    return ShiftDetection(statistic[0], limit, first_alarms, onsets)


def _estimate_limit(
    reference_values: Floats, later_steps: int, share: float, block: int, draws: int, seed: int
) -> float:
    random = np.random.default_rng(seed)
    maxima = np.empty((2, draws))
    for draw in range(draws):
        rows = draw_block_indices(len(reference_values), len(reference_values) + later_steps, block, random)
        # a short reference has no extremes to resample; independent normal simulations of the same size do
        for kind, simulation in enumerate(
            (reference_values[rows], random.normal(size=(len(rows), reference_values.shape[1])))
        ):
            maxima[kind, draw] = _compute_shift_statistic(
                simulation[None, : len(reference_values)], simulation[None, len(reference_values) :]
            )[0].max(initial=0.0)
    return float(np.quantile(maxima, 1 - share, axis=1, method="higher").max())


def draw_block_indices(length: int, size: int, block: int, random: np.random.Generator) -> Ints:
    """Return `size` indices below `length`, in runs of `block` neighbours that begin anywhere and wrap around."""
    begin = random.integers(0, length, -(-size // block))
    return np.asarray((begin[:, None] + np.arange(block)).ravel()[:size] % length)


def _compute_shift_statistic(reference_values: Floats, later_values: Floats) -> tuple[Floats, Ints]:
    """Return, per simulation, step and column, the greatest |shift| in standard errors, and its window width."""
    n, steps = reference_values.shape[1], later_values.shape[1]
    centre, spread = reference_values.mean(axis=1, keepdims=True), reference_values.std(axis=1, keepdims=True, ddof=1)
    is_flat = spread <= FLAT_TOLERANCE * np.maximum(np.abs(centre), 1e-300)
    sums = np.cumsum(later_values - centre, axis=1)
    running_total = np.concatenate([np.zeros_like(sums[:, :1]), sums], axis=1)
    best, width = np.zeros_like(later_values), np.ones(later_values.shape, dtype=np.int64)
    for window_width in [candidate for candidate in WINDOW_WIDTHS if candidate <= steps]:
        shift = np.abs(running_total[:, window_width:] - running_total[:, :-window_width]) / window_width
        error = spread * np.sqrt(1 / window_width + 1 / n)
        flat_size = np.where(shift > FLAT_TOLERANCE * np.maximum(np.abs(centre), 1e-300), np.inf, 0.0)
        shift_size = np.where(is_flat, flat_size, shift / np.where(is_flat, 1.0, error))
        is_better = shift_size > best[:, window_width - 1 :]
        best[:, window_width - 1 :] = np.where(is_better, shift_size, best[:, window_width - 1 :])
        width[:, window_width - 1 :] = np.where(is_better, window_width, width[:, window_width - 1 :])
    return best, width


@dataclass(frozen=True)
class RateAlarm:
    """A CUSUM alarm on a success rate, fitted to a reference: `evaluate_days` says which later days alarm."""

    rate: float  # success rate of the reference
    drop: float  # the fall of the rate that it is designed to detect soonest
    limit: float  # of the evidence for the fall, in nats
    false_alarms: float  # per season, in the simulations without change

    def evaluate_days(self, wins: Floats, decided: Floats) -> tuple[Floats, Mask]:
        """Return each day's evidence for a fall (nats) and whether it alarms; after an alarm evidence restarts at 0."""
        evidence, alarms = compute_cusum(
            compute_log_likelihood_ratios(wins, decided, np.array(self.rate), self.drop)[None], self.limit
        )
        return evidence[0], alarms[0]


def fit_cusum_alarm(
    wins: Floats, decided: Floats, drop: float, season: int, false_alarms: float, block: int, draws: int, seed: int
) -> RateAlarm:
    """Return the alarm on a rate, given the daily wins and decided picks of a reference.

    It is Page's CUSUM (1954) of the evidence that the rate fell by `drop`: ln(p₁/p₀) per win and ln(q₁/q₀) per loss.
    The limit is such that `season` days resampled from the reference, in blocks of neighbouring days and with a
    resampled rate, alarm `false_alarms` times on average. Raises UserError for a reference of fewer than two blocks or
    without picks.
    """
    if len(wins) < 2 * block or not decided.sum():
        raise UserError(
            f"{len(wins)} days with {int(decided.sum())} decided picks cannot fit an alarm; at least {2 * block} "
            "days with picks are needed: add days or shorten the blocks."
        )
    random = np.random.default_rng(seed)
    simulated_rows = [draw_block_indices(len(wins), len(wins) + season, block, random) for _ in range(draws)]
    rows = np.vstack(simulated_rows)
    rate = wins[rows[:, : len(wins)]].sum(axis=1) / np.maximum(decided[rows[:, : len(wins)]].sum(axis=1), 1)
    later_rows = rows[:, len(wins) :]
    gain = compute_log_likelihood_ratios(wins[later_rows], decided[later_rows], rate[:, None], drop)
    low, high = 0.0, float(np.maximum(gain, 0).sum(axis=1).max()) + 1.0
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        is_too_often = compute_cusum(gain, middle)[1].sum(axis=1).mean() > false_alarms
        low, high = (middle, high) if is_too_often else (low, middle)
    reached_rate = float(compute_cusum(gain, high)[1].sum(axis=1).mean())
    return RateAlarm(float(wins.sum() / decided.sum()), drop, high, reached_rate)


def compute_log_likelihood_ratios(wins: Floats, decided: Floats, rate: Floats, drop: float) -> Floats:
    """Return the log-likelihood ratio (nats) of each day's wins after a drop of the rate to that before it."""
    rate_before = np.clip(rate, MIN_RATE, 1 - MIN_RATE)
    rate_after = np.clip(rate - drop, MIN_RATE, 1 - MIN_RATE)
    return np.asarray(
        wins * np.log(rate_after / rate_before) + (decided - wins) * np.log((1 - rate_after) / (1 - rate_before))
    )


def compute_cusum(gain: Floats, limit: float) -> tuple[Floats, Mask]:
    """Return simulations × days of evidence, at least 0 and reset after each alarm, and where it exceeds the limit."""
    evidence, alarms = np.empty_like(gain), np.zeros(gain.shape, dtype=bool)
    running_evidence = np.zeros(len(gain))
    for day in range(gain.shape[1]):
        running_evidence = np.maximum(running_evidence + gain[:, day], 0.0)
        evidence[:, day], alarms[:, day] = running_evidence, running_evidence > limit
        running_evidence = np.where(running_evidence > limit, 0.0, running_evidence)
    return evidence, alarms
