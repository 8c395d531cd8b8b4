"""Planted problems, and the smallest settings with which each learner solves them."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.runtime.plugins import load_plugin
from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.stats.group_ops import compute_group_softmax, encode_groups, normalize_by_group

SEED = 7
OTHERS = {"text_network", "tfidf_linear"}  # they learn tags from text: tests of their own
EFFECT = {"a": 0.8, "b": 0.0, "c": -0.8}
CATBOOST = {
    "iterations": 60, "depth": 3, "learning_rate": 0.1, "l2": 3.0, "random_strength": 1.0, "rsm": 0.8, "subsample": 0.8,
    "positive_weight": 1.0, "focal_alpha": 0.25, "focal_gamma": 2.0, "soft_label": 0.0, "offset": None,
}  # fmt: skip
XGBOOST = {
    "iterations": 60, "depth": 3, "learning_rate": 0.1, "min_child_weight": 1.0, "subsample": 0.8, "columns": 0.8,
    "l2": 1.0, "positive_weight": 1.0, "focal_alpha": 0.25, "focal_gamma": 2.0, "soft_label": 0.0, "offset": None,
}  # fmt: skip
FOREST = {"trees": 40, "depth": 6, "min_leaf": 5, "columns": 0.5, "draw": 0.8, "positive_weight": 1.0, "offset": None}
BOOSTING = {
    "iterations": 60, "depth": 3, "learning_rate": 0.1, "min_leaf": 10, "columns": 0.8, "l2": 1.0,
    "positive_weight": 1.0, "offset": None,
}  # fmt: skip
LOGISTIC = {"l2": 1.0, "positive_weight": 1.0, "offset": None}
LOGIT = {"l2": 1.0, "soft_label": 0.0}
STACK = {"inner_folds": 2, "l2": 1.0}
ANCHORED = STACK | {"anchor": "line", "beside": [], "hidden": []}
SHARES: dict[tuple[str, str], dict[str, Any]] = {
    **{
        ("catboost_trees", loss): CATBOOST | {"loss": loss}
        for loss in ("QuerySoftMax", "Logloss", "CrossEntropy", "Focal")
    },
    **{("xgboost_trees", loss): XGBOOST | {"objective": loss} for loss in ("race_softmax", "logistic", "focal")},
    ("forest", "share"): FOREST | {"target": "share"},
    ("gradient_boosting", "logistic"): BOOSTING | {"loss": "logistic"},
    ("logistic", "share"): LOGISTIC | {"target": "share"},
    ("conditional_logit", ""): LOGIT,
    ("ensemble", "share"): STACK
    | {
        "target": "share",
        "members": ["conditional_logit", "forest"],
        "member_settings": {"conditional_logit": LOGIT, "forest": FOREST | {"target": "share"}},
    },
}
QUANTITIES: dict[tuple[str, str], dict[str, Any]] = {
    **{("catboost_trees", loss): CATBOOST | {"loss": loss} for loss in ("RMSE", "MAE")},
    **{("xgboost_trees", loss): XGBOOST | {"objective": loss} for loss in ("squared", "absolute")},
    ("forest", "quantity"): FOREST | {"target": "quantity"},
    **{("gradient_boosting", loss): BOOSTING | {"loss": loss} for loss in ("squared", "absolute")},
    ("logistic", "quantity"): LOGISTIC | {"target": "quantity"},
    ("ensemble", "quantity"): STACK
    | {
        "target": "quantity",
        "members": ["logistic", "forest"],
        "member_settings": {"logistic": LOGISTIC | {"target": "quantity"}, "forest": FOREST | {"target": "quantity"}},
    },
    ("anchored", ""): ANCHORED
    | {"members": ["forest"], "member_settings": {"forest": FOREST | {"target": "quantity"}}},
}
ARMS = [*SHARES, *QUANTITIES]


@contextmanager
def draw_in_another_thread() -> Iterator[None]:
    """Let another thread draw from the generators that a process shares, as those do in which Dask's workers talk."""
    stopped = threading.Event()

    def draw() -> None:
        while not stopped.wait(0.0002):
            random.random()
            np.random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def load_arm_settings(arm: tuple[str, str], **changed: Any) -> Any:
    """Return the settings of an arm, with some changed."""
    return load_plugin("train", arm[0]).Settings(**({**SHARES, **QUANTITIES}[arm] | changed))


def rows_for(arm: tuple[str, str], seed: int, count: int = 150) -> FoldData:
    """Return the problem that an arm is made for."""
    if arm[0] == "anchored":
        return lined(quantities(seed, count), seed)
    return races(seed, count) if arm in SHARES else quantities(seed, count)


def races(seed: int, count: int = 150, runners: int = 6, noise: float = 0.0) -> FoldData:
    """Return races whose winners are drawn by the planted strengths, the soft label knowing these.

    In a `noise` share of the races the recorded winner is any runner.
    """
    random = np.random.default_rng(seed)
    x, strength, group = _inputs(random, count, runners)
    p = compute_group_softmax(strength, group)
    drawn = np.where(np.repeat(random.random(count) < noise, runners), 1 / runners, p)
    won = (np.log(drawn) + random.gumbel(size=len(p))).reshape(count, runners)
    y = (won == won.max(axis=1, keepdims=True)).ravel().astype(float)
    return _rows(x, y, np.where(random.random(len(p)) < 0.1, np.nan, p), group)


def quantities(seed: int, count: int = 150) -> FoldData:
    """Return rows whose target is the planted strength with some noise."""
    random = np.random.default_rng(seed)
    x, strength, group = _inputs(random, count, 6)
    return _rows(x, 20 + 5 * strength + random.normal(size=len(strength)), np.full(len(strength), np.nan), group)


def lined(rows: FoldData, seed: int) -> FoldData:
    """Return the rows with a poor line on most of them, for a learner to leave."""
    random = np.random.default_rng(seed)
    line = np.where(random.random(len(rows.y)) < 0.3, np.nan, random.normal(20, 3, len(rows.y)))
    return replace(rows, x=rows.x.assign(line=line))


def dead_heats(rows: FoldData) -> FoldData:
    """Return races in some of which two runners share the win, or a synthetic winner stands beside the real one."""
    y = rows.y.copy()
    first = np.flatnonzero(np.diff(rows.group, prepend=-1))
    y[first[::5]] = y[first[::5] + 1] = 1.0
    y = np.where(rows.group % 10 == 0, normalize_by_group(y, rows.group), y)
    return FoldData(**vars(rows) | {"y": y})


def part(rows: FoldData, chosen: Any) -> FoldData:
    """Return some of the rows."""
    parts = {name: value[chosen] for name, value in vars(rows).items() if name not in ("x", "tags", "word_vectors")}
    parts["group"] = encode_groups(pd.Series(parts["group"]))
    return FoldData(x=rows.x.iloc[chosen].reset_index(drop=True), **parts)


def save_all(folder: Path) -> None:
    """Fit every arm and save each in a folder of its own."""
    for arm in ARMS:
        learner = load_plugin("train", arm[0])
        model = learner.fit(rows_for(arm, 1), load_arm_settings(arm), SEED)
        learner.save(model, folder / "-".join(arm))


def _inputs(random: np.random.Generator, count: int, runners: int) -> tuple[pd.DataFrame, Floats, Any]:
    n = count * runners
    form, box = random.normal(size=n), random.choice(list("abc"), n)
    strength = 1.5 * form + np.array([EFFECT[level] for level in box])
    x = pd.DataFrame(
        {
            "form": np.where(random.random(n) < 0.05, np.nan, form),
            "box": pd.Categorical(pd.Series(box).mask(random.random(n) < 0.05)),
            "starts": random.integers(0, 50, n),
            "always": 1.0,
        }
    )
    return x, strength, np.repeat(np.arange(count), runners)


def _rows(x: pd.DataFrame, y: Floats, soft_label: Floats, group: Any) -> FoldData:
    time = np.datetime64("2024-01-01T12:00", "us") + group * np.timedelta64(3, "h")
    return FoldData(x, y, soft_label, group, time, np.ones(len(y)), np.arange(len(y)))
