"""Baselines that learn nothing from text: always the frequent tags, and a tag where its own name occurs."""

import numpy as np
import pandas as pd

from stages.evaluate.tags.scored_tags import TARGET_PREFIX, ScoredTags, TagAnswers
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.stats.group_ops import Floats
from trueline.core.text.tag_mentions import MENTION_PREFIX


def build_prior_answers(scored: ScoredTags, prepared: pd.DataFrame) -> TagAnswers:
    """Return each tag's frequency among rows that the fold does not score, and always the same frequent tags.

    With a clock those are the rows before the first scored row of the fold. One threshold, the same for all tags,
    maximises the pooled F1 on those rows. Half a row is added on either side of a frequency (Jeffreys 1946), so that
    none is 0 or 1. A delay of the labels is not taken into account.
    """
    truth = prepared[[TARGET_PREFIX + tag for tag in scored.tags]].to_numpy(np.float64)
    scores = np.empty((scored.repeat_count, *scored.truth.shape))
    predicted = np.empty_like(scores)
    for fold_mask in scored.list_fold_masks():
        earlier_truth = truth[_flag_earlier_rows(prepared, set(scored.row_id[fold_mask.any(axis=0)]))]
        scores[fold_mask] = (earlier_truth.sum(axis=0) + 0.5) / (len(earlier_truth) + 1)
        predicted[fold_mask] = choose_frequent_tags(earlier_truth)
    return TagAnswers(scores, predicted)


def choose_frequent_tags(earlier_truth: Floats) -> Floats:
    """Return 1 for the tags which, given to every row, maximise the pooled F1 on a known truth (rows × tags), else 0.

    A tag raises the F1 if its frequency is at least half of it (Lipton, Elkan and Naryanaswamy 2014).
    """
    tag_counts = earlier_truth.sum(axis=0)
    sorted_counts = np.sort(tag_counts)[::-1]
    predicted_counts = len(earlier_truth) * np.arange(1, len(sorted_counts) + 1)
    best_f1 = (2 * np.cumsum(sorted_counts) / np.maximum(predicted_counts + sorted_counts.sum(), 1)).max()
    return np.asarray((tag_counts > 0) & (tag_counts >= best_f1 / 2 * len(earlier_truth)), dtype=np.float64)


def build_tag_name_answers(scored: ScoredTags, prepared_rows: pd.DataFrame, prior_answers: TagAnswers) -> TagAnswers:
    """Give a tag where its name occurs in the text; such tags rank first, the others by frequency."""
    mentions = prepared_rows[[MENTION_PREFIX + tag for tag in scored.tags]].to_numpy(np.float64)
    repeated_mentions = np.broadcast_to(mentions, prior_answers.scores.shape)
    return TagAnswers((repeated_mentions + prior_answers.scores) / 2, repeated_mentions, has_probabilities=False)


def has_clock(prepared: pd.DataFrame) -> bool:
    """Return whether the rows have times of their own."""
    return bool((prepared["time"] != NO_CLOCK).any())


def _flag_earlier_rows(prepared: pd.DataFrame, scored_ids: set[str]) -> pd.Series:
    is_scored = prepared["row_id"].isin(scored_ids)
    return prepared["time"] < prepared.loc[is_scored, "time"].min() if has_clock(prepared) else ~is_scored
