"""Text warnings: what a caller should know about a posted text before trusting the chances of its tags."""

from typing import Any

from trueline.core.text.words import find_words

CHECKED_LETTERS = 400  # of a text whose words are looked up: some 60 words in 10 µs
MIN_KNOWN_SHARE = 0.5  # of the words; of ordinary texts, even of a title alone, more are known


def collect_known_words(trained: Any) -> frozenset[str]:
    """Return the words that a learner's model has learned from; empty if its learner keeps no vocabulary."""
    if hasattr(trained, "terms"):
        return frozenset(term for term in trained.terms.get("word", {}).get("terms", ()) if " " not in term)
    return frozenset(getattr(trained, "vocabulary", ()))


def list_text_warnings(text: str, known_words: frozenset[str], max_letters: int | None = None) -> list[str]:
    """Return a sentence for each thing that is unusual about a text, of which a model reads `max_letters` at most.

    These are words that the model has not learned from, no words at all, and a text that is cut.
    """
    tokens = find_words(text[:CHECKED_LETTERS].lower())
    warnings = []
    known_count = sum(map(known_words.__contains__, tokens))
    if not tokens:
        warnings.append("The text has no words; do not rely on the chances.")
    elif known_words and known_count == 0:
        warnings.append("The model has learned from none of the words; do not rely on the chances.")
    elif known_words and known_count < MIN_KNOWN_SHARE * len(tokens):
        beginning = "first " if len(text) > CHECKED_LETTERS else ""
        warnings.append(
            f"The model has learned from {known_count} of the {beginning}{len(tokens)} words; the text may be in "
            "another language, or about other things."
        )
    if max_letters is not None and len(text) > max_letters:
        warnings.append(f"The text has {len(text):,} letters; the model reads the first {max_letters:,}.")
    return warnings
