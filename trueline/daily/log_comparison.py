"""Log comparison: is what was predicted live, row by row and to the last bit, what the backtest predicts?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.splits.walk_forward import TARGET
from trueline.service.predictor import TUNED_ARM

LogRows = Sequence[Mapping[str, Any]]
# the fields of a log row that make up the id of a prepared row, for races, for games and for texts
ROW_ID_FIELDS = (("race_id", "box"), ("player_id", "date"), ("id",))
START_FIELD = "start_time"  # of a race; only the day of a game is logged
MODEL_DIGITS = 12  # of a model's hash
NAMED_DAYS = 3  # days that one sentence names


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
    """Compare the newest log row of each prediction with the tuned arm of a backtest.

    `predictions` is data/predictions; of its days those in `days` are compared, by default those from the first day to
    the last that the log has. A day or row that the log lacks, a prediction made after the start, one of another model
    than the others of its fold, and a number that is not the same to the last bit are differences. A logged row that
    the backtest lacks, such as of a player who did not play, is none.
    """
    scored = predictions.assign(day=predictions["time"].dt.normalize()).drop_duplicates("row_id").set_index("row_id")
    logged = _read_newest_rows(log)
    if days is None:
        logged_days = scored["day"].reindex(logged.index).dropna()
        scored = scored[scored["day"].between(logged_days.min(), logged_days.max())]
    else:
        scored = scored[scored["day"].isin(list(days))]
    common = scored.index.intersection(logged.index, sort=False)
    logged, expected = logged.loc[common], _list_expected(scored.loc[common])
    day, fold = scored.loc[common, "day"], scored.loc[common, "fold"]
    distance = pd.Series([_measure(*pair) for pair in zip(logged["predicted"], expected, strict=True)], common, float)
    differences = [
        *_describe_missing(scored["day"], day),
        *_describe_late(logged, day),
        *_describe_models(logged["model"], day, fold),
        *_describe_distances(distance, day),
    ]
    return LogComparison(int(scored["day"].nunique()), len(common), int((distance == 0).sum()), differences)


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
    return rows.assign(model=[str(row.get("model_hash", row.get("model")))[:MODEL_DIGITS] for row in newest.values()])


def _list_expected(scored: pd.DataFrame) -> list[Any]:
    """Return the backtest's prediction of each row, of several targets as a mapping by the target's name."""
    if TARGET in scored:
        return scored[TUNED_ARM].tolist()
    names = [str(name).removeprefix(f"{TARGET}:") for name in scored if str(name).startswith(f"{TARGET}:")]
    return scored[[f"{TUNED_ARM}:{name}" for name in names]].set_axis(names, axis=1).to_dict("records")


def _measure(predicted: Any, expected: Any) -> float:
    """Return the largest distance between two predictions; infinity if one names what the other does not."""
    if not isinstance(expected, Mapping):
        return abs(float(predicted) - float(expected))
    if not isinstance(predicted, Mapping) or set(predicted) != set(expected):
        return np.inf
    return max((abs(float(predicted[name]) - float(number)) for name, number in expected.items()), default=0.0)


def _describe_missing(scored_day: pd.Series, common_day: pd.Series) -> Iterator[str]:
    counts = pd.DataFrame({"scored": scored_day.value_counts(), "common": common_day.value_counts()}).fillna(0)
    lacking = counts[counts["common"] < counts["scored"]].sort_index()
    whole_days = lacking.index[lacking["common"] == 0]
    if len(whole_days):
        yield f"the log has no prediction of {_list_days(whole_days)}"
    if len(partly_logged := lacking[lacking["common"] > 0]):
        rows = int((partly_logged["scored"] - partly_logged["common"]).sum())
        yield f"the log lacks {rows:,} predictions of {_list_days(partly_logged.index)}"


def _describe_late(logged: pd.DataFrame, day: pd.Series) -> Iterator[str]:
    made_at = pd.to_datetime(logged["created_at"], utc=True, errors="coerce").dt.tz_localize(None)
    start = pd.to_datetime(logged[START_FIELD], errors="coerce").fillna(day + pd.Timedelta(days=1, hours=12))
    if (is_late := made_at >= start).any():
        yield f"{int(is_late.sum()):,} predictions of {_list_days(day[is_late])} were made after the start"


def _describe_models(model: pd.Series, day: pd.Series, fold: pd.Series) -> Iterator[str]:
    for name, models in model.groupby(fold, sort=False):
        usual = models.mode().iloc[0]
        if (is_other := models != usual).any():
            other_models = ", ".join(sorted(map(str, models[is_other].unique())))
            other_days = _list_days(day[models.index[is_other]])
            yield f"{other_days} of fold {name} was predicted by model {other_models}, the rest by {usual}"


def _describe_distances(distance: pd.Series, day: pd.Series) -> Iterator[str]:
    if (differs := distance != 0).any():
        yield (
            f"{int(differs.sum()):,} predictions of {_list_days(day[differs])} differ, by up to {distance.max():.3g}"
        )


def _list_days(days: pd.Series | pd.Index) -> str:
    texts = sorted({f"{pd.Timestamp(day):%Y-%m-%d}" for day in days})
    further_days = len(texts) - NAMED_DAYS
    return ", ".join(texts[:NAMED_DAYS]) + (f" and {further_days} more days" if further_days > 0 else "")
