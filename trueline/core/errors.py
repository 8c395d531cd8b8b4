"""Refusals: bad input answered with one sentence."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """One sentence for the user: what came, what is allowed, what to do."""


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return "did you mean …?" where a near word exists, and the allowed words in any case."""
    allowed_names = sorted(allowed)
    near_names = get_close_matches(name, allowed_names, n=1, cutoff=0.6)
    hint = f"did you mean {near_names[0]!r}? " if near_names else ""
    return f"{hint}Allowed: {', '.join(allowed_names) or 'nothing'}."
