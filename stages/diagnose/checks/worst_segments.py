"""worst_segments: in which segments of the data does the tuned arm do worse than elsewhere?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.scored_units import ScoredPredictions, build_scored_predictions
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL, MIN_BLOCKS
from trueline.core.stats.group_ops import Codes, Floats
from trueline.core.stored_tables.lazy_parquet import iter_columns
from trueline.core.stored_tables.row_lookup import lookup_rows

NAME = "Where does the model do worse than elsewhere?"
ASKS = "health"

EXCLUDED_COLUMNS = ("row_id", "entity", "group", "time", "target", "soft_label")
MAX_TEXT_LEVELS = 40  # a text column with more distinct values makes no segments
MAX_NUMBER_LEVELS = 12  # a number column with more distinct values is cut into quartile bands
MAX_SHOWN = 10


@dataclass(frozen=True)
class Segment:
    """The units of one level of one column, as sums and counts of a measure by block, beside those of all units."""

    column: str
    level: str
    measure: str
    sums: Floats
    counts: Floats
    all_sums: Floats
    all_counts: Floats

    @property
    def segment_and_rest(self) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """The sums and counts of the segment, and those of the rest."""
        return (self.sums, self.counts), (self.all_sums - self.sums, self.all_counts - self.counts)

    @property
    def block_counts(self) -> tuple[int, int]:
        """How many blocks have units in the segment, and how many have others."""
        return int(np.count_nonzero(self.counts)), int(np.count_nonzero(self.all_counts - self.counts))


def check(evidence: Evidence) -> Finding:
    """Warn of segments that are worse than the rest, by intervals that hold for all segments simultaneously.

    Segments are the levels of `before` columns with few levels, and quartile bands of other numbers. The measure is the
    loss in excess of the market's if the market prices at least half the groups, else the loss in excess of what the
    probabilities themselves imply: plain loss would flag every hard segment (large fields). An excess over a market's
    squared error is divided by the relative size of such errors at that line, which is larger for large quantities. A
    quantity without a market has neither and is compared by plain squared error. Each row's residual, target − p, is a
    measure as well; for shares that are divided within a group it is the measure of columns that vary within the group,
    and only of those. Intervals are t intervals of group sums, Bonferroni-corrected over all segments; neighbouring
    groups are treated as independent.
    """
    scored = build_scored_predictions(evidence)
    limit = max(evidence.limits.segment_groups, 2)
    if scored.group_count < MIN_BLOCKS:
        return decline(f"{scored.group_count} whole groups are predicted; {MIN_BLOCKS} are needed to compare parts.")
    scored, excess, measure = _compute_excess_losses(scored)
    segments = [
        segment
        for segment in _iterate_segments(evidence, scored, excess, measure)
        if min(segment.block_counts) >= limit
    ]
    if not segments:
        return decline(f"No segment known before the decision has {limit} groups inside and outside it.")
    level = 1 - (1 - CONFIDENCE_LEVEL) / (2 * len(segments))
    comparisons = [_compare_with_rest(segment, level) for segment in segments]
    worst = sorted(
        (segment for segment in comparisons if _is_worse(segment)),
        key=lambda segment: (-segment["errors"], segment["column"], segment["level"]),
    )
    details = {"looked_at": len(segments), "measure": measure, "worst": worst[:MAX_SHOWN]}
    if worst:
        texts = ["{column} {level} ({measure} {difference:+.3f})".format(**segment) for segment in worst[:3]]
        summary = f"{len(worst)} of {len(segments)} segments do worse than the rest beyond chance: {', '.join(texts)}."
        return make_finding("warning", summary, **details)
    return make_finding("ok", f"None of {len(segments)} segments does worse than the rest beyond chance.", **details)


def _compute_excess_losses(scored: ScoredPredictions) -> tuple[ScoredPredictions, Floats, str]:
    priced = scored.select_priced()
    if 2 * priced.group_count >= scored.group_count and priced.group_count >= MIN_BLOCKS:
        excess = priced.compute_losses() - priced.compute_market_losses()
        return priced, excess / _estimate_relative_spread(priced), "loss − market's loss"
    measure = "squared error" if scored.kind == "quantity" else "loss − promised loss"
    return scored, scored.compute_losses() - scored.compute_expected_losses(), measure


def _estimate_relative_spread(priced: ScoredPredictions) -> Floats:
    """Return by unit the market's loss that is expected at its figure, relative to the mean; 1 for probabilities.

    Large quantities vary more, so whatever a model lacks costs more there; the expectation is linear in the figure, as
    the variance of counts is, and at least a tenth of the mean.
    """
    market_losses = priced.compute_market_losses()
    if priced.kind != "quantity" or np.ptp(priced.market) == 0:
        return np.ones(len(market_losses))
    slope, intercept = np.polyfit(priced.market, market_losses, 1)
    relative_loss = (intercept + max(slope, 0.0) * priced.market) / market_losses.mean()
    return np.asarray(np.maximum(relative_loss, 0.1))


def _iterate_segments(evidence: Evidence, scored: ScoredPredictions, excess: Floats, measure: str) -> Iterator[Segment]:
    residual, has_shares = scored.y - scored.p, scored.kind == "share"
    first_rows = np.unique(scored.group, return_index=True)[1]
    for column, code, levels in _iterate_level_codes(evidence, scored):
        is_shared = has_shares and bool((code == code[first_rows][scored.group]).all())
        if not is_shared:
            yield from _iterate_levels(column, code, levels, "target − p", residual, scored.group)
        if is_shared or not has_shares:
            units = code[first_rows] if has_shares else code
            yield from _iterate_levels(column, units, levels, measure, excess, scored.block)


def _iterate_levels(
    column: str, code: Codes, levels: list[str], measure: str, values: Floats, block: Codes
) -> Iterator[Segment]:
    block_count = int(block.max()) + 1
    cell, shape = code * block_count + block, (len(levels), block_count)
    counts = np.bincount(cell, minlength=shape[0] * block_count).astype(float).reshape(shape)
    sums = np.bincount(cell, weights=values, minlength=shape[0] * block_count).reshape(shape)
    all_sums, all_counts = sums.sum(axis=0), counts.sum(axis=0)
    for index, level in enumerate(levels):
        if counts[index].any():
            yield Segment(column, level, measure, sums[index], counts[index], all_sums, all_counts)


def _iterate_level_codes(evidence: Evidence, scored: ScoredPredictions) -> Iterator[tuple[str, Codes, list[str]]]:
    """Yield the columns that make segments, each row's level code, and the sorted names of the levels."""
    if "tag" in scored.rows:
        code, tags = pd.factorize(scored.rows["tag"], sort=True)
        yield "tag", code, [str(tag) for tag in tags]
    kinds = {
        column.name: column.kind
        for column in evidence.columns
        if column.known == "before" and column.kind != "time" and column.name not in EXCLUDED_COLUMNS
    }
    positions = lookup_rows(scored.rows["row_id"], evidence.prepared["row_id"])
    for name, column in iter_columns(evidence.prepared, [name for name in kinds if name in evidence.prepared]):
        values = pd.Series(column.array.take(positions, allow_fill=True))
        if kinds[name] != "text" or values.nunique() <= MAX_TEXT_LEVELS:
            yield name, *_name_levels(values, kinds[name] != "text")


def _name_levels(values: pd.Series, is_number: bool) -> tuple[Codes, list[str]]:
    """Return each row's level code and the names of the levels; levels with the same name are merged."""
    if is_number and values.nunique() > MAX_NUMBER_LEVELS:
        values = pd.qcut(values.astype(float), 4, duplicates="drop")
    code, levels = pd.factorize(values)
    names = [f"{level:g}" if is_number and isinstance(level, float | int) else str(level) for level in levels]
    name_codes, unique = pd.factorize(np.array([*names, "missing"], dtype=object), sort=True)
    return name_codes[code], [str(name) for name in unique]


def _compare_with_rest(segment: Segment, level: float) -> dict[str, Any]:
    """Return the mean of the segment and of the rest, their difference, and its interval at the one-sided `level`."""
    influence = np.zeros(len(segment.sums))
    means = []
    for (sums, counts), sign in zip(segment.segment_and_rest, (1, -1), strict=True):
        means.append(float(sums.sum() / counts.sum()))
        influence += sign * (sums - means[-1] * counts) / counts.sum()
    min_blocks = min(segment.block_counts)
    error = float(np.sqrt(np.square(influence).sum() * min_blocks / (min_blocks - 1)))
    difference, reach = means[0] - means[1], float(stdtrit(min_blocks - 1, level)) * error
    return {
        "column": segment.column,
        "level": segment.level,
        "measure": segment.measure,
        "groups": segment.block_counts[0],
        "mean": means[0],
        "rest": means[1],
        "difference": difference,
        "low": difference - reach,
        "high": difference + reach,
        "errors": abs(difference) / error if error else 0.0,
    }


def _is_worse(comparison: dict[str, Any]) -> bool:
    return bool(comparison["low"] > 0 or (comparison["measure"] == "target − p" and comparison["high"] < 0))
