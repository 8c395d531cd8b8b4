"""Models: what every learner says of itself while it is fitted and on disk."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

EVERY = 10  # rounds between two calls of a watcher: what it writes takes some 30 ms
Watch = Callable[[int, dict[str, float]], None]


def shares(values: npt.ArrayLike, names: Iterable[str]) -> dict[str, float]:
    """Return each input's share of the sum of non-negative values; several columns of one input count together."""
    sums: dict[str, float] = {}
    for name, value in zip(names, np.asarray(values, float).tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + value
    whole = math.fsum(sums.values())  # sum() is compensated since Python 3.12, and gives other last digits
    return {name: value / whole if whole > 0 else 0.0 for name, value in sums.items()}


def write(value: dict[str, Any], path: Path) -> None:
    """Write JSON with every digit of every number and in the order given, so that a model scores the same again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")


def read(path: Path) -> dict[str, Any]:
    """Return what `write` wrote."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found
