"""Census: how often each tag is given and can be learned, how many events recur, and whether texts were cut."""

from typing import Any

import pandas as pd

FEWEST = 3  # texts of one length that are no accident


def tag_counts(given: pd.DataFrame, group: pd.Series, least: int) -> dict[str, Any]:
    """Return counts of each tag of events × tags of 0 and 1, and why which of them cannot be learned.

    A cluster counts as one example, however often it recurs; fewer than `least` are too few to learn from.
    """
    events = given.sum().astype(int)
    examples = given.groupby(group.to_numpy()).max().sum().astype(int)
    reasons = {tag: _unlearnable(events[tag], len(given), examples[tag], least) for tag in map(str, given)}
    counts = {
        tag: {"events": int(events[tag]), "share": events[tag] / len(given), "clusters": int(examples[tag])}
        for tag in map(str, given)
    }
    number = given.sum(axis=1)
    return {
        "tags": counts,
        "not_learnable": {tag: reason for tag, reason in reasons.items() if reason},
        "tags_per_event": {"mean": number.mean(), "most": int(number.max())},
        "events_without_tags": int((number == 0).sum()),
        "distinct_tag_sets": int((~given.duplicated()).sum()),
    }


def twin_counts(group: pd.Series) -> dict[str, int]:
    """Return how many clusters there are, how many hold several events, and how many events those hold."""
    size = group.value_counts()
    several = size[size > 1]
    held = {"of_several": len(several), "events_in_them": int(several.sum()), "largest": int(size.max())}
    return {"all": len(size)} | held


def cut_texts(raw: pd.Series, share: float) -> dict[str, Any]:
    """Return the one length at which texts seem to be cut, in characters, how many have it and end within a word.

    That length is the commonest, the greater of two as common; none where fewer than `share` of the texts have it. No
    attempt is made to tell a text that just happens to end there.
    """
    written = raw[raw.notna()].astype(str)
    length = written.str.len()
    common = length[length > 0].value_counts().sort_index(ascending=False).sort_values(ascending=False, kind="stable")
    if common.empty or common.iloc[0] < max(FEWEST, share * len(raw)):
        return {"length": None, "texts": 0, "mid_word": 0, "share": 0.0}
    at = written[length == common.index[0]]
    mid_word = int(at.str.contains(r"\w$").sum())
    return {"length": int(common.index[0]), "texts": len(at), "mid_word": mid_word, "share": mid_word / len(raw)}


def _unlearnable(events: int, rows: int, examples: int, least: int) -> str:
    if events in (0, rows):
        return "on every event" if events else "on no event"
    return f"in fewer than {least} clusters" if examples < least else ""
