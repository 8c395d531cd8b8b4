"""Entity names: which players or runners of a card the history does not know, and which of its names are nearest."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches

NEAREST = 3  # names that are suggested
MAX_SUGGESTED = 50  # unknown names for which the nearest are searched: comparing names takes time


def describe_unknown_names(names: Mapping[str, str], history_names: Collection[str], kind: str) -> dict[str, str]:
    """Return a sentence for each key whose name is unknown, with the nearest known names, if there are any.

    >>> describe_unknown_names({"ROVER": "ROVER", "BELLE": "BELLE"}, ["BELLE", "ROVER BOY", "DOVER"], "runner")
    {'ROVER': "unknown runner 'ROVER', without past; nearest: DOVER, ROVER BOY"}
    """
    known_names = set(history_names)
    sentences: dict[str, str] = {}
    for key, name in names.items():
        if name in known_names:
            continue
        nearest = get_close_matches(name, history_names, n=NEAREST) if len(sentences) < MAX_SUGGESTED else []
        hint = f"; nearest: {', '.join(nearest)}" if nearest else ""
        sentences[key] = f"unknown {kind} {name!r}, without past{hint}"
    return sentences
