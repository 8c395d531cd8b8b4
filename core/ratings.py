"""Ratings: strengths that explain what rivals reached against each other, learned anew before each day."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from core.races import Codes, Floats
from core.threads import one_thread

STEPS = 60
CLOSE = 1e-3  # of the right-hand side: far below what a day's results can tell


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
            strength = self._learn(int(begin), int(moment), strength)
            asked = self.column[begin:end]
            seen = (asked >= 0) & (asked < len(strength))
            found[begin:end][seen] = strength[asked[seen]]
        return found

    def _learn(self, rows: int, moment: int, start: Floats) -> Floats:
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
    way, power = scaled, float(left @ scaled)
    for _ in range(STEPS):
        if left @ left <= CLOSE**2 * (aim @ aim):
            break
        pulled = normal(way)
        step = power / float(way @ pulled)
        x, left = x + step * way, left - step * pulled
        scaled = left / diagonal
        power, before = float(left @ scaled), power
        way = scaled + power / before * way
    return x


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


def _by_appearance(codes: Codes) -> Codes:
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]
