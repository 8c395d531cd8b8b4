"""The calibration curve of tag probabilities, pooled over rows and tags, with intervals over clusters."""

import numpy as np
import pandas as pd

from stages.evaluate.tags.scored_tags import ScoredTags
from trueline.core.stats.block_bootstrap import BlockBootstrap, compute_interval
from trueline.core.stats.probability_scores import CURVE_COLUMNS


def compute_tag_calibration_curve(scored: ScoredTags, bootstrap: BlockBootstrap, bins: int) -> pd.DataFrame:
    """Return the tuned arm's mean probability and the observed rate in bins of equal count of cells, from low to high.

    A cell is one row, tag and repeat. Intervals resample whole clusters; a bin with cells of fewer than MIN_BLOCKS
    clusters has no interval.
    """
    scores = scored.arms["tuned"].scores
    flat_scores, row_count, bin_count = scores.ravel(), len(scored.truth), min(bins, scores.size)
    is_true = np.broadcast_to(scored.truth, scores.shape).ravel()
    bin_index = np.empty(scores.size, dtype=np.int64)
    bin_index[np.argsort(flat_scores, kind="stable")] = np.arange(scores.size) * bin_count // scores.size
    row_index = np.broadcast_to(np.arange(row_count)[:, None], scores.shape).ravel()
    cell_index = row_index * bin_count + bin_index
    cell_sums = [
        np.bincount(cell_index, weights=item, minlength=row_count * bin_count)
        for item in (np.ones(scores.size), is_true, flat_scores)
    ]
    counts, true_counts, score_sums = (
        cell_sum.reshape(row_count, bin_count).astype(np.float64) for cell_sum in cell_sums
    )
    cluster_counts = (bootstrap.sum_by_block(counts) > 0).sum(axis=0)
    draw_counts, draw_true_counts = bootstrap.sum_by_draw(counts), bootstrap.sum_by_draw(true_counts)
    draw_rates = np.divide(draw_true_counts, draw_counts, out=np.zeros_like(draw_true_counts), where=draw_counts > 0)
    intervals = [compute_interval(draw_rates[:, item], int(cluster_counts[item])) for item in range(bin_count)]
    bounds = [[item[bound] for item in intervals] for bound in ("value", "low", "high")]
    bin_sizes = counts.sum(axis=0)
    return pd.DataFrame(
        dict(zip(CURVE_COLUMNS, [score_sums.sum(axis=0) / bin_sizes, *bounds, bin_sizes.astype(int)], strict=True))
    )
