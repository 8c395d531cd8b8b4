"""Player matching: the players of lines and logs under the ids of the box scores, whatever form their names take."""

import re
import unicodedata
from collections.abc import Iterable

import pandas as pd

NAME_SUFFIXES = {"jr", "sr", "ii", "iii", "iv", "v"}
TEAM_BEHIND_NAME = re.compile(r"(?<=\S)\s*[(\[][^()\[\]]*[)\]]\s*$")
MOST_UNKNOWN_LISTED = 10


def match_players(names: pd.Series, games: pd.DataFrame) -> pd.Series:
    """Return the ids in `games` of players who are named by id or by name; a name that fits nobody stays as it is.

    `games` has the columns `player_id` and `player`. An id or a name that is not found as it is counts in its normal
    form, as long as that form belongs to one player only.
    """
    known_ids = set(games["player_id"].dropna())
    unknown_names = [name for name in names.dropna().unique() if name not in known_ids]
    if not unknown_names:
        return names
    players = games[["player_id", "player"]].dropna(subset="player_id").drop_duplicates()
    pairs = [(player_id, player_id) for player_id in known_ids]
    pairs += players.dropna()[["player", "player_id"]].itertuples(index=False, name=None)
    ids_by_form = _index_forms((normalize_player(name), player_id) for name, player_id in pairs)
    ids_by_stem = _index_forms((_drop_suffix(normalize_player(name)), player_id) for name, player_id in pairs)
    found_ids = {}
    for name in unknown_names:
        form = normalize_player(_restore_order(name))
        candidates = ids_by_form.get(form) or ids_by_stem.get(_drop_suffix(form)) or set()
        if len(candidates) == 1:
            (found_ids[name],) = candidates
    return names.map(lambda name: found_ids.get(name, name))


def normalize_player(name: str) -> str:
    """Return the normal form of an id or a name: no case, accents, punctuation, team, leading zeros or ".0".

    >>> normalize_player("00201939.0"), normalize_player("Dončić,  L."), normalize_player("O’Neal")
    ('201939', 'doncic l', 'oneal')
    """
    plain = TEAM_BEHIND_NAME.sub("", name).replace("_", " ").strip()
    letters = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)).casefold()
    if number := re.fullmatch(r"0*(\d+)(?:\.0+)?", letters):
        return number[1]
    return " ".join(re.sub(r"[^\w\s]", "", letters.replace("-", " ")).split())


def count_unknown_players(rows: pd.DataFrame) -> dict[str, int]:
    """Return the commonest names in `entity` that are not `known_player`, with their numbers of rows."""
    counts = rows.loc[~rows["known_player"], "entity"].value_counts().head(MOST_UNKNOWN_LISTED)
    return {str(name): int(count) for name, count in counts.items()}


def _restore_order(name: str) -> str:
    """Return "Stone, Abel" as "Abel Stone"; "Stone, Jr." stays."""
    family_name, comma, given_name = name.partition(",")
    if not comma or "," in given_name or normalize_player(given_name) in {"", *NAME_SUFFIXES}:
        return name
    return f"{given_name} {family_name}"


def _drop_suffix(form: str) -> str:
    name_parts = form.split()
    return " ".join(name_parts[:-1] if len(name_parts) > 1 and name_parts[-1] in NAME_SUFFIXES else name_parts)


def _index_forms(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    ids_by_form: dict[str, set[str]] = {}
    for form, player_id in pairs:
        ids_by_form.setdefault(form, set()).add(player_id)
    return ids_by_form
