"""Refusals: bad input answered with one sentence."""

from collections.abc import Iterable
from difflib import get_close_matches


class Refusal(ValueError):
    """One sentence for the user: what came, what is allowed, what to do."""


def suggest(word: str, allowed: Iterable[str]) -> str:
    """Return "did you mean …?" where a near word exists, and the allowed words in any case."""
    words = sorted(allowed)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Allowed: {', '.join(words) or 'nothing'}."
