"""calibrate: raw scores of each fold's calibrate rows → a calibrator, and the predictions of the rows it never saw."""

from typing import Any

import pandas as pd

from core import tables
from core.doors import Paths, enter
from core.outputs import write_json
from core.params import Knobs, knobs, plan
from core.races import codes
from core.shelf import tool

READS = {"scores": "data/scores/{task}.parquet"}
WRITES = {"calibrator": "models/{task}/calibrator.json", "predictions": "data/predictions/{task}.parquet"}
KEYS = ["row_id", "group", "time", "target", "fold"]


def main(task: str, reads: Paths, writes: Paths) -> None:
    word = plan(task).calibrator
    calibrator = tool("calibrate", word)
    settings = knobs(calibrator.Settings, "calibrate", task, word)
    scores = tables.read(reads["scores"])
    arms = list(scores.columns.drop([*KEYS, "role"]))
    states: dict[str, dict[str, Any]] = {}
    predictions = []
    for fold, rows in scores.groupby("fold", sort=True):
        earlier, later = rows[rows["role"] == "calibrate"], rows[rows["role"] == "score"]
        states[str(fold)] = {
            arm: _fit(calibrator, earlier, arm, settings) for arm in arms if earlier[arm].notna().all()
        }
        calibrated = [_apply(calibrator, state, later, arm) for arm, state in states[str(fold)].items()]
        predictions.append(pd.concat([later[KEYS], *calibrated], axis=1))
    write_json({"calibrator": word, "folds": states}, writes["calibrator"], digits=12)
    tables.write(pd.concat([table for table in predictions if len(table)]), writes["predictions"])


def _fit(calibrator: Any, rows: pd.DataFrame, arm: str, settings: Knobs) -> Any:
    return calibrator.fit(rows[arm].to_numpy(), rows["target"].to_numpy(), codes(rows["group"]), settings)


def _apply(calibrator: Any, state: Any, rows: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return the arm's column, and one `arm:name` for each further number that the calibrator gives a row."""
    if rows.empty:
        return pd.DataFrame(index=rows.index)
    found = calibrator.apply(state, rows[arm].to_numpy(), codes(rows["group"]))
    named = found if isinstance(found, dict) else {"": found}
    return pd.DataFrame({f"{arm}:{name}".rstrip(":"): values for name, values in named.items()}, index=rows.index)


if __name__ == "__main__":
    enter("calibrate", READS, WRITES, main)
