"""Rule-made labels: is a tag always given where its name occurs in the text, as a keyword rule would do?"""

import re
from typing import Any

import numpy as np
import pandas as pd

from stages.evaluate.tags.scored_tags import TARGET_PREFIX
from trueline.core.text.tag_mentions import MENTION_PREFIX, format_tag_name

TEXT_FIELDS = ["name", "description", "location"]
MIN_ALWAYS_SHARE = 0.5  # share of the judged tags


def detect_rule_made_labels(prepared: pd.DataFrame, tags: list[str], min_named: int) -> dict[str, Any]:
    """Return how many texts contain each tag's name, how many of those have the tag, and whether that looks rule-made.

    `inside` counts texts in which the name occurs only after other letters of a word (`art` in party), where a reader
    would hardly notice it. A tag is in `always` if all texts that contain its name have it. Judged are tags that at
    least `min_named` texts name, provided that at the tag's overall frequency at least one such text would be expected
    to lack it. Labels look rule-made if at least half the judged tags are always given. This is a sign, not proof:
    truncated texts and synonyms hide rules, and careful annotators too may tag every text that contains the name.
    """
    texts = prepared[TEXT_FIELDS].agg(" . ".join, axis=1)
    tag_rows = [_count_mentions(prepared, texts, tag) for tag in tags]
    judged_rows = [row for row in tag_rows if row["named"] >= min_named and row["named"] * (1 - row["frequency"]) >= 1]
    always_rows = [row for row in judged_rows if row["tagged"] == row["named"]]
    is_rule_made = bool(judged_rows) and len(always_rows) >= MIN_ALWAYS_SHARE * len(judged_rows)
    return {
        "tags": tag_rows,
        "always": [row["tag"] for row in always_rows],
        "judged": len(judged_rows),
        "look_rule_made": is_rule_made,
        "sentence": _describe_labels(always_rows, len(tags), is_rule_made),
    }


def _count_mentions(prepared: pd.DataFrame, texts: pd.Series, tag: str) -> dict[str, Any]:
    is_named, is_tagged = (prepared[prefix + tag].to_numpy() > 0 for prefix in (MENTION_PREFIX, TARGET_PREFIX))
    is_inside = np.zeros(len(is_named), bool)
    is_inside[is_named] = ~texts[is_named].str.contains(
        _build_word_start_pattern(tag), case=False, regex=True
    ).to_numpy(bool)
    masks = {
        "named": is_named,
        "tagged": is_named & is_tagged,
        "inside": is_inside,
        "inside_tagged": is_inside & is_tagged,
    }
    totals = {name: int(mask.sum()) for name, mask in masks.items()}
    rate = totals["tagged"] / totals["named"] if totals["named"] else None
    return {"tag": tag} | totals | {"rate": rate, "frequency": float(is_tagged.mean())}


def _build_word_start_pattern(tag: str) -> str:
    """Return a pattern for the tag's name at the start of a word, with or without separators between its letters."""
    return r"(?<!\w)" + r"[\s_-]*".join(re.escape(letter) for letter in format_tag_name(tag)[1])


def _describe_labels(always_rows: list[dict[str, Any]], tag_count: int, is_rule_made: bool) -> str:
    if not always_rows:
        return "No tag is given wherever its name stands in the text: nothing says that rules made the labels."
    named, inside = (sum(row[key] for row in always_rows) for key in ("named", "inside"))
    text = (
        f"{len(always_rows)} of {tag_count} tags are given whenever their name stands in the text ({named} of {named}"
    )
    text += f", {inside} of them only within another word)" if inside else ")"
    if not is_rule_made:
        return f"{text}, most others are not: the labels do not look rule-made."
    return f"{text}: the labels look rule-made, and scores measure how well rules are recovered."
