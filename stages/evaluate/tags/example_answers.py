"""Example answers to read, and which tags are given in place of others."""

from typing import Any

import numpy as np
import pandas as pd

from stages.evaluate.tags.scored_tags import ScoredTags
from trueline.core.stats.group_ops import Floats

MAX_NAME_LENGTH = 80  # characters
NO_TAG = "(none)"


def sample_answers(
    scored: ScoredTags, prepared_rows: pd.DataFrame, count: int, depth: int, seed: int
) -> list[dict[str, Any]]:
    """Return randomly sampled rows in order of id: the truth, and the tuned arm's answer in the first repeat."""
    sampled_rows = np.random.default_rng(seed).permutation(len(scored.row_id))[:count]
    return [
        _build_sample(scored, str(prepared_rows["name"].iloc[row]), int(row), depth) for row in sorted(sampled_rows)
    ]


def sample_confusions(scored: ScoredTags, max_pairs: int, seed: int) -> pd.DataFrame:
    """Return pairs of a true tag and the tag that the tuned arm gave in the first repeat, one pair per row.

    A tag that was found is paired with itself. A missed tag is paired with every wrong tag of its event, because it is
    not known which of them took its place, or with `(none)`; wrong tags of an event that misses none are paired with
    `(none)` too. Events are sampled whole, until the next one would exceed `max_pairs`.
    """
    pairs: list[tuple[str, str]] = []
    for row in np.random.default_rng(seed).permutation(len(scored.row_id)):
        row_pairs = _list_tag_pairs(scored, int(row))
        if len(pairs) + len(row_pairs) > max_pairs:
            break
        pairs += row_pairs
    return pd.DataFrame(sorted(pairs), columns=["actual", "predicted"])


def _build_sample(scored: ScoredTags, name: str, row: int, depth: int) -> dict[str, Any]:
    truth, predicted, scores = _get_row_answers(scored, row)
    top_tags = np.argsort(-scores, kind="stable")[:depth]
    return {
        "row_id": scored.row_id[row],
        "name": name[:MAX_NAME_LENGTH],
        "truth": _list_flagged_tags(scored, truth),
        "given": _list_flagged_tags(scored, predicted),
        "missed": _list_flagged_tags(scored, truth * (1 - predicted)),
        "wrong": _list_flagged_tags(scored, predicted * (1 - truth)),
        "top": [{"tag": scored.tags[tag_index], "chance": float(scores[tag_index])} for tag_index in top_tags],
    }


def _list_tag_pairs(scored: ScoredTags, row: int) -> list[tuple[str, str]]:
    truth, predicted, _ = _get_row_answers(scored, row)
    missed, wrong = (
        _list_flagged_tags(scored, truth * (1 - predicted)),
        _list_flagged_tags(scored, predicted * (1 - truth)),
    )
    hits = [(tag, tag) for tag in _list_flagged_tags(scored, truth * predicted)]
    if not missed and not wrong:
        return hits
    return hits + [(missed_tag, wrong_tag) for missed_tag in missed or [NO_TAG] for wrong_tag in wrong or [NO_TAG]]


def _get_row_answers(scored: ScoredTags, row: int) -> tuple[Floats, Floats, Floats]:
    tuned = scored.arms["tuned"]
    return scored.truth[row], tuned.predicted[0, row], tuned.scores[0, row]


def _list_flagged_tags(scored: ScoredTags, flags: Floats) -> list[str]:
    return [scored.tags[tag_index] for tag_index in np.flatnonzero(flags > 0)]
