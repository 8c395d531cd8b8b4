"""Kept calibrations: what the same code made of the same rows of a fold, in this run or an earlier one."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.runtime.memory import Memory

Calibration = tuple[dict[str, Any], pd.DataFrame]  # the state by arm, and the predictions of a fold's score rows


def recall_calibration(memory: Memory, key: str, score_index: pd.Index) -> Calibration | None:
    """Return what is kept under a key, its predictions with an index, or None."""
    content = memory.load(key)
    return None if content is None else _unpack(content, score_index)


def store_calibration(memory: Memory, key: str, calibration: Calibration) -> None:
    """Keep a calibration under a key, if there is a memory and what is read back is the same to the last bit.

    One with texts among its predictions is not kept.
    """
    if not memory.is_on or any(values.to_numpy().dtype == object for _, values in calibration[1].items()):
        return
    content = _pack(calibration)
    states, predictions = _unpack(content, calibration[1].index)
    if states == calibration[0] and predictions.equals(calibration[1]):
        memory.store(key, content)


def _pack(calibration: Calibration) -> bytes:
    states, predictions = calibration
    buffer = io.BytesIO()
    arrays = {"states": np.array(json.dumps(states)), "columns": np.array(json.dumps(list(predictions)))}
    arrays |= {f"column {number}": values.to_numpy() for number, (_, values) in enumerate(predictions.items())}
    np.savez(buffer, **arrays)  # type: ignore[arg-type,unused-ignore]  # for the stubs, one may be `allow_pickle`
    return buffer.getvalue()


def _unpack(content: bytes, index: pd.Index) -> Calibration:
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    columns = json.loads(str(arrays["columns"]))
    values = {name: arrays[f"column {number}"] for number, name in enumerate(columns)}
    return json.loads(str(arrays["states"])), pd.DataFrame(values, index, columns)
