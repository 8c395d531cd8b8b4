"""Place chances: from the chances of winning to that of coming in one of the first places, within groups (races).

The winner apart, each place goes to one of the remaining runners in proportion to a power of its win chance. For the
place m the power is 1 / (1 + discount · (m − 1)). With a discount of 0 this is Harville's model (1973), which promises
favourites too many places; powers below 1 are those of Henery, Stern, and Lo and Bacon-Shone (2008).
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats

MAX_PLACES = 4  # more are not computed: the work grows with runners^(places − 1)
MIN_WIN_CHANCE = 1e-9  # smaller win chances count as this, so that what a favourite leaves does not drown in rounding
MAX_DISCOUNT = 4.0  # the upper end of the search; the powers of second and third place are then 0.2 and 0.11
DISCOUNT_TOLERANCE = 1e-8
DISCOUNT_DIGITS = 6  # far more than thousands of races determine, and so few that JSON keeps them
DERIVATIVE_STEP = 1e-4  # of the discount, for derivatives of its loss
CELLS_PER_CHUNK = 1_000_000  # of the largest array


def learn_paid_places(placed: Floats, code: Codes) -> dict[int, int]:
    """Return by field size the number of places that most races paid, the smaller of two that are as frequent.

    `placed` is 1 for the runners in them, 0 for others; races in which it is missing do not count.
    """
    races = pd.DataFrame({"code": code, "placed": placed}).groupby("code")["placed"].agg(["size", "count", "sum"])
    complete_races = races[races["size"] == races["count"]]
    counts = complete_races.groupby(["size", "sum"]).size().reset_index(name="races")
    modes = counts.sort_values(["races", "sum"], ascending=[False, True]).drop_duplicates("size").sort_values("size")
    return {int(size): int(paid_places) for size, paid_places in zip(modes["size"], modes["sum"], strict=True)}


def find_paid_places(places_by_size: Mapping[int, int], code: Codes) -> Floats:
    """Return for each row the number of places that its race pays, as the largest known field that is not larger does.

    Missing for fields smaller than any known.

    >>> find_paid_places({2: 1, 4: 2}, np.array([0, 0, 0, 1])).tolist()
    [1.0, 1.0, 1.0, nan]
    """
    field_size = np.bincount(code).astype(np.float64)
    paid_places = np.full(len(field_size), np.nan)
    for size in sorted(places_by_size):
        paid_places = np.where(field_size >= size, float(places_by_size[size]), paid_places)
    return np.asarray(np.minimum(paid_places, field_size)[code])


def compute_place_chances(win: Floats, paid_places: Floats, code: Codes, discount: float) -> Floats:
    """Return each runner's chance of one of the first places, of which its race pays so many (one number a race).

    The win chances of a race sum to 1, its place chances to its paid places. A race's chances do not depend on other
    races or on the order of the rows, to the last bit. Missing where the number is, or is above MAX_PLACES but not all.
    """
    chances = np.where(paid_places == 0, 0.0, np.nan)
    for rows, place_count in _iterate_race_blocks(win, paid_places, code):
        shares = np.maximum(win[rows], MIN_WIN_CHANCE)
        chances[rows] = _compute_block_chances(shares / shares.sum(axis=1, keepdims=True), place_count, discount)
    return chances


def fit_discount(win: Floats, placed: Floats, paid_places: Floats, code: Codes) -> dict[str, float]:
    """Return the `discount` of the place chances: `best`, that of least log loss, shrunk toward 0 by its own noise.

    `best` is multiplied by 1 − (standard error / best)², or by 0 if that is negative (James and Stein's positive part).
    Only races count in which as many runners were placed as places are paid, from 1 to MAX_PLACES and not all. Without
    such races both are 0.
    """
    is_usable = _flag_usable_races(placed, paid_places, code)
    if not is_usable.any():
        return {"discount": 0.0, "best": 0.0}
    win, placed, paid_places = win[is_usable], placed[is_usable], paid_places[is_usable]
    usable_code = np.unique(code[is_usable], return_inverse=True)[1].astype(np.int64)

    def compute_race_losses(discount: float) -> Floats:
        chances = compute_place_chances(win, paid_places, usable_code, discount)
        chance_of_result = np.maximum(np.where(placed > 0, chances, 1.0 - chances), MIN_PROBABILITY)
        return np.bincount(usable_code, weights=-np.log(chance_of_result)).astype(np.float64)

    best = _minimise_loss(compute_race_losses)
    shrinkage = max(0.0, 1.0 - _estimate_variance(best, compute_race_losses) / best**2)
    return {"discount": round(best * shrinkage, DISCOUNT_DIGITS), "best": round(best, DISCOUNT_DIGITS)}


def _minimise_loss(compute_race_losses: Callable[[float], Floats]) -> float:
    from scipy.optimize import minimize_scalar  # here, because most who import this file need none of it

    solution = minimize_scalar(
        lambda discount: float(compute_race_losses(discount).mean()),
        bounds=(0.0, MAX_DISCOUNT),
        method="bounded",
        options={"xatol": DISCOUNT_TOLERANCE},
    )
    return float(solution.x)


def _estimate_variance(best: float, compute_race_losses: Callable[[float], Floats]) -> float:
    """Return the sampling variance of the discount, by a sandwich: races are independent, the places of one are not."""
    below, at_best, above = (compute_race_losses(best + step) for step in (-DERIVATIVE_STEP, 0.0, DERIVATIVE_STEP))
    slopes = (above - below) / (2 * DERIVATIVE_STEP)
    curvature = float((above - 2 * at_best + below).sum()) / DERIVATIVE_STEP**2
    return float(slopes @ slopes) / curvature**2 if curvature > 0 else np.inf


def _flag_usable_races(placed: Floats, paid_places: Floats, code: Codes) -> npt.NDArray[np.bool_]:
    placed_count, field_size = np.bincount(code, weights=placed)[code], np.bincount(code)[code]
    return np.asarray(
        (placed_count == paid_places) & (paid_places > 0) & (paid_places <= MAX_PLACES) & (paid_places < field_size)
    )


def _iterate_race_blocks(win: Floats, paid_places: Floats, code: Codes) -> Iterator[tuple[Codes, int]]:
    """Yield races of one size and number of paid places: the rows of each, the likeliest winner first, and the number.

    Rows are shaped (races, runners). Races that pay no place, too many or an unknown number are left out.
    """
    order = np.lexsort((-win, code))
    field_size = np.bincount(code)
    first_row = np.cumsum(field_size) - field_size
    race_places = paid_places[order[first_row]] if len(order) else paid_places
    for size, place_count in sorted({*zip(field_size.tolist(), race_places.tolist(), strict=True)}):
        if not (0 < place_count <= MAX_PLACES or place_count == size):
            continue
        races = np.flatnonzero((field_size == size) & (race_places == place_count))
        cells_per_race = size ** (min(int(place_count), MAX_PLACES) - 1)
        for chunk in np.array_split(races, -(-len(races) * cells_per_race // CELLS_PER_CHUNK)):
            yield order[first_row[chunk][:, None] + np.arange(size)], int(place_count)


def _compute_block_chances(win: Floats, paid_places: int, discount: float) -> Floats:
    """Return the place chances of races of one size, shaped (races, runners), as `win`."""
    size = win.shape[1]
    if paid_places >= size:
        return np.ones_like(win)
    chances = np.zeros_like(win)
    sequence_chance = np.ones(len(win))  # of all sequences of runners in the places before: (races, runners, runners…)
    for position in range(paid_places):
        strength = win ** (1.0 / (1.0 + discount * position))
        # a sequence in which a runner comes twice has the chance 0
        is_possible = sequence_chance > 0
        remaining = np.where(is_possible, _sum_other_strengths(strength, position), 1.0)
        chance_by_strength = np.where(is_possible, sequence_chance, 0.0) / remaining
        chances += strength * _sum_other_sequences(chance_by_strength, size)
        if position + 1 < paid_places:
            sequence_chance = chance_by_strength[..., None] * _align_runners(strength, position + 1, position + 1)
            for earlier_place in range(position):
                sequence_chance *= _align_pairs(1.0 - np.eye(size), earlier_place + 1, position + 2)
    return np.asarray(np.clip(chances, 0.0, 1.0))


def _sum_other_strengths(strength: Floats, position: int) -> Floats:
    """Return the strength of all runners but those of each sequence of `position` runners, with an axis for each."""
    total = strength.sum(axis=1).reshape(-1, *[1] * position)
    for axis in range(1, position + 1):
        total = total - _align_runners(strength, axis, position)
    return np.asarray(total)


def _sum_other_sequences(sequence_values: Floats, size: int) -> Floats:
    """Return for each runner the sum over the sequences that it is not in, shaped (races, runners)."""
    races, position = len(sequence_values), sequence_values.ndim - 1
    if position == 0:
        return sequence_values[:, None]
    # sums over the last axis of contiguous arrays, which add in one order however many races there are
    sums = [
        np.ascontiguousarray(np.moveaxis(sequence_values, axis, 1)).reshape(races, size, -1).sum(axis=2)
        for axis in range(1, position + 1)
    ]
    total = sums[0].sum(axis=1)[:, None]
    for sequences_with_runner in sums:
        total = total - sequences_with_runner
    return np.asarray(total)


def _align_runners(strength: Floats, axis: int, positions: int) -> Floats:
    """Return values shaped (races, runners) with the runners on one axis of an array with an axis for each place."""
    shape = [1] * (positions + 1)
    shape[0], shape[axis] = strength.shape
    return strength.reshape(shape)


def _align_pairs(matrix: Floats, axis: int, ndim: int) -> Floats:
    """Return a matrix of runners by runners on one axis and on the last of an array with `ndim` axes."""
    shape = [1] * ndim
    shape[axis], shape[-1] = matrix.shape
    return matrix.reshape(shape)
