"""The table of tags: how often each is given, how well it is found, and whether it can be learned at all."""

from typing import Any

import numpy as np
import pandas as pd

from core.races import Floats
from stages.evaluate._tag_board import TARGET, Board
from stages.evaluate._tag_draws import Draws
from stages.evaluate._tag_ladder import Judged, decided

OUTCOMES = {"hit": "tp", "missed": "fn", "wrong": "fp", "left alone": "tn"}


def table(board: Board, prepared: pd.DataFrame, judged: dict[str, Judged], draws: Draws, least: int) -> list[Any]:
    """Return a row per tag, the commonest first: support, figures of the tuned arm beside the floor, and counts.

    `rows` and `clusters` are scored ones that have the tag. F1 has an interval where the tag is true or given in at
    least FEWEST clusters. `not_learnable` says why of all prepared rows: it is on each or none, or in fewer than
    `least` clusters. tp, fp, fn and tn are of one repeat, in the mean.
    """
    parts = outcomes(board)
    clusters = (draws.of_clusters(board.truth) > 0).sum(axis=0)
    told = (draws.of_clusters(board.truth + board.arms["tuned"].given.sum(axis=0)) > 0).sum(axis=0)
    reasons = _not_learnable(board.tags, prepared, least)
    rows = []
    for number in np.argsort(-board.truth.sum(axis=0), kind="stable"):
        tag, own = board.tags[number], board.truth[:, number]
        support = {"tag": tag, "rows": int(own.sum()), "clusters": int(clusters[number]), "share": float(own.mean())}
        counts = {name: float(part[number]) for name, part in parts.items()}
        figures = _figures(judged, draws, int(number), int(told[number]))
        rows.append(support | {"not_learnable": reasons[tag]} | figures | counts)
    return rows


def outcomes(board: Board) -> dict[str, Floats]:
    """Return tp, fp, fn and tn of every tag for the tuned arm, in the mean of repeats."""
    given, true = board.arms["tuned"].given.mean(axis=0), board.truth
    sums = {"tp": true * given, "fp": (1 - true) * given, "fn": true * (1 - given), "tn": (1 - true) * (1 - given)}
    return {name: part.sum(axis=0) for name, part in sums.items()}


def frequencies(prepared: pd.DataFrame, tags: list[str]) -> pd.DataFrame:
    """Return for each tag, the commonest first, how many of all prepared rows have it and what share."""
    given = prepared[[TARGET + tag for tag in tags]].to_numpy(np.float64)
    found = pd.DataFrame({"tag": tags, "events": given.sum(axis=0).astype(int), "share": given.mean(axis=0)})
    return found.sort_values("events", ascending=False, kind="stable", ignore_index=True)


def _figures(judged: dict[str, Judged], draws: Draws, number: int, clusters: int) -> dict[str, Any]:
    own = {name: figure[:, number] for name, figure in judged["tuned"].tags.items()}
    figures: dict[str, Any] = {name: float(own[name][0]) for name in ("precision", "recall")}
    figures["f1"] = draws.interval(own["f1"], clusters)
    if "floor" in judged:
        floor = judged["floor"].tags["f1"][:, number]
        ahead = draws.interval(own["f1"] - floor, clusters)
        figures |= {"floor_f1": float(floor[0]), "tuned_minus_floor": ahead}
        figures["tuned_is"] = decided(ahead, ("better", "worse"))
    return figures


def _not_learnable(tags: list[str], prepared: pd.DataFrame, least: int) -> dict[str, str]:
    given = prepared[[TARGET + tag for tag in tags]].set_axis(tags, axis=1)
    rows, clusters = given.sum(), given.groupby(prepared["group"].to_numpy()).max().sum()
    return {tag: _reason(rows[tag], len(given), clusters[tag], least) for tag in tags}


def _reason(rows: float, of: int, clusters: float, least: int) -> str:
    if rows in (0, of):
        return "on every row" if rows else "on no row"
    return f"in fewer than {least} clusters" if clusters < least else ""
