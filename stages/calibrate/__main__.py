"""calibrate: raw scores of each fold's calibrate rows → a calibrator, and the predictions of the rows it never saw."""

from typing import Any

import pandas as pd

from core import tables
from core.doors import Paths, enter
from core.folds import KEYS, TARGET, targets
from core.outputs import write_json
from core.params import Knobs, knobs, plan
from core.races import Floats, codes
from core.shelf import tool

READS = {"scores": "data/scores/{task}.parquet"}
WRITES = {"calibrator": "models/{task}/calibrator.json", "predictions": "data/predictions/{task}.parquet"}


def main(task: str, reads: Paths, writes: Paths) -> None:
    word = plan(task).calibrator
    calibrator = tool("calibrate", word)
    settings = knobs(calibrator.Settings, "calibrate", task, word)
    scores = tables.read(reads["scores"])
    keys = [*KEYS, *targets(scores), "fold"]
    arms = _arms(scores.columns.drop([*keys, "role"]), targets(scores))
    states: dict[str, dict[str, Any]] = {}
    predictions = []
    for fold, rows in scores.groupby("fold", sort=True):
        earlier, later = rows[rows["role"] == "calibrate"], rows[rows["role"] == "score"]
        states[str(fold)] = {
            arm: _fit(calibrator, earlier, columns, settings)
            for arm, columns in arms.items()
            if earlier[columns].notna().all(axis=None)
        }
        calibrated = [_apply(calibrator, state, later, arms[arm]) for arm, state in states[str(fold)].items()]
        predictions.append(pd.concat([later[keys], *calibrated], axis=1))
    write_json({"calibrator": word, "folds": states}, writes["calibrator"], digits=12)
    tables.write(pd.concat([table for table in predictions if len(table)]), writes["predictions"])


def _arms(scores: pd.Index, named: list[str]) -> dict[str, list[str]]:
    """Return the columns of each arm: one, or one a tag in the order of the targets."""
    if named == [TARGET]:
        return {str(arm): [str(arm)] for arm in scores}
    arms = dict.fromkeys(str(column).split(":")[0] for column in scores)
    return {arm: [name.replace(TARGET, arm, 1) for name in named] for arm in arms}


def _fit(calibrator: Any, rows: pd.DataFrame, columns: list[str], settings: Knobs) -> Any:
    target = _array(rows, targets(rows))
    return calibrator.fit(_array(rows, columns), target, codes(rows["group"]), settings)


def _apply(calibrator: Any, state: Any, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the arm's columns, and one `column:name` for each further number that the calibrator gives a row."""
    if rows.empty:
        return pd.DataFrame(index=rows.index)
    found = calibrator.apply(state, _array(rows, columns), codes(rows["group"]))
    named = found if isinstance(found, dict) else {"": found}
    return pd.concat(
        [
            pd.DataFrame(values, rows.index, [f"{column}:{name}".rstrip(":") for column in columns])
            for name, values in named.items()
        ],
        axis=1,
    )


def _array(rows: pd.DataFrame, columns: list[str]) -> Floats:
    """Return one number a row, or rows × columns for several targets."""
    values = rows[columns].to_numpy(float)
    return values[:, 0] if targets(rows) == [TARGET] else values


if __name__ == "__main__":
    enter("calibrate", READS, WRITES, main)
