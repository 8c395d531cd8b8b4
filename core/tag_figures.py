"""Tag figures: how well several tags a row are ranked and given, row by row and from counts."""

from collections.abc import Sequence

import numpy as np

from core.races import TINY, Floats


def ranked(truth: Floats, chance: Floats, tops: Sequence[int]) -> dict[str, Floats]:
    """Return for each row how well its tags are ranked; truth (0 and 1) and chance are rows × tags.

    `lrap`: mean over the true tags of the share of true ones among those ranked no lower; 1 where no tag is true.
    `coverage_error`: how far down the ranking one must go to meet all true tags; 0 where none is. Ties rank last, both
    as in scikit-learn. `precision_at_k`: share of true tags among the k highest; tags that tie for the last places
    count as if drawn by lot. Every k is at most the number of tags.
    """
    order = np.argsort(-chance, axis=1, kind="stable")
    true, (first, last) = np.take_along_axis(truth, order, axis=1), _ties(np.take_along_axis(chance, order, axis=1))
    found = np.cumsum(true, axis=1)
    share = true * np.take_along_axis(found, last, axis=1) / (last + 1)
    number = found[:, -1]
    lrap = np.where(number > 0, share.sum(axis=1) / np.maximum(number, 1), 1.0)
    figures = {"lrap": lrap, "coverage_error": (true * (last + 1)).max(axis=1)}
    return figures | {f"precision_at_{top}": _hits(found, first, last, top) / top for top in tops}


def log_loss(truth: Floats, chance: Floats) -> Floats:
    """Return the mean over its tags of each row's log loss, in nats; no chance counts as nearer to 0 or 1 than TINY."""
    kept = np.clip(chance, TINY, 1 - TINY)
    return np.asarray(-np.where(truth > 0, np.log(kept), np.log1p(-kept)).mean(axis=1))


def answered(truth: Floats, given: Floats) -> dict[str, Floats]:
    """Return for each row the share of tags told right, whether all are, and how many are given; both are 0 and 1."""
    right = truth == given
    return {
        "accuracy": right.mean(axis=1),
        "subset_accuracy": right.all(axis=1).astype(np.float64),
        "tags_given": given.sum(axis=1),
    }


def counted(hits: Floats, given: Floats, true: Floats) -> dict[str, Floats]:
    """Return micro and macro precision, recall and F1 of counts whose last axis is the tags; it goes.

    Micro pools the tags; macro is the mean over all of them, with 0 where a figure is undefined, so a tag that is never
    true counts as 0 (scikit-learn's zero_division=0).
    """
    pooled = (part.sum(axis=-1) for part in (hits, given, true))
    micro = {f"micro_{name}": figure for name, figure in of_tags(*pooled).items()}
    return micro | {f"macro_{name}": figure.mean(axis=-1) for name, figure in of_tags(hits, given, true).items()}


def of_tags(hits: Floats, given: Floats, true: Floats) -> dict[str, Floats]:
    """Return precision, recall and F1 of counts of any one shape; 0 where undefined."""
    return {"precision": _share(hits, given), "recall": _share(hits, true), "f1": _share(2 * hits, given + true)}


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def _ties(ordered: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last place of those that tie with each place; values of a row fall along it."""
    falls = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(ordered), 1), bool)
    place = np.arange(ordered.shape[1])
    first = np.maximum.accumulate(np.where(np.hstack([edge, falls]), place, 0), axis=1)
    last = np.where(np.hstack([falls, edge]), place, len(place))
    return first, np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]


def _hits(found: Floats, first: np.ndarray, last: np.ndarray, top: int) -> Floats:
    """Return the true tags expected among the highest `top`, where ties are broken by lot."""
    row = np.arange(len(found))
    start, end = first[:, top - 1], last[:, top - 1]
    above = np.where(start > 0, found[row, start - 1], 0.0)
    return np.asarray(above + (found[row, end] - above) * (top - start) / (end - start + 1))
