"""Text warnings: what a caller should know about a posted text before trusting the chances of its tags."""

from typing import Any

from trueline.core.models.text.tfidf import TokenCache
from trueline.core.text.words import find_words

CHECKED_LETTERS = 400  # of a text whose words are looked up: some 60 words in 10 µs
MAX_CACHED_TOKENS = 10_000  # pieces of text between blanks, some 1 MB
MIN_KNOWN_SHARE = 0.5  # of the words; of ordinary texts, even of a title alone, more are known


def collect_known_words(trained: Any) -> frozenset[str]:
    """Return the words that a learner's model knows, of texts or by vectors; empty if its learner keeps none."""
    if hasattr(trained, "terms"):
        vectors = getattr(trained, "vectors", None)
        terms = (term for term in trained.terms.get("word", {}).get("terms", ()) if " " not in term)
        return frozenset(terms).union(vectors.words if vectors else ())
    return frozenset(getattr(trained, "vocabulary", ()))


class TextChecker:
    """Says what is unusual about a text, of which a model reads `max_letters` at most and knows some words."""

    def __init__(self, known_words: frozenset[str], max_letters: int | None = None) -> None:
        self._known_words, self._max_letters = known_words, max_letters
        self._balances = TokenCache(self._compute_balance, MAX_CACHED_TOKENS, CHECKED_LETTERS)

    def list_warnings(self, text: str) -> list[str]:
        """Return a sentence for each thing that is unusual.

        These are words that the model has not learned from, no words at all, and a text that is cut.
        """
        checked_text = text[:CHECKED_LETTERS].lower()
        are_most_known = sum(map(self._balances.__getitem__, checked_text.split())) > 0
        warnings = [] if are_most_known else self._describe_words(find_words(checked_text), len(text))
        if self._max_letters is not None and len(text) > self._max_letters:
            warnings.append(f"The text has {len(text):,} letters; the model reads the first {self._max_letters:,}.")
        return warnings

    def _compute_balance(self, token: str) -> int:
        """Return how many more words of a piece of text between blanks are known than are not."""
        return sum(1 if name in self._known_words else -1 for name in find_words(token))

    def _describe_words(self, tokens: list[str], letters: int) -> list[str]:
        known_count = sum(map(self._known_words.__contains__, tokens))
        if not tokens:
            return ["The text has no words; do not rely on the chances."]
        if not self._known_words or known_count >= MIN_KNOWN_SHARE * len(tokens):
            return []
        if known_count == 0:
            return ["The model has learned from none of the words; do not rely on the chances."]
        beginning = "first " if letters > CHECKED_LETTERS else ""
        return [
            f"The model has learned from {known_count} of the {beginning}{len(tokens)} words; the text may be in "
            "another language, or about other things."
        ]
