"""Peer folds: what Trueline's learners see of each test fold, as files that any tool can read."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from trueline.core.splits.fold_data import FoldTables
from trueline.core.splits.walk_forward import list_folds

TARGET, GROUP = "peer target", "peer group"  # names of columns that no input has


class PeerFold(NamedTuple):
    """One test fold for a peer: its folder, the positions of its score rows in the task's tables, and its tags."""

    folder: Path
    table_position: np.ndarray
    tags: tuple[str, ...]  # empty for a task with one target


def write_peer_folds(tables: FoldTables, folder: Path) -> list[PeerFold]:
    """Write `fit.parquet` and `score.parquet` of every test fold into a folder of its own, and return them in order.

    The rows that Trueline fits and those that it calibrates on are one table, since a peer divides them as it likes;
    the score rows have inputs only. Targets are columns `peer target`, or `peer target:TAG`; `peer group` tells which
    rows belong together.
    """
    peer_folds = []
    for name in list_folds(tables.folds, "test"):
        fold = folder / name
        fold.mkdir(parents=True)
        training_rows = [tables.get_rows(name, role) for role in ("fit", "calibrate")]
        groups = [training_rows[0].group, training_rows[1].group + training_rows[0].group.max() + 1]
        rows = pd.concat([role_rows.x for role_rows in training_rows], ignore_index=True).assign(
            **{GROUP: np.concatenate(groups)}
        )
        targets = np.concatenate([role_rows.y.reshape(len(role_rows.x), -1) for role_rows in training_rows])
        names = [f"{TARGET}:{tag}" for tag in training_rows[0].tags] or [TARGET]
        target_columns = pd.DataFrame(targets, columns=names)
        pd.concat([rows, target_columns], axis=1).to_parquet(fold / "fit.parquet")
        score_rows = tables.get_rows(name, "score")
        score_rows.x.to_parquet(fold / "score.parquet")
        peer_folds.append(PeerFold(fold, score_rows.table_position, score_rows.tags))
    return peer_folds
