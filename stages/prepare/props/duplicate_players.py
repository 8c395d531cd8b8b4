"""Duplicate players: one who stands twice in his games, under two ids, because two sources were joined."""

from collections.abc import Sequence

import pandas as pd

from trueline.core.tables.row_filters import Flags

SIDE = ["game_id", "team"]
LEAST_GAMES = 3  # in which two ids have one box score
LEAST_PAIRS = 5  # of ids with so many games, from which on one game is enough
LEAST_AGREEMENT = 0.9  # share of the games that both ids have


def flag_duplicate_players(rows: pd.DataFrame, box_score: Sequence[str]) -> Flags:
    """Return True for rows of an id that has the box scores of another id of its team, in nearly all games of both.

    Of two such ids the one with fewer rows is flagged, else the later by letters. `box_score` are the columns that must
    agree; rows without any positive count among them are no evidence.
    """
    flags = pd.Series(False, rows.index)
    signature = [*SIDE, *box_score]
    has_counts = rows[list(box_score)].drop(columns="minutes", errors="ignore").gt(0).any(axis=1)
    alike = rows[has_counts & pd.util.hash_pandas_object(rows[signature], index=False).duplicated(keep=False)]
    if alike.empty:
        return flags
    pairs = _pair_players(alike, signature).value_counts().rename("agreeing").reset_index()
    ids = {*pairs["player_id"], *pairs["player_id_other"]}
    together = _pair_players(rows[rows["player_id"].isin(ids) & has_counts], SIDE).value_counts().rename("shared")
    pairs = pairs.merge(together.reset_index(), on=["player_id", "player_id_other"])
    is_certain = (pairs["agreeing"] >= LEAST_GAMES) & (pairs["agreeing"] >= LEAST_AGREEMENT * pairs["shared"])
    if is_certain.sum() >= LEAST_PAIRS:  # two sources were joined: players of few games are told twice, too
        is_certain |= pairs["agreeing"] == pairs["shared"]
    pairs = pairs[is_certain]
    row_counts = rows["player_id"].value_counts()
    is_first_shorter = pairs["player_id"].map(row_counts) < pairs["player_id_other"].map(row_counts)
    duplicate_ids = pairs["player_id_other"].mask(is_first_shorter, pairs["player_id"])
    return flags | rows["player_id"].isin(duplicate_ids)


def _pair_players(rows: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Return the pairs of players who share a value of the key, once for each value."""
    players = rows[[*key, "player_id"]].drop_duplicates()
    pairs = players.merge(players, on=list(key), suffixes=("", "_other"))
    return pairs.loc[pairs["player_id"] < pairs["player_id_other"], ["player_id", "player_id_other"]]
