"""Errors about bad input, each reported as one sentence."""

from collections.abc import Iterable
from difflib import get_close_matches

# settings and values that had another name before the first release
RENAMED = {
    "teacher": "soft_label",
    "floor": "baseline",
    "rivals": "comparison",
    "at_off": "at_start",
    "yardstick": "evaluation_only",
    "ladder": "baselines",
    "twin_similarity": "near_duplicate_similarity",
    "twin_words": "near_duplicate_words",
    "twin_share": "equal_inputs_share",
}


class UserError(ValueError):
    """Bad input, reported as one sentence: what came, what is allowed, what to do."""


class EngineError(UserError):
    """The engine that spreads the work over processes failed, not the work: nothing is learned about the data."""


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return a hint with the allowed name most similar to `name`, if there is one, and the list of allowed names.

    >>> did_you_mean("plat", ["platt", "none"])
    "did you mean 'platt'? Allowed: none, platt."
    >>> did_you_mean("teacher", ["soft_label", "l2"])
    "'teacher' is now 'soft_label'. Allowed: l2, soft_label."
    """
    allowed_names = sorted(allowed)
    if RENAMED.get(name) in allowed_names:
        return f"{name!r} is now {RENAMED[name]!r}. Allowed: {', '.join(allowed_names)}."
    near_names = get_close_matches(name, allowed_names, n=1, cutoff=0.6)
    hint = f"did you mean {near_names[0]!r}? " if near_names else ""
    return f"{hint}Allowed: {', '.join(allowed_names) or 'nothing'}."
