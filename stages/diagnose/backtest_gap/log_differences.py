"""Log differences: in what our own log of predictions is not what the backtest predicts, to the last bit."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from stages.diagnose.units.array_types import Mask

NAMED_DAYS = 3  # days that one sentence names
MODEL_DIGITS = 12  # of a model's hash
REQUIRED_COLUMNS = ("day", "fold", "is_scored", "is_logged", "is_late", "model", "distance")


def describe_differences(rows: pd.DataFrame, changed: Mapping[str, Mask]) -> list[str]:
    """Return a sentence for each kind of difference; none if every prediction of the backtest was logged as it is.

    `rows` has a row for each prediction, with REQUIRED_COLUMNS: `distance` is the largest one between the numbers of
    both sides, and `model` the logged model. A day or row that the log lacks, a prediction made after the start, one of
    another model than the others of its fold, and a number that is not the same to the last bit are differences. So is
    what was seen and has `changed` since, by its name. A logged row that the backtest lacks is none.
    """
    is_scored = rows["is_scored"].to_numpy(bool)
    is_common = is_scored & rows["is_logged"].to_numpy(bool)
    common = rows[is_common]
    return [
        *_describe_missing(rows.loc[is_scored, "day"], common["day"]),
        *_describe_late(common),
        *_describe_models(common),
        *_describe_distances(common),
        *(sentence for name, mask in changed.items() for sentence in _describe_changes(name, rows["day"], mask)),
    ]


def list_days(days: pd.Series | pd.Index) -> str:
    """Return days as text, the first of them by name."""
    texts = sorted({f"{pd.Timestamp(day):%Y-%m-%d}" for day in days})
    further_days = len(texts) - NAMED_DAYS
    return ", ".join(texts[:NAMED_DAYS]) + (f" and {further_days} more days" if further_days > 0 else "")


def _describe_missing(scored_day: pd.Series, common_day: pd.Series) -> Iterator[str]:
    counts = pd.DataFrame({"scored": scored_day.value_counts(), "common": common_day.value_counts()}).fillna(0)
    lacking = counts[counts["common"] < counts["scored"]].sort_index()
    whole_days = lacking.index[lacking["common"] == 0]
    if len(whole_days):
        yield f"the log has no prediction of {list_days(whole_days)}"
    if len(partly_logged := lacking[lacking["common"] > 0]):
        rows = int((partly_logged["scored"] - partly_logged["common"]).sum())
        yield f"the log lacks {rows:,} predictions of {list_days(partly_logged.index)}"


def _describe_late(common: pd.DataFrame) -> Iterator[str]:
    late = common[common["is_late"].to_numpy(bool)]
    if len(late):
        yield f"{len(late):,} predictions of {list_days(late['day'])} were made after the start"


def _describe_models(common: pd.DataFrame) -> Iterator[str]:
    for name, fold in common.groupby("fold", sort=False):
        models = fold["model"].astype(str).str[:MODEL_DIGITS]
        usual = models.mode().iloc[0]
        if (is_other := models != usual).any():
            other_models = ", ".join(sorted(models[is_other].unique()))
            other_days = list_days(fold.loc[is_other, "day"])
            yield f"{other_days} of fold {name} was predicted by model {other_models}, the rest by {usual}"


def _describe_distances(common: pd.DataFrame) -> Iterator[str]:
    differing = common[(common["distance"] != 0).to_numpy()]
    if len(differing):
        largest = float(np.max(differing["distance"]))
        yield f"{len(differing):,} predictions of {list_days(differing['day'])} differ, by up to {largest:.3g}"


def _describe_changes(name: str, day: pd.Series, is_changed: Mask) -> Iterator[str]:
    if is_changed.any():
        rows = int(is_changed.sum())
        yield f"{rows:,} predictions of {list_days(day[is_changed])} saw another {name} than the rows have now"
