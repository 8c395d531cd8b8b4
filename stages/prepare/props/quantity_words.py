"""Quantity words: one word for each quantity, or sum of several, however the feeds spell it."""

import re

from stages.prepare.props.sports import SPORTS

ABBREVIATIONS = {"pra": "points+rebounds+assists", "pr": "points+rebounds", "pa": "points+assists"}
ABBREVIATIONS |= {"ra": "rebounds+assists", "bs": "blocks+steals", "sb": "blocks+steals", "stocks": "blocks+steals"}
PREFIXES, SUFFIXES = ("player ", "pitcher ", "batter "), (" alternate", " alt", " over under")
WORD_OF = {
    synonym: column.name
    for sport in reversed(SPORTS.values())
    for column in sport.stats
    for synonym in (column.name, column.name.replace("_", " "), *sport.words.get(column.name, ()))
}


def normalize_quantity(text: str) -> str:
    """Return our word for a quantity; the parts of a sum are sorted, and a word that nobody knows stays as it is.

    >>> [normalize_quantity(text) for text in ("player_points", "PTS+REB+AST", "Points + Assists", "Kicks")]
    ['points', 'assists+points+rebounds', 'assists+points', 'kicks']
    """
    words = " ".join(re.sub(r"[_\-.]", " ", text.casefold()).split())
    for prefix in PREFIXES:
        words = words.removeprefix(prefix)
    for suffix in SUFFIXES:
        words = words.removesuffix(suffix)
    words = ABBREVIATIONS.get(words, words)
    parts = [WORD_OF.get(part.strip(), part.strip()) for part in re.split(r"\+|&|,|\band\b", words)]
    if len(parts) == 1 and parts[0] not in WORD_OF and all(word in WORD_OF for word in words.split()):
        parts = [WORD_OF[word] for word in words.split()]  # the feeds also write points_rebounds_assists
    return "+".join(sorted(parts))
