"""What every learner reports while it is fitted and writes to disk: callbacks, importance shares, JSON files."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LOG_EVERY_ROUNDS = 10  # rounds between two calls of a callback: what it writes takes some 30 ms
RoundCallback = Callable[[int, dict[str, float]], None]


def compute_importance_shares(values: npt.ArrayLike, names: Iterable[str]) -> dict[str, float]:
    """Return each input's share of the sum of non-negative values; columns of the same input are added up."""
    sums: dict[str, float] = {}
    for name, value in zip(names, np.asarray(values, float).tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + value
    total = math.fsum(sums.values())  # not sum(): compensated since Python 3.12, it gives other last digits there
    return {name: value / total if total > 0 else 0.0 for name, value in sums.items()}


def write_model_json(value: dict[str, Any], path: Path) -> None:
    """Write JSON with every digit of every number and in the order given, so that a model scores the same again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_model_json(path: Path) -> dict[str, Any]:
    """Return what `write_model_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text())
    return content
