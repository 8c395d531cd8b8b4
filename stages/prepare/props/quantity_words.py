"""Quantity words: one word for each quantity, or sum of several, however the feeds spell it."""

import re

WORDS = {
    "points": ("pts", "pt", "point", "points scored"),
    "rebounds": ("reb", "rebs", "rebound", "total rebounds", "trb"),
    "assists": ("ast", "asts", "assist"),
    "steals": ("stl", "stls", "steal"),
    "blocks": ("blk", "blks", "block", "blocked shots"),
    "turnovers": ("tov", "to", "turnover", "tos"),
    "fg3m": ("threes", "3pm", "3ptm", "3pt made", "3 pt made", "three pointers made", "3 pointers made", "threes made"),
}
ABBREVIATIONS = {"pra": "points+rebounds+assists", "pr": "points+rebounds", "pa": "points+assists"}
ABBREVIATIONS |= {"ra": "rebounds+assists", "bs": "blocks+steals", "sb": "blocks+steals", "stocks": "blocks+steals"}
PREFIX, SUFFIXES = "player ", (" alternate", " alt", " over under")
WORD_OF = {synonym: word for word, synonyms in WORDS.items() for synonym in (word, *synonyms)}


def normalize_quantity(text: str) -> str:
    """Return our word for a quantity; the parts of a sum are sorted, and a word that nobody knows stays as it is.

    >>> [normalize_quantity(text) for text in ("player_points", "PTS+REB+AST", "Points + Assists", "Kicks")]
    ['points', 'assists+points+rebounds', 'assists+points', 'kicks']
    """
    words = " ".join(re.sub(r"[_\-.]", " ", text.casefold()).split()).removeprefix(PREFIX)
    for suffix in SUFFIXES:
        words = words.removesuffix(suffix)
    words = ABBREVIATIONS.get(words, words)
    parts = [WORD_OF.get(part.strip(), part.strip()) for part in re.split(r"\+|&|,|\band\b", words)]
    if len(parts) == 1 and parts[0] not in WORD_OF and all(word in WORD_OF for word in words.split()):
        parts = [WORD_OF[word] for word in words.split()]  # the feeds also write points_rebounds_assists
    return "+".join(sorted(parts))
