"""Statistics of events: how often each tag occurs and can be learned, how many events recur, whether texts were cut."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from trueline.core.text.tag_labels import normalize_tag

MIN_CUT_TEXTS = 3  # minimum number of texts of one length that is not taken for coincidence


def count_tags(tag_matrix: pd.DataFrame, group: pd.Series, min_clusters: int) -> dict[str, Any]:
    """Return the counts of each tag, and which tags cannot be learned and why; `tag_matrix` is events × tags (0 or 1).

    A cluster of near-duplicates counts as one example, however many events it has; a tag in fewer than `min_clusters`
    of them cannot be learned.
    """
    event_counts = tag_matrix.sum().astype(int)
    cluster_counts = tag_matrix.groupby(group.to_numpy()).max().sum().astype(int)
    reasons = {
        tag: _explain_unlearnable(event_counts[tag], len(tag_matrix), cluster_counts[tag], min_clusters)
        for tag in map(str, tag_matrix)
    }
    counts = {
        tag: {
            "events": int(event_counts[tag]),
            "share": event_counts[tag] / len(tag_matrix),
            "clusters": int(cluster_counts[tag]),
        }
        for tag in map(str, tag_matrix)
    }
    tags_per_event = tag_matrix.sum(axis=1)
    return {
        "tags": counts,
        "not_learnable": {tag: reason for tag, reason in reasons.items() if reason},
        "tags_per_event": {"mean": tags_per_event.mean(), "most": int(tags_per_event.max())},
        "events_without_tags": int((tags_per_event == 0).sum()),
        "distinct_tag_sets": int((~tag_matrix.duplicated()).sum()),
    }


def count_variants(raw_tags: Iterable[Iterable[str] | None], spellings: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return for each tag that came in several spellings how many rows have each, by the spelling that all now have."""
    counts = Counter(tag for row_tags in raw_tags for tag in row_tags or ())
    variants: dict[str, dict[str, int]] = {}
    for tag in sorted(counts):
        variants.setdefault(spellings[normalize_tag(tag)], {})[tag] = counts[tag]
    return {spelling: tags for spelling, tags in variants.items() if set(tags) != {spelling}}


def count_clusters(group: pd.Series) -> dict[str, int]:
    """Return how many clusters there are, how many have several events, how many events those have, and the largest."""
    cluster_sizes = group.value_counts()
    repeated_sizes = cluster_sizes[cluster_sizes > 1]
    repeated_counts = {
        "of_several": len(repeated_sizes),
        "events_in_them": int(repeated_sizes.sum()),
        "largest": int(cluster_sizes.max()),
    }
    return {"all": len(cluster_sizes)} | repeated_counts


def detect_cut_texts(raw: pd.Series, min_share: float) -> dict[str, Any]:
    """Return the length in characters at which texts seem to be cut, how many have it, and how many end within a word.

    That is the most common length, the greater of two equally common ones; there is none if fewer than `min_share` of
    the texts have it. Limit: a text that just happens to have this length is counted too.
    """
    texts = raw[raw.notna()].astype(str)
    lengths = texts.str.len()
    length_counts = (
        lengths[lengths > 0].value_counts().sort_index(ascending=False).sort_values(ascending=False, kind="stable")
    )
    if length_counts.empty or length_counts.iloc[0] < max(MIN_CUT_TEXTS, min_share * len(raw)):
        return {"length": None, "texts": 0, "mid_word": 0, "share": 0.0}
    cut_candidates = texts[lengths == length_counts.index[0]]
    mid_word = int(cut_candidates.str.contains(r"\w$").sum())
    return {
        "length": int(length_counts.index[0]),
        "texts": len(cut_candidates),
        "mid_word": mid_word,
        "share": mid_word / len(raw),
    }


def _explain_unlearnable(events: int, rows: int, clusters: int, min_clusters: int) -> str:
    if events in (0, rows):
        return "on every event" if events else "on no event"
    return f"in fewer than {min_clusters} clusters" if clusters < min_clusters else ""
