"""Census: how often each tag is given and can be learned, how many events recur, and whether texts were cut."""

from typing import Any

import pandas as pd

MIN_CUT_TEXTS = 3  # texts of one length that are no accident


def count_tags(tag_matrix: pd.DataFrame, group: pd.Series, min_clusters: int) -> dict[str, Any]:
    """Return counts of each tag of events × tags of 0 and 1, and why which of them cannot be learned.

    A cluster counts as one example, however often it recurs; fewer than `min_clusters` are too few to learn from.
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


def count_clusters(group: pd.Series) -> dict[str, int]:
    """Return how many clusters there are, how many hold several events, and how many events those hold."""
    cluster_sizes = group.value_counts()
    repeated_sizes = cluster_sizes[cluster_sizes > 1]
    repeated_counts = {
        "of_several": len(repeated_sizes),
        "events_in_them": int(repeated_sizes.sum()),
        "largest": int(cluster_sizes.max()),
    }
    return {"all": len(cluster_sizes)} | repeated_counts


def detect_cut_texts(raw: pd.Series, min_share: float) -> dict[str, Any]:
    """Return the one length at which texts seem to be cut, in characters, how many have it and end within a word.

    That length is the commonest, the greater of two as common; none where fewer than `min_share` of the texts have it. No
    attempt is made to tell a text that just happens to end there.
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
