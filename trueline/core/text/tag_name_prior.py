"""Tag-name prior: how much a tag's own name in the text says about the tag, learned over all tags at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trueline.core.errors import UserError
from trueline.core.models import model_json
from trueline.core.text.tag_mentions import MENTION_PREFIX
from trueline.core.text.vocabulary import TEXT_INPUT

if TYPE_CHECKING:  # the service needs the names, but no tables
    import pandas as pd

    from trueline.core.splits.fold_data import Floats, FoldData

MIN_NAME_PROBABILITY = 0.003  # neither does a name settle its tag, nor its absence rule it out, more surely than this


def require_tagged_rows(rows: FoldData, plugin_name: str) -> None:
    """Raise UserError if there are no rows or no tags."""
    if not rows.tags or not len(rows.y):
        raise UserError(f"{plugin_name} needs rows with tags, but got {len(rows.y)} rows with {len(rows.tags)} tags.")


def get_name_mentions(x: pd.DataFrame, tags: tuple[str, ...] | list[str]) -> Floats:
    """Return rows × tags: 1 where the text contains the tag's own name, 0 where it does not or nothing is known."""
    columns = [MENTION_PREFIX + tag for tag in tags]
    mentions: Floats = x.reindex(columns=columns, fill_value=0).to_numpy(float)
    return np.nan_to_num(mentions)


def compute_tag_prior(y: Floats, weight: Floats) -> Floats:
    """Return each tag's log-odds with half a row added on either side (Jeffreys 1946), so that none is infinite."""
    tag_weight = weight @ y
    return np.asarray(np.log(tag_weight + 0.5) - np.log(weight.sum() - tag_weight + 0.5))


def fit_name_evidence(has_name: Floats, y: Floats, weight: Floats, shrinkage: float) -> Floats:
    """Return 2 × tags: what to add to a tag's log-odds where the text lacks its name, and where it contains it.

    A tag's rate among the rows with its name is shrunk toward the rate among all names of all tags, with the weight of
    `shrinkage` rows, because a rare tag has few rows and names work alike; its rate among the other rows is shrunk
    toward its rate among all rows. `has_name` and `y` are rows × tags of 0 and 1. All zeros if no row has any name.
    """
    if not has_name.any():
        return np.zeros((2, y.shape[1]))
    base_rate = (weight @ y + 0.5) / (weight.sum() + 1)
    hits, names = weight @ (y * has_name), weight @ has_name
    name_rate = (hits.sum() + 1) / (names.sum() + 2)
    with_name = (hits + shrinkage * name_rate) / (names + shrinkage)
    without_name = (weight @ (y * (1 - has_name)) + shrinkage * base_rate) / (weight @ (1 - has_name) + shrinkage)
    return np.asarray(
        [
            _compute_clipped_log_odds(without_name) - _compute_clipped_log_odds(base_rate),
            _compute_clipped_log_odds(with_name) - _compute_clipped_log_odds(base_rate),
        ]
    )


def lookup_name_evidence(has_name: Floats, name_evidence: Floats) -> Floats:
    """Return rows × tags of log-odds to add to those from the rest of the text."""
    return np.asarray(np.where(has_name > 0, name_evidence[1], name_evidence[0]))


def compute_tag_importance(rows: FoldData, text_move: float, name_moves: Floats) -> dict[str, float]:
    """Return input → share of how far the text and each tag's name move the scores; 0 for all other inputs."""
    moves = dict.fromkeys(map(str, rows.x.columns), 0.0) | {TEXT_INPUT: text_move}
    for tag, value in zip(rows.tags, name_moves.tolist(), strict=True):
        if MENTION_PREFIX + tag in moves:
            moves[MENTION_PREFIX + tag] = value
    return model_json.compute_importance(list(moves.values()), moves)


def _compute_clipped_log_odds(p: Floats) -> Floats:
    clipped = np.clip(p, MIN_NAME_PROBABILITY, 1 - MIN_NAME_PROBABILITY)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))
