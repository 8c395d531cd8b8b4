"""Where: in which level of which column a part of the change is found, if it is in one more than in the others."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from core.decomposition import by_level
from stages.diagnose._causes.panel import BIAS, MARKET, MODEL, Field

Floats = npt.NDArray[np.float64]
Drawn = Callable[[Floats], Floats]  # days × … in, draws × … out: the sums of every draw of days, draw 0 the data
LOSSES = {"model": MODEL, "market": MARKET, "bias": BIAS}  # parts within levels, and the outcomes that tell of them


class Least(NamedTuple):
    """What a level must have to be named: standard errors, and days in the window and in its baseline."""

    errors: float
    days: int
    baseline_days: int


class _Place(NamedTuple):
    """A level in which a part is found."""

    column: str
    level: str
    told: dict[str, float]
    size: float  # what it brings, to be compared with that of other levels


def where(
    fields: list[Field], own: Drawn, base: Drawn, toward: Mapping[str, float], least: Least
) -> dict[str, dict[str, Any]]:
    """Return, of each part that is found in one level more than elsewhere, the column, the level and by how much.

    Population and lines: the level whose share rose most (`share_rose`). Model, market and bias: the level whose loss,
    or signed error, went furthest beyond all levels' in the direction of the part, 1 or −1 of `toward` (`rose_more`);
    odd outcomes are not taken out of it, for what is usual of an entity is better known later, which shifts levels
    apart. Only what stands out by so many standard errors is told, so that a change that is the same everywhere is said
    to be nowhere, and only of levels that enough days have, for of fewer days draws know too little. A level that is
    new may be named.
    """
    found: dict[str, list[_Place]] = {}
    for field in fields:
        for part, place in _places(field, own, base, toward, least):
            found.setdefault(part, []).append(place)
    most = {part: max(places, key=lambda one: one.size) for part, places in found.items()}
    return {part: {"column": one.column, "level": one.level} | one.told for part, one in most.items()}


def _places(
    field: Field, own: Drawn, base: Drawn, toward: Mapping[str, float], least: Least
) -> Iterator[tuple[str, _Place]]:
    counts, base_counts = own(field.counts), base(field.counts)
    sums, base_sums = own(field.sums), base(field.sums)
    days, base_days = (side((field.counts > 0).astype(float))[0] for side in (own, base))
    often = (days >= least.days) & ((base_days >= least.baseline_days) | (base_days == 0))

    def most(name: str, value: Floats, size: Floats) -> _Place | None:
        """Return the level of the largest size among those whose value stands out from chance."""
        out = often & (np.abs(value[0]) > least.errors * value[1:].std(axis=0))
        sizes = np.where(out, size[0], 0.0)
        level = int(sizes.argmax())
        if sizes[level] <= 0:
            return None
        return _Place(field.column, field.levels[level], {name: round(float(value[0, level]), 6)}, float(sizes[level]))

    for part, outcome in LOSSES.items():
        risen, more, share = by_level(counts, sums[..., outcome], base_counts, base_sums[..., outcome])
        if (place := most("rose_more", more, toward[part] * share * more)) is not None:
            yield part, place
    if (place := most("share_rose", risen, risen)) is not None:
        yield field.side, place
