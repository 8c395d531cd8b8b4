"""Log comparison: is what was predicted live, row by row and to the last bit, what the backtest predicts?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap.log_differences import describe_differences
from trueline.core.splits.walk_forward import TARGET
from trueline.service.predictor import TUNED_ARM

LogRows = Sequence[Mapping[str, Any]]
# the fields of a log row that make up the id of a prepared row, for races, for games and for texts
ROW_ID_FIELDS = (("race_id", "box"), ("player_id", "date"), ("id",))
START_FIELD = "start_time"  # of a race; only the day of a game is logged
LAST_START = pd.Timedelta(days=1, hours=12)  # after midnight of its day (UTC), by which any game has begun


@dataclass(frozen=True)
class LogComparison:
    """How many rows backtest and log both have, how many of these are equal, and what differs, in sentences."""

    days: int
    rows: int
    equal: int
    differences: list[str]

    def format_sentence(self) -> str:
        """Return the comparison in one line."""
        verdict = "; ".join(self.differences) or "the log is the backtest, bit for bit"
        return f"{self.equal:,} of {self.rows:,} logged predictions of {self.days} days equal the backtest's: {verdict}"


def compare_log(log: LogRows, predictions: pd.DataFrame, days: Sequence[pd.Timestamp] | None = None) -> LogComparison:
    """Compare the newest log row of each prediction with the tuned arm of a backtest, as the gap report does.

    `predictions` is data/predictions; of its days those in `days` are compared, by default those from the first day to
    the last that the log has. A logged row that the backtest lacks, such as of a player who did not play, is no
    difference.
    """
    scored = predictions.assign(day=predictions["time"].dt.normalize()).drop_duplicates("row_id").set_index("row_id")
    logged = _read_newest_rows(log)
    if days is None:
        logged_days = scored["day"].reindex(logged.index).dropna()
        scored = scored[scored["day"].between(logged_days.min(), logged_days.max())]
    else:
        scored = scored[scored["day"].isin(list(days))]
    is_logged = scored.index.isin(logged.index)
    logged = logged.reindex(scored.index)
    distance = [
        _compute_distance(predicted, expected) if has_row else np.nan
        for predicted, expected, has_row in zip(logged["predicted"], _list_expected(scored), is_logged, strict=True)
    ]
    rows = pd.DataFrame(
        {
            "day": scored["day"],
            "fold": scored["fold"],
            "is_scored": True,
            "is_logged": is_logged,
            "is_late": _flag_late(logged, scored["day"]),
            "model": logged["model"],
            "distance": np.array(distance, float),
        }
    )
    is_equal = rows["distance"] == 0
    return LogComparison(
        int(scored["day"].nunique()), int(is_logged.sum()), int(is_equal.sum()), describe_differences(rows, {})
    )


def build_row_id(row: Mapping[str, Any]) -> str | None:
    """Return the id that prepare gives to what a log row predicts; None if the row names nothing.

    >>> build_row_id({"race_id": "r7", "runner": "Bold Comet", "box": 3, "predicted": 0.2})
    'r7:3'
    """
    for fields in ROW_ID_FIELDS:
        if all(row.get(name) is not None for name in fields):
            return ":".join(str(row[name]) for name in fields)
    return None


def _read_newest_rows(log: LogRows) -> pd.DataFrame:
    newest = {row_id: row for row in log if (row_id := build_row_id(row)) is not None}  # the log is in order of time
    columns = ["predicted", "created_at", START_FIELD]
    rows = pd.DataFrame([[row.get(name) for name in columns] for row in newest.values()], list(newest), columns, object)
    # the version changes with the history, every day
    return rows.assign(model=[str(row.get("model_hash", row.get("model"))) for row in newest.values()])


def _list_expected(scored: pd.DataFrame) -> list[Any]:
    """Return the backtest's prediction of each row, of several targets as a mapping by the target's name."""
    if TARGET in scored:
        return scored[TUNED_ARM].tolist()
    names = [str(name).removeprefix(f"{TARGET}:") for name in scored if str(name).startswith(f"{TARGET}:")]
    return scored[[f"{TUNED_ARM}:{name}" for name in names]].set_axis(names, axis=1).to_dict("records")


def _compute_distance(predicted: Any, expected: Any) -> float:
    """Return the largest distance between two predictions; infinity if one names what the other does not."""
    if not isinstance(expected, Mapping):
        return abs(float(predicted) - float(expected))
    if not isinstance(predicted, Mapping) or set(predicted) != set(expected):
        return np.inf
    return max((abs(float(predicted[name]) - float(number)) for name, number in expected.items()), default=0.0)


def _flag_late(logged: pd.DataFrame, day: pd.Series) -> pd.Series:
    made_at = pd.to_datetime(logged["created_at"], utc=True, errors="coerce").dt.tz_localize(None)
    start = pd.to_datetime(logged[START_FIELD], errors="coerce").fillna(day + LAST_START)
    return made_at >= start
