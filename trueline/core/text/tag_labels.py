"""Tag labels: the spelling of a tag as it was given, and the form in which several spellings are one tag."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from trueline.core.text.cleaning import INVISIBLE_PATTERN, decode_entities

MAX_CACHED_TAGS = 4096  # there are far fewer tags than rows
KEPT_JOINERS = "\u200c\u200d\ufe0e\ufe0f"  # invisible, but spelling in some scripts and in emoji
SEPARATORS_PATTERN = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")  # not in "A-", which is no "A"


@lru_cache(maxsize=MAX_CACHED_TAGS)
def clean_tag(label: str) -> str:
    """Return a tag as it was given, with entities decoded, single blanks and composed letters.

    Unlike a text, a tag keeps its punctuation, markup, emoji, case and accents: `c++` and `<html>` are tags.

    >>> clean_tag(" R&amp;B  &lt;live&gt; ")
    'R&B <live>'
    """
    visible = "".join(
        "" if character not in KEPT_JOINERS and INVISIBLE_PATTERN.match(character) else character
        for character in decode_entities(label)
    )
    return " ".join(unicodedata.normalize("NFC", visible).split())  # last: letters may have been torn by invisible ones


@lru_cache(maxsize=MAX_CACHED_TAGS)
def normalize_tag(label: str) -> str:
    """Return the form that the spellings of one tag share: case, width, and blanks, hyphens or underscores are lost.

    >>> normalize_tag("Hip-Hop") == normalize_tag("hip_hop") == normalize_tag("ＨＩＰ  hop")
    True
    """
    plain = INVISIBLE_PATTERN.sub("", unicodedata.normalize("NFKC", clean_tag(label))).casefold()
    separated = SEPARATORS_PATTERN.sub(" ", unicodedata.normalize("NFKC", plain))
    return " ".join(separated.split())  # an invisible joiner that went may have stood between two blanks


def choose_spellings(labels: Iterable[str]) -> dict[str, str]:
    """Return for each normalised tag its most frequent spelling; among equally frequent ones the last by code point.

    >>> choose_spellings(["Jazz", "jazz", "C++"])
    {'c++': 'C++', 'jazz': 'jazz'}
    """
    counts = Counter(labels)
    ranked = sorted(counts, key=lambda label: (counts[label], label))
    return dict(sorted({normalize_tag(label): label for label in ranked}.items()))
