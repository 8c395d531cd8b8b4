"""Multilabel metrics: how well the tags of a row are ranked and assigned, row by row and from counts."""

from collections.abc import Sequence

import numpy as np

from trueline.core.stats.group_ops import Floats


def compute_ranking_metrics(truth: Floats, chance: Floats, cutoffs: Sequence[int]) -> dict[str, Floats]:
    """Return for each row how well its tags are ranked; truth (0 and 1) and chance are rows × tags.

    `lrap`: mean over the true tags of the share of true ones among those ranked no lower; 1 where no tag is true.
    `coverage_error`: how far down the ranking one must go to meet all true tags; 0 where none is. Both rank ties last,
    as scikit-learn does. `precision_at_k`: share of true tags among the k highest; tags that tie for the last places
    count as if picked at random. Every k is at most the number of tags.

    >>> metrics = compute_ranking_metrics(np.array([[1.0, 0.0, 1.0]]), np.array([[0.9, 0.5, 0.4]]), [2])
    >>> metrics["coverage_error"].tolist(), metrics["precision_at_2"].tolist()
    ([3.0], [0.5])
    """
    order = np.argsort(-chance, axis=1, kind="stable")
    sorted_truth, (tie_first, tie_last) = (
        np.take_along_axis(truth, order, axis=1),
        _find_ties(np.take_along_axis(chance, order, axis=1)),
    )
    true_so_far = np.cumsum(sorted_truth, axis=1)
    share = sorted_truth * np.take_along_axis(true_so_far, tie_last, axis=1) / (tie_last + 1)
    true_count = true_so_far[:, -1]
    lrap = np.where(true_count > 0, share.sum(axis=1) / np.maximum(true_count, 1), 1.0)
    metrics = {"lrap": lrap, "coverage_error": (sorted_truth * (tie_last + 1)).max(axis=1)}
    return metrics | {
        f"precision_at_{cutoff}": _count_expected_hits(true_so_far, tie_first, tie_last, cutoff) / cutoff
        for cutoff in cutoffs
    }


def compute_label_metrics(truth: Floats, answers: Floats) -> dict[str, Floats]:
    """Return for each row the share of right tags, whether all are right, and how many are given; both are 0 and 1."""
    is_right = truth == answers
    return {
        "accuracy": is_right.mean(axis=1),
        "subset_accuracy": is_right.all(axis=1).astype(np.float64),
        "tags_given": answers.sum(axis=1),
    }


def compute_micro_macro_metrics(hits: Floats, answer_counts: Floats, true_counts: Floats) -> dict[str, Floats]:
    """Return micro and macro precision, recall and F1 of counts whose last axis, the tags, is reduced.

    Micro pools the tags; macro is the mean over all of them, with 0 where a metric is undefined, so a tag that is never
    true counts as 0 (scikit-learn's zero_division=0).
    """
    pooled = (counts.sum(axis=-1) for counts in (hits, answer_counts, true_counts))
    micro = {f"micro_{name}": metric for name, metric in compute_precision_recall_f1(*pooled).items()}
    return micro | {
        f"macro_{name}": metric.mean(axis=-1)
        for name, metric in compute_precision_recall_f1(hits, answer_counts, true_counts).items()
    }


def compute_precision_recall_f1(hits: Floats, answer_counts: Floats, true_counts: Floats) -> dict[str, Floats]:
    """Return precision, recall and F1 of counts of the same shape, whatever it is; 0 where undefined."""
    return {
        "precision": _compute_share(hits, answer_counts),
        "recall": _compute_share(hits, true_counts),
        "f1": _compute_share(2 * hits, answer_counts + true_counts),
    }


def _compute_share(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(
        numerator, denominator, out=np.zeros(np.broadcast(numerator, denominator).shape), where=denominator > 0
    )


def _find_ties(ordered: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last position of those that tie with each position; each row is in descending order."""
    falls = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(ordered), 1), bool)
    positions = np.arange(ordered.shape[1])
    tie_first = np.maximum.accumulate(np.where(np.hstack([edge, falls]), positions, 0), axis=1)
    tie_last = np.where(np.hstack([falls, edge]), positions, len(positions))
    return tie_first, np.minimum.accumulate(tie_last[:, ::-1], axis=1)[:, ::-1]


def _count_expected_hits(true_so_far: Floats, tie_first: np.ndarray, tie_last: np.ndarray, cutoff: int) -> Floats:
    """Return the true tags expected among the highest `cutoff` if ties are broken at random."""
    row = np.arange(len(true_so_far))
    start, end = tie_first[:, cutoff - 1], tie_last[:, cutoff - 1]
    above = np.where(start > 0, true_so_far[row, start - 1], 0.0)
    return np.asarray(above + (true_so_far[row, end] - above) * (cutoff - start) / (end - start + 1))
