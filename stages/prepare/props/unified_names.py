"""Unified names: one spelling each of teams, of seasons, and of players whose ids are names."""

import re

import pandas as pd

from trueline.core.tables.name_forms import unify_spellings

PLACE_IN_FRONT = re.compile(r"(?:vs\.?\s+|@\s*|at\s+)(?P<team>.+)", re.IGNORECASE)
SEASON = re.compile(r"(\d{4})\s*[-/–]\s*(?:\d{2})?(\d{2})")  # 2022-23, 2022/23 and 2022-2023 are one


def unify_names(games: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the raw games with the commonest spelling of each name, and a sentence for each column that had several.

    An id with a digit in it stays as it is: its case may mean something.
    """
    unified: dict[str, pd.Series] = {}
    if {"team", "opponent"} <= set(games):
        opponents = _drop_places(_to_text(games["opponent"]), set(_to_text(games["team"])))
        teams = unify_spellings(pd.concat([_to_text(games["team"]), opponents], ignore_index=True))
        unified["team"] = teams.iloc[: len(games)].set_axis(games.index)
        unified["opponent"] = teams.iloc[len(games) :].set_axis(games.index)
    if "player_id" in games and not pd.api.types.is_numeric_dtype(games["player_id"]):
        ids = _to_text(games["player_id"])
        is_name = ids.map(lambda name: isinstance(name, str) and not any(map(str.isdigit, name))).astype(bool)
        unified["player_id"] = unify_spellings(ids.where(is_name)).fillna(ids)
    if "season" in games and not pd.api.types.is_numeric_dtype(games["season"]):
        unified["season"] = _unify_seasons(_to_text(games["season"]))
    notes = []
    for name, values in unified.items():
        cells = _to_text(games[name])
        is_changed = cells.notna() & (values != cells)
        if is_changed.any():
            row = is_changed.index[is_changed][0]
            notes.append(
                f"games: {name} is spelt in several ways in {int(is_changed.sum()):,} rows, for example {cells[row]!r} "
                f"for {values[row]!r}; they count as one"
            )
    return games.assign(**unified), notes


def _drop_places(opponents: pd.Series, teams: set[object]) -> pd.Series:
    """Return opponents without "vs" or "@" in front, if what is behind it is a team."""
    plain_names = {
        text: match["team"]
        for text in opponents.dropna().unique()
        if text not in teams and (match := PLACE_IN_FRONT.fullmatch(text)) and match["team"] in teams
    }
    return opponents.replace(plain_names) if plain_names else opponents


def _unify_seasons(seasons: pd.Series) -> pd.Series:
    """Return seasons in the commonest spelling of each pair of years."""
    years = {text: match.groups() for text in seasons.dropna().unique() if (match := SEASON.fullmatch(text.strip()))}
    counts = seasons[seasons.isin(list(years))].value_counts()
    spelling: dict[tuple[str, ...], str] = {}
    for text in counts.index:
        spelling.setdefault(years[text], text)
    return seasons.map(lambda text: spelling.get(years.get(text, ()), text), na_action="ignore")


def _to_text(values: pd.Series) -> pd.Series:
    return values.astype("string").str.strip().astype(object).where(values.notna(), None)
