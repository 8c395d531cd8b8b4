"""worst_segments: in which parts of the field does the tuned arm do worse than elsewhere?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t

from core.evidence import Evidence, Finding, finding
from core.intervals import FEWEST, LEVEL
from core.races import Codes, Floats
from stages.diagnose._judged import Judged, judged

NAME = "Where does the model do worse than elsewhere?"

KEYS = ("row_id", "entity", "group", "time", "target", "teacher")
LEVELS = 40  # distinct texts up to which a column divides the rows
FEW = 12  # distinct numbers up to which each is a segment; beyond that, quartile bands
SHOWN = 10


@dataclass(frozen=True)
class Segment:
    """Units of one level of one column, and the figure by which they are compared with all others."""

    column: str
    level: str
    measure: str
    inside: npt.NDArray[np.bool_]
    values: Floats
    block: Codes


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
    first = np.unique(rows.group, return_index=True)[1]
    for column, labels in _labels(evidence, rows):
        shared = pd.Series(labels).groupby(rows.group).nunique().eq(1).all()
        if rows.kind != "share" or not shared:
            yield from _levels(column, labels, "target − p", residual, rows.group)
        if rows.kind != "share" or shared:
            units = labels[first] if rows.kind == "share" else labels
            yield from _levels(column, units, measure, excess, rows.block)


def _levels(column: str, labels: npt.NDArray[Any], measure: str, values: Floats, block: Codes) -> Iterator[Segment]:
    code, found = pd.factorize(labels, sort=True)
    for number, level in enumerate(found):
        yield Segment(column, level, measure, code == number, values, block)


def _labels(evidence: Evidence, rows: Judged) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if "tag" in rows.rows:
        yield "tag", rows.rows["tag"].to_numpy(dtype=object)
    prepared = evidence.prepared.drop_duplicates("row_id").set_index("row_id").reindex(rows.rows["row_id"])
    for column in evidence.columns:
        if column.known == "before" and column.kind != "time" and column.name not in KEYS and column.name in prepared:
            values = prepared[column.name]
            if column.kind != "text" or values.nunique() <= LEVELS:
                yield column.name, _named(values, column.kind != "text")


def _named(values: pd.Series, number: bool) -> npt.NDArray[Any]:
    if number and values.nunique() > FEW:
        named = pd.qcut(values.astype(float), 4, duplicates="drop").astype(object)
    else:
        named = values.astype(object)
    text = named.map(lambda value: f"{value:g}" if number and isinstance(value, float | int) else str(value))
    return text.where(values.notna(), "missing").to_numpy(dtype=object)


def _judgeable(one: Segment, limit: int) -> bool:
    return all(_blocks(one.block[side]) >= limit for side in (one.inside, ~one.inside))


def _compare(one: Segment, level: float) -> dict[str, Any]:
    """Return the segment's mean beside that of the rest, their difference, and its interval at a level per segment."""
    influence = np.zeros(one.block.max() + 1)
    means = []
    for side, sign in ((one.inside, 1), (~one.inside, -1)):
        means.append(float(one.values[side].mean()))
        parts = sign * (one.values[side] - means[-1]) / side.sum()
        influence += np.bincount(one.block[side], weights=parts, minlength=len(influence))
    fewer = min(_blocks(one.block[side]) for side in (one.inside, ~one.inside))
    error = float(np.sqrt(np.square(influence).sum() * fewer / (fewer - 1)))
    difference, reach = means[0] - means[1], float(t.ppf(level, fewer - 1)) * error
    return {
        "column": one.column,
        "level": one.level,
        "measure": one.measure,
        "groups": _blocks(one.block[one.inside]),
        "mean": means[0],
        "rest": means[1],
        "difference": difference,
        "low": difference - reach,
        "high": difference + reach,
        "errors": abs(difference) / error if error else 0.0,
    }


def _blocks(block: Codes) -> int:
    """Return how many blocks there are: counting is linear, sorting is not."""
    return int(np.count_nonzero(np.bincount(block)))


def _worse(one: dict[str, Any]) -> bool:
    return bool(one["low"] > 0 or (one["measure"] == "target − p" and one["high"] < 0))
