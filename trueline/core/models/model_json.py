"""What every learner reports while it is fitted and writes to disk: callbacks, importance shares, JSON files."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # the service loads models without it
    from trueline.core.splits.fold_data import FoldData

LOG_EVERY_ROUNDS = 10  # rounds between two calls of a callback: what it writes takes some 30 ms
RoundCallback = Callable[[int, dict[str, float]], None]


class Monitor(NamedTuple):
    """How a fit is followed round by round: on which later rows, when it stops, and who is told of the losses."""

    later: "FoldData | None" = None
    patience: int | None = None  # rounds without a lower loss on `later` after which fitting stops; None for never
    watch: RoundCallback | None = None  # called with the round and {"fit": loss, "later": loss}

    def report(self, step: int, last_step: int, compute_losses: Callable[[], dict[str, float]]) -> None:
        """Pass on the losses of every LOG_EVERY_ROUNDS-th round and of the last; others are not computed."""
        if self.watch and (step % LOG_EVERY_ROUNDS == 0 or step == last_step):
            self.watch(step, compute_losses())


NO_MONITOR = Monitor()


def compute_importance(values: npt.ArrayLike, names: Iterable[str]) -> dict[str, float]:
    """Return each input's share of the sum of non-negative values; columns of the same input are added up."""
    sums: dict[str, float] = {}
    for name, value in zip(names, np.asarray(values, float).tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + value
    total = math.fsum(sums.values())  # not sum(): compensated since Python 3.12, it gives other last digits there
    return {name: value / total if total > 0 else 0.0 for name, value in sums.items()}


def write_model_fields(model: Any, folder: Path, *separate: str) -> None:
    """Write model.json with the fields of a model, without those that are stored in files of their own."""
    content = {field.name: getattr(model, field.name) for field in fields(model) if field.name not in separate}
    write_model_json(content, folder / "model.json")


def write_model_json(value: dict[str, Any], path: Path) -> None:
    """Write JSON with every digit of every number and in the order given, so that a model scores the same again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_model_json(path: Path) -> dict[str, Any]:
    """Return what `write_model_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text())
    return content
