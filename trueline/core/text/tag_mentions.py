"""Tag mentions: which tags a text names itself."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from trueline.core.text.cleaning import clean_text

MENTION_PREFIX = "says:"  # begins the name of each tag's 0/1 column
SEPARATORS = re.compile(r"[\s_-]+")
PHRASE_PATTERN = re.compile(r"\w+(?: \w+)*")
MAX_SPELLING_WORDS = 3  # words that may spell one tag together: drum n bass for drumnbass


def build_mention_columns(texts: Sequence[str], tags: Sequence[str]) -> dict[str, list[float]]:
    """Return `says:<tag>` → one number per text: 1 if it contains the tag's own name, else 0.

    Case is ignored. The name may be part of a word (`art` in party); blanks, hyphens and underscores of the name may be
    written, changed or left out (hip-hop, hip hop, hiphop), but a name of one piece may be written in pieces only if
    whole words, at most three, spell it: `art` is not in bar tonight. No list of synonyms is used.

    >>> build_mention_columns(["Hip hop party"], ["hip-hop", "art", "jazz"])
    {'says:hip-hop': [1.0], 'says:art': [1.0], 'says:jazz': [0.0]}
    """
    mentions_by_text = [find_mentions(text, tags) for text in texts]
    return {
        MENTION_PREFIX + tag: [mentions[tag_index] for mentions in mentions_by_text]
        for tag_index, tag in enumerate(tags)
    }


def find_mentions(text: str, tags: Sequence[str]) -> list[float]:
    """Return one number per tag: what `build_mention_columns` gives for one text."""
    lower_text, spaced_text, word_runs = text.lower(), None, None
    unspaced_text = _remove_separators(lower_text)
    mentions = [0.0] * len(tags)
    for index, (spaced_name, unspaced_name) in enumerate(_format_tag_names(tuple(tags))):
        if not unspaced_name or unspaced_name not in unspaced_text:  # then no words spell it, however separated
            continue
        if unspaced_name in lower_text:  # no separator is in either
            mentions[index] = 1.0
            continue
        spaced_text = " ".join(_split_words(lower_text)) if spaced_text is None else spaced_text
        is_mentioned = spaced_name in spaced_text
        if not is_mentioned:
            word_runs = _join_word_runs(spaced_text) if word_runs is None else word_runs
            is_mentioned = unspaced_name in word_runs
        mentions[index] = float(is_mentioned)
    return mentions


def join_fields(fields: Iterable[str]) -> str:
    """Return a row's fields as one text to search for names, separated so that no name spans two fields."""
    return " . ".join(fields)


@lru_cache(maxsize=4096)
def format_tag_name(tag: str) -> tuple[str, str]:
    """Return a tag's name as clean texts in lower case spell it, with blanks between its pieces and without."""
    name = clean_text(tag).lower()
    return SEPARATORS.sub(" ", name).strip(), SEPARATORS.sub("", name)


@lru_cache(maxsize=16)
def _format_tag_names(tags: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(map(format_tag_name, tags))


def _split_words(lower_text: str) -> list[str]:
    """Return what stands between separators, as SEPARATORS splits it, in a third of the time."""
    return lower_text.replace("_", " ").replace("-", " ").split()


def _remove_separators(lower_text: str) -> str:
    if lower_text.isprintable():  # the blank is its only white space; so it takes a third of the time
        return lower_text.replace("_", "").replace("-", "").replace(" ", "")
    return "".join(_split_words(lower_text))


def _join_word_runs(spaced_text: str) -> set[str]:
    """Return what any two or three consecutive words spell together."""
    word_runs: set[str] = set()
    for phrase in PHRASE_PATTERN.findall(spaced_text):
        phrase_words = phrase.split(" ")
        for length in range(2, MAX_SPELLING_WORDS + 1):
            word_runs.update(map("".join, zip(*(phrase_words[start:] for start in range(length)), strict=False)))
    return word_runs
