"""Mentions: which tags a text names itself."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

SAYS = "says:"  # opens the name of the 0/1 column of each tag
SEPARATORS = re.compile(r"[\s_-]+")
PHRASE = re.compile(r"\w+(?: \w+)*")
RUN = 3  # words that may spell one tag: drum n bass for drumnbass


def says(texts: Sequence[str], tags: Sequence[str]) -> dict[str, list[float]]:
    """Return `says:<tag>` → a number a text: 1 where the tag's own name stands in it, else 0.

    Case counts for nothing. The name may stand within a word (`art` in party); blanks, hyphens and underscores of the
    name may be written, changed or left out (hip-hop, hip hop, hiphop), but a name of one piece may be written in
    pieces only if whole words, at most three, spell it: `art` is not in bar tonight. No list of synonyms is used.
    """
    told = [stands(text, tags) for text in texts]
    return {SAYS + tag: [one[place] for one in told] for place, tag in enumerate(tags)}


def stands(text: str, tags: Sequence[str]) -> list[float]:
    """Return a number a tag: what `says` tells of one text."""
    words = text.lower().replace("_", " ").replace("-", " ").split()  # as SEPARATORS part them, in a third of the time
    spaced, tight, runs = " ".join(words), "".join(words), None
    found = []
    for own, shut in map(_forms, tags):
        hit = bool(shut) and (own in spaced or shut in spaced)
        if not hit and shut and shut in tight:  # else no words spell it
            runs = _runs(spaced) if runs is None else runs
            hit = shut in runs
        found.append(float(hit))
    return found


def in_one(fields: Iterable[str]) -> str:
    """Return the fields of a row as the one text in which names are looked for; none runs into the next."""
    return " . ".join(fields)


@lru_cache(maxsize=4096)
def _forms(tag: str) -> tuple[str, str]:
    """Return a tag's name in lower case, its pieces parted by a blank, and by nothing."""
    return SEPARATORS.sub(" ", tag.lower()).strip(), SEPARATORS.sub("", tag.lower())


def _runs(spaced: str) -> set[str]:
    """Return what two or three words in a row spell."""
    runs: set[str] = set()
    for phrase in PHRASE.findall(spaced):
        words = phrase.split(" ")
        for length in range(2, RUN + 1):
            runs.update(map("".join, zip(*(words[start:] for start in range(length)), strict=False)))
    return runs
