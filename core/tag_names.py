"""Tag names: what it says of a tag that its own name stands in the text, learned over all tags at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core import models
from core.mentions import SAYS
from core.refusals import Refusal
from core.vocabulary import TEXT

if TYPE_CHECKING:  # the service needs the names, and no tables
    import pandas as pd

    from core.rows import Floats, Rows

RAREST = 0.003  # no name is taken to settle its tag more surely than this, nor its absence to rule it out


def check(rows: Rows, who: str) -> None:
    """Refuse rows without tags, or without a row."""
    if not rows.tags or not len(rows.y):
        raise Refusal(f"{who} learns tags from text, and was given {len(rows.y)} rows with {len(rows.tags)} tags.")


def said(x: pd.DataFrame, tags: tuple[str, ...] | list[str]) -> Floats:
    """Return rows × tags: 1 where the tag's own name stands in the text, 0 where it does not or nobody looked."""
    columns = [SAYS + tag for tag in tags]
    stands: Floats = x.reindex(columns=columns, fill_value=0).to_numpy(float)
    return np.nan_to_num(stands)


def prior(y: Floats, weight: Floats) -> Floats:
    """Return each tag's log-odds, half a row added on either side (Jeffreys 1946), so that none is infinite."""
    given = weight @ y
    return np.asarray(np.log(given + 0.5) - np.log(weight.sum() - given + 0.5))


def learn(name: Floats, y: Floats, weight: Floats, shrinkage: float) -> Floats:
    """Return 2 × tags: what to add to a tag's log-odds where its name does not stand in the text, and where it does.

    A tag's rate among the rows with its name is drawn toward the rate among all names of all tags, as `shrinkage` rows
    of that rate would draw it, for a rare tag's few rows tell little and names work alike; its rate among the other
    rows is drawn toward its rate among all. `name` and `y` are rows × tags of 0 and 1. Zeros where no row has any name.
    """
    if not name.any():
        return np.zeros((2, y.shape[1]))
    base = (weight @ y + 0.5) / (weight.sum() + 1)
    hits, names = weight @ (y * name), weight @ name
    rate = (hits.sum() + 1) / (names.sum() + 2)
    with_name = (hits + shrinkage * rate) / (names + shrinkage)
    without = (weight @ (y * (1 - name)) + shrinkage * base) / (weight @ (1 - name) + shrinkage)
    return np.asarray([_log_odds(without) - _log_odds(base), _log_odds(with_name) - _log_odds(base)])


def evidence(name: Floats, learned: Floats) -> Floats:
    """Return rows × tags of log-odds to add to what the text says without names."""
    return np.asarray(np.where(name > 0, learned[1], learned[0]))


def importance(rows: Rows, text: float, names: Floats) -> dict[str, float]:
    """Return input → share of what the text and the tags' names (one number each) move; 0 for all other inputs."""
    moved = dict.fromkeys(map(str, rows.x.columns), 0.0) | {TEXT: text}
    for tag, value in zip(rows.tags, names.tolist(), strict=True):
        if SAYS + tag in moved:
            moved[SAYS + tag] = value
    return models.shares(list(moved.values()), moved)


def _log_odds(p: Floats) -> Floats:
    kept = np.clip(p, RAREST, 1 - RAREST)
    return np.asarray(np.log(kept) - np.log1p(-kept))
