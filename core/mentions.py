"""Mentions: which tags a text names itself."""

import re
from collections.abc import Sequence

import pandas as pd

SAYS = "says:"  # opens the name of the 0/1 column of each tag
SEPARATORS = re.compile(r"[\s_-]+")
PHRASE = re.compile(r"\w+(?: \w+)*")
RUN = 3  # words that may spell one tag: drum n bass for drumnbass


def says(texts: Sequence[str], tags: Sequence[str]) -> pd.DataFrame:
    """Return texts × `says:<tag>`: 1 where the tag's own name stands in the text, else 0.

    Case counts for nothing. The name may stand within a word (`art` in party); blanks, hyphens and underscores of the
    name may be written, changed or left out (hip-hop, hip hop, hiphop), but a name of one piece may be written in
    pieces only if whole words, at most three, spell it: `art` is not in bar tonight. No list of synonyms is used.
    """
    told = [_told(text) for text in texts]
    return pd.DataFrame({SAYS + tag: _flags(told, tag.lower()) for tag in tags}, index=range(len(told)), dtype=float)


def _flags(told: list[tuple[str, set[str]]], tag: str) -> list[float]:
    spaced, shut = SEPARATORS.sub(" ", tag).strip(), SEPARATORS.sub("", tag)
    if not shut:
        return [0.0] * len(told)
    return [float(spaced in text or shut in text or shut in runs) for text, runs in told]


def _told(text: str) -> tuple[str, set[str]]:
    """Return a text in lower case, its hyphens as blanks, and what two or three of its words in a row spell."""
    spaced = SEPARATORS.sub(" ", text.lower())
    runs: set[str] = set()
    for phrase in PHRASE.findall(spaced):
        words = phrase.split(" ")
        for length in range(2, RUN + 1):
            runs.update("".join(words[start : start + length]) for start in range(len(words) - length + 1))
    return spaced, runs
