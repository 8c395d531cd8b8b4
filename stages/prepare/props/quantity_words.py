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
    """Return our term for a quantity; the stats of a sum are sorted, and a term that nobody knows stays as it is.

    >>> [normalize_quantity(text) for text in ("player_points", "PTS+REB+AST", "Points + Assists", "Kicks")]
    ['points', 'assists+points+rebounds', 'assists+points', 'kicks']
    """
    phrase = " ".join(re.sub(r"[_\-.]", " ", text.casefold()).split())
    for prefix in PREFIXES:
        phrase = phrase.removeprefix(prefix)
    for suffix in SUFFIXES:
        phrase = phrase.removesuffix(suffix)
    phrase = ABBREVIATIONS.get(phrase, phrase)
    stats = [WORD_OF.get(stat.strip(), stat.strip()) for stat in re.split(r"\+|&|,|\band\b", phrase)]
    if len(stats) == 1 and stats[0] not in WORD_OF and all(term in WORD_OF for term in phrase.split()):
        stats = [WORD_OF[term] for term in phrase.split()]  # the feeds also write points_rebounds_assists
    return "+".join(sorted(stats))
