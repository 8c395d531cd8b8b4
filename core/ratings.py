"""Ratings: strengths that explain what rivals reached against each other, learned anew before each day."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import sparse

from core.races import Codes, Floats
from core.threads import one_thread

STEPS = 1000  # never reached: a few dozen steps do
CLOSE = 1e-6  # of the right-hand side: strengths are then within 1e-4 of their spread from the exact ones
KEPT = 16  # days between two of which `Standing` keeps the strengths: others are learned again from those
RECALLED = 8  # days that were asked for last


def strengths(
    value: Floats,
    group: Codes,
    day: npt.NDArray[np.int64],
    keys: Sequence[Codes],
    ridges: Sequence[float],
    half_life_days: float,
) -> Floats:
    """Return, rows × effects, the strength that each row's keys had shown before its day; 0 for a key not yet seen.

    `value` is what a row reached (comparable within its group only; missing is left out), `keys` one code per row and
    effect (−1 for none). Before each day the strengths b minimise Σ w·(value − own group's mean − Σ b + their group's
    mean)² + Σ ridge·b² over earlier days, w = 2^−(age / half-life): beating strong rivals counts for more. Solved by
    conjugate gradients from the day before. To the last bit a function of the earlier days' rows and their order.
    """
    if not len(value):
        return np.zeros((0, len(keys)))
    order = np.argsort(day, kind="stable")
    past = _Past(value[order], group[order], day[order], [key[order] for key in keys], ridges, half_life_days)
    found = np.zeros((len(value), len(keys)))
    with one_thread():
        found[order] = past.walk()
    return found


class Standing:
    """The strengths of a history that is learned once, for rows that are not in it.

    Takes what `strengths` does. `before` answers, to the last bit, as `strengths` would for rows of that day that stand
    in the same history: what the history holds of that day and later plays no role.
    """

    def __init__(
        self,
        value: Floats,
        group: Codes,
        day: npt.NDArray[np.int64],
        keys: Sequence[Codes],
        ridges: Sequence[float],
        half_life_days: float,
    ) -> None:
        order = np.argsort(day, kind="stable")
        sorted_keys = [key[order] for key in keys]
        self._past = _Past(value[order], group[order], day[order], sorted_keys, ridges, half_life_days)
        self._columns = [_columns(key, column) for key, column in zip(sorted_keys, self._past.column.T, strict=True)]
        self._days = np.unique(day)
        self._kept = {0: np.zeros(0)}  # by the number of days before
        self._recent = lru_cache(RECALLED)(self._learned)
        strength = self._kept[0]
        with one_thread():
            for number in range(1, len(self._days)):
                strength = self._next(number, int(self._days[number]), strength)
                if number % KEPT == 0 or number == len(self._days) - 1:
                    self._kept[number] = strength

    def before(self, day: int, keys: Sequence[Codes]) -> Floats:
        """Return, rows × effects, the strengths that keys had shown before a day; a code of the history each, or −1."""
        strength = self._recent(day)
        found = np.zeros((len(keys[0]), len(keys)))
        for effect, (key, columns) in enumerate(zip(keys, self._columns, strict=True)):
            column = np.append(columns, -1)[key]  # the code −1 takes what is appended
            seen = (column >= 0) & (column < len(strength))
            found[seen, effect] = strength[column[seen]]
        return found

    def _learned(self, day: int) -> Floats:
        number = int(np.searchsorted(self._days, day))
        if not number:
            return self._kept[0]
        with one_thread():
            strength = self._walked(number - 1)
            return self._next(number, day, strength)

    def _walked(self, number: int) -> Floats:
        """Return the strengths before a day of the history."""
        begin = max(kept for kept in self._kept if kept <= number)
        strength = self._kept[begin]
        for step in range(begin + 1, number + 1):
            strength = self._next(step, int(self._days[step]), strength)
        return strength

    def _next(self, number: int, day: int, strength: Floats) -> Floats:
        rows = int(np.searchsorted(self._past.day, self._days[number - 1], side="right"))
        return self._past.learn(rows, day, strength)


class _Past:
    """Rows in order of day; columns numbered by first appearance, so that the past never depends on who comes later."""

    def __init__(
        self,
        value: Floats,
        group: Codes,
        day: npt.NDArray[np.int64],
        keys: Sequence[Codes],
        ridges: Sequence[float],
        half_life: float,
    ) -> None:
        self.value, self.day, self.half_life = np.nan_to_num(value), day, half_life
        self.known = (~np.isnan(value)).astype(float)
        self.group = _by_appearance(group)
        self.column = _joint(keys)
        effect = np.broadcast_to(np.arange(len(keys)), self.column.shape)
        self.ridge = np.zeros(int(self.column.max()) + 1)
        self.ridge[self.column[self.column >= 0]] = np.asarray(ridges, float)[effect[self.column >= 0]]

    def walk(self) -> Floats:
        found = np.zeros(self.column.shape)
        strength = np.zeros(0)
        for moment in np.unique(self.day)[1:]:
            begin, end = np.searchsorted(self.day, [moment, moment + 1])
            strength = self.learn(int(begin), int(moment), strength)
            asked = self.column[begin:end]
            seen = (asked >= 0) & (asked < len(strength))
            found[begin:end][seen] = strength[asked[seen]]
        return found

    def learn(self, rows: int, moment: int, start: Floats) -> Floats:
        """Return the strengths that the first rows show at a day, beginning from those of the day before."""
        weight = self.known[:rows] * np.exp2(-(moment - self.day[:rows]) / self.half_life)
        group, columns = self.group[:rows], int(self.column[:rows].max()) + 1
        mass = np.maximum(np.bincount(group, weights=weight), 1e-12)
        design, ridge = _design(self.column[:rows], columns), self.ridge[:columns]
        turned = design.T.tocsr()

        def centred(values: Floats) -> Floats:
            return weight * (values - (np.bincount(group, weights=weight * values) / mass)[group])

        def normal(b: Floats) -> Floats:
            pulled: Floats = turned @ centred(design @ b) + ridge * b
            return pulled

        aim: Floats = turned @ centred(self.value[:rows])
        begin = np.concatenate([start, np.zeros(columns - len(start))])
        return _solve(normal, aim, turned @ weight + ridge, begin)


def _solve(normal: Callable[[Floats], Floats], aim: Floats, diagonal: Floats, begin: Floats) -> Floats:
    """Return x with normal(x) ≈ aim, by conjugate gradients with a diagonal preconditioner."""
    x, left = begin, aim - normal(begin)
    scaled = left / diagonal
    way, power = scaled, _dot(left, scaled)
    for _ in range(STEPS):
        if _dot(left, left) <= CLOSE**2 * _dot(aim, aim):
            break
        pulled = normal(way)
        bent = _dot(way, pulled)
        if not (power > 0 and bent > 0):  # what is left is too small for its square to be a number
            break
        step = power / bent
        x, left = x + step * way, left - step * pulled
        scaled = left / diagonal
        power, before = _dot(left, scaled), power
        way = scaled + power / before * way
    return x


def _dot(one: Floats, other: Floats) -> float:
    """Return the sum of products in NumPy's own order of adding: a product of vectors has that of the BLAS kernel."""
    return float((one * other).sum())


def _design(column: Codes, columns: int) -> sparse.csr_matrix:
    present = column >= 0
    ends = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return sparse.csr_matrix((np.ones(int(ends[-1])), column[present], ends), shape=(len(column), columns))


def _joint(keys: Sequence[Codes]) -> Codes:
    """Return rows × effects column numbers over all effects, by first appearance row by row; −1 for no key."""
    stacked = np.column_stack([np.where(key >= 0, key * len(keys) + effect, -1) for effect, key in enumerate(keys)])
    flat = stacked.ravel()
    numbers = np.full(len(flat), -1)
    numbers[flat >= 0] = _by_appearance(flat[flat >= 0])
    return numbers.reshape(stacked.shape)


def _columns(key: Codes, column: Codes) -> Codes:
    """Return the column of each code of an effect, −1 for codes without rows."""
    columns = np.full(int(key.max(initial=-1)) + 1, -1)
    known = key >= 0
    columns[key[known]] = column[known]
    return columns


def _by_appearance(codes: Codes) -> Codes:
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]
