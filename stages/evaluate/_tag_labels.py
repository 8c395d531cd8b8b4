"""Rule-made labels: whether a tag is always given where its name stands in the text, as a keyword rule would."""

import re
from typing import Any

import numpy as np
import pandas as pd

from core.mentions import SAYS, SEPARATORS
from stages.evaluate._tag_board import TARGET

TEXTS = ["name", "description", "location"]
MAJORITY = 0.5  # share of the judged tags


def labels(prepared: pd.DataFrame, tags: list[str], least: int) -> dict[str, Any]:
    """Return for each tag how many texts hold its name and how many of those have the tag, and what that looks like.

    `inside` counts texts in which the name stands only behind other letters of a word (`art` in party), where a reader
    would hardly see it. A tag is `always` given if all texts that hold its name have it; judged are tags that at least
    `least` texts name, and of which chance alone would leave one such text without. Labels look rule-made where at
    least half the judged tags are always given. Cut texts and synonyms hide rules, and careful people too may tag all
    that says the name: it is a sign, no proof.
    """
    texts = prepared[TEXTS].agg(" . ".join, axis=1)
    found = [_tag(prepared, texts, tag) for tag in tags]
    judged = [row for row in found if row["named"] >= least and row["named"] * (1 - row["frequency"]) >= 1]
    always = [row for row in judged if row["tagged"] == row["named"]]
    made = bool(judged) and len(always) >= MAJORITY * len(judged)
    return {
        "tags": found,
        "always": [row["tag"] for row in always],
        "judged": len(judged),
        "look_rule_made": made,
        "sentence": _sentence(always, len(tags), made),
    }


def _tag(prepared: pd.DataFrame, texts: pd.Series, tag: str) -> dict[str, Any]:
    named, tagged = (prepared[opening + tag].to_numpy() > 0 for opening in (SAYS, TARGET))
    inside = np.zeros(len(named), bool)
    inside[named] = ~texts[named].str.contains(_opening_a_word(tag), case=False, regex=True).to_numpy(bool)
    counts = {"named": named, "tagged": named & tagged, "inside": inside, "inside_tagged": inside & tagged}
    sums = {name: int(part.sum()) for name, part in counts.items()}
    rate = sums["tagged"] / sums["named"] if sums["named"] else None
    return {"tag": tag} | sums | {"rate": rate, "frequency": float(tagged.mean())}


def _opening_a_word(tag: str) -> str:
    """Return a pattern for the tag's name where no letter stands before it, its pieces written together or apart."""
    return r"(?<!\w)" + r"[\s_-]*".join(re.escape(letter) for letter in SEPARATORS.sub("", tag))


def _sentence(always: list[dict[str, Any]], tags: int, made: bool) -> str:
    if not always:
        return "No tag is given wherever its name stands in the text: nothing says that rules made the labels."
    named, inside = (sum(row[part] for row in always) for part in ("named", "inside"))
    said = f"{len(always)} of {tags} tags are given whenever their name stands in the text ({named} of {named}"
    said += f", {inside} of them only within another word)" if inside else ")"
    if not made:
        return f"{said}, most others are not: the labels do not look rule-made."
    return f"{said}: the labels look rule-made, and scores measure how well rules are recovered."
