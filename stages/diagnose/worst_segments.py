"""worst_segments: in which parts of the field does the tuned arm do worse than elsewhere?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from core.evidence import Evidence, Finding, finding
from core.intervals import FEWEST, LEVEL
from core.places import located
from core.races import Codes, Floats
from core.stored import each
from stages.diagnose._judged import Judged, judged

NAME = "Where does the model do worse than elsewhere?"

KEYS = ("row_id", "entity", "group", "time", "target", "teacher")
LEVELS = 40  # distinct texts up to which a column divides the rows
FEW = 12  # distinct numbers up to which each is a segment; beyond that, quartile bands
SHOWN = 10


@dataclass(frozen=True)
class Segment:
    """Units of one level of one column, and the figure by which they are compared with all others.

    Sums and counts are those of each block: all that is asked of units.
    """

    column: str
    level: str
    measure: str
    sums: Floats
    counts: Floats
    all_sums: Floats
    all_counts: Floats

    @property
    def sides(self) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """The sums and counts of the segment and of the rest."""
        return (self.sums, self.counts), (self.all_sums - self.sums, self.all_counts - self.counts)

    @property
    def blocks(self) -> tuple[int, int]:
        """How many blocks have units in the segment, and how many have others."""
        return int(np.count_nonzero(self.counts)), int(np.count_nonzero(self.all_counts - self.counts))


def check(evidence: Evidence) -> Finding:
    """Name the segments whose figure differs from the rest's beyond an interval that holds for all segments at once.

    Segments are the levels of the `before` columns of few levels, and quartile bands of other numbers. The figure is
    the loss in excess of the market's, where the market prices half the groups or more; else in excess of the loss
    that the probabilities promise of themselves: plain loss would name every hard segment (large fields). A quantity
    without a market has neither, and is compared by plain squared error. Where shares are divided within a group, a
    column that varies within it is judged by its rows' mean residual, target − p.
    Intervals are t intervals of group sums, Bonferroni over all segments; neighbouring groups count as independent.
    """
    rows = judged(evidence)
    limit = max(evidence.limits.segment_groups, 2)
    if rows.groups < FEWEST:
        return finding("declined", f"{rows.groups} whole groups are predicted; {FEWEST} are needed to compare parts.")
    rows, excess, measure = _excess(rows)
    kept = [one for one in _segments(evidence, rows, excess, measure) if _judgeable(one, limit)]
    if not kept:
        return finding("declined", f"No segment known before the decision has {limit} groups inside and outside it.")
    level = 1 - (1 - LEVEL) / (2 * len(kept))
    found = [_compare(one, level) for one in kept]
    worst = sorted((one for one in found if _worse(one)), key=lambda one: (-one["errors"], one["column"], one["level"]))
    details = {"looked_at": len(kept), "measure": measure, "worst": worst[:SHOWN]}
    if worst:
        said = ", ".join(
            f"{one['column']} {one['level']} ({one['measure']} {one['difference']:+.3f})" for one in worst[:3]
        )
        summary = f"{len(worst)} of {len(kept)} segments do worse than the rest beyond chance: {said}."
        return finding("warning", summary, **details)
    return finding("ok", f"None of {len(kept)} segments does worse than the rest beyond chance.", **details)


def _excess(rows: Judged) -> tuple[Judged, Floats, str]:
    priced = rows.priced()
    if 2 * priced.groups >= rows.groups and priced.groups >= FEWEST:
        return priced, priced.losses() - priced.market_losses(), "loss − market's loss"
    return rows, rows.losses() - rows.promised(), "squared error" if rows.kind == "quantity" else "loss − promised loss"


def _segments(evidence: Evidence, rows: Judged, excess: Floats, measure: str) -> Iterator[Segment]:
    residual = rows.y - rows.p
    first = np.unique(rows.group, return_index=True)[1] if rows.kind == "share" else np.empty(0, dtype=np.int64)
    for column, code, levels in _labels(evidence, rows):
        shared = rows.kind == "share" and bool((code == code[first][rows.group]).all())
        if rows.kind != "share" or not shared:
            yield from _levels(column, code, levels, "target − p", residual, rows.group)
        if rows.kind != "share" or shared:
            units = code[first] if rows.kind == "share" else code
            yield from _levels(column, units, levels, measure, excess, rows.block)


def _levels(
    column: str, code: Codes, levels: list[str], measure: str, values: Floats, block: Codes
) -> Iterator[Segment]:
    blocks = int(block.max()) + 1
    cell, shape = code * blocks + block, (len(levels), blocks)
    counts = np.bincount(cell, minlength=shape[0] * blocks).astype(float).reshape(shape)
    sums = np.bincount(cell, weights=values, minlength=shape[0] * blocks).reshape(shape)
    total, number = sums.sum(axis=0), counts.sum(axis=0)
    for place, level in enumerate(levels):
        if counts[place].any():
            yield Segment(column, level, measure, sums[place], counts[place], total, number)


def _labels(evidence: Evidence, rows: Judged) -> Iterator[tuple[str, Codes, list[str]]]:
    """Yield the columns that divide the rows, each row's level by number, and the levels' names, sorted."""
    if "tag" in rows.rows:
        code, tags = pd.factorize(rows.rows["tag"], sort=True)
        yield "tag", code, [str(tag) for tag in tags]
    kinds = {
        column.name: column.kind
        for column in evidence.columns
        if column.known == "before" and column.kind != "time" and column.name not in KEYS
    }
    place = located(rows.rows["row_id"], evidence.prepared["row_id"])
    for name, column in each(evidence.prepared, [name for name in kinds if name in evidence.prepared]):
        values = pd.Series(column.array.take(place, allow_fill=True))
        if kinds[name] != "text" or values.nunique() <= LEVELS:
            yield name, *_named(values, kinds[name] != "text")


def _named(values: pd.Series, number: bool) -> tuple[Codes, list[str]]:
    """Return each row's level and the levels' names; levels of one name are one."""
    if number and values.nunique() > FEW:
        values = pd.qcut(values.astype(float), 4, duplicates="drop")
    code, levels = pd.factorize(values)
    names = [f"{level:g}" if number and isinstance(level, float | int) else str(level) for level in levels]
    of, unique = pd.factorize(np.array([*names, "missing"], dtype=object), sort=True)
    return of[code], [str(name) for name in unique]


def _judgeable(one: Segment, limit: int) -> bool:
    return min(one.blocks) >= limit


def _compare(one: Segment, level: float) -> dict[str, Any]:
    """Return the segment's mean beside that of the rest, their difference, and its interval at a level per segment."""
    influence = np.zeros(len(one.sums))
    means = []
    for (sums, counts), sign in zip(one.sides, (1, -1), strict=True):
        means.append(float(sums.sum() / counts.sum()))
        influence += sign * (sums - means[-1] * counts) / counts.sum()
    fewer = min(one.blocks)
    error = float(np.sqrt(np.square(influence).sum() * fewer / (fewer - 1)))
    difference, reach = means[0] - means[1], float(t.ppf(level, fewer - 1)) * error
    return {
        "column": one.column,
        "level": one.level,
        "measure": one.measure,
        "groups": one.blocks[0],
        "mean": means[0],
        "rest": means[1],
        "difference": difference,
        "low": difference - reach,
        "high": difference + reach,
        "errors": abs(difference) / error if error else 0.0,
    }


def _worse(one: dict[str, Any]) -> bool:
    return bool(one["low"] > 0 or (one["measure"] == "target − p" and one["high"] < 0))
