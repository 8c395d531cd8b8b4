"""Quality: how sound each row's inputs are, and in which parts of the field it lies."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence
from core.folds import names

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SAMPLE = 20_000  # rows from which it is learned how an input behaves
MANY = 30  # values from which a number is measured, not counted or chosen
COMMON = 0.01  # share of the rows from which a value of a measured input may be a default
LIVELY = 0.5  # share of an entity's rows in which an input that is alive has moved since the row before
FROZEN = 0.9  # share of the lively inputs that are as in the row before, from which a row is stale
STRETCHES = 10  # of time, by which it is told what is usual
SAME = 0.95  # share of rows in which an input repeats a prepared column, from which it must
FIRST_LOOK = 200  # rows from which most pairs are seen to differ
LOOKS_SAME = 0.85  # of these, from which all of the sample is looked at
FEW = 12  # distinct numbers up to which each is a level; beyond that, quartile bands
BANDS = 4


@lru_cache(maxsize=1)  # asked for the newest day and for all days: to be read, never written to
def quality(evidence: Evidence) -> pd.DataFrame:
    """Return a row for each row_id that a test fold scores, with its day and scores from 0 sound to 1 unsound.

    `missing`: share of its inputs; `defaulted`: share of measured inputs at their commonest value; `stale`: 1 where
    nearly all inputs that usually move are as in the entity's row before; `contrary`: share of those inputs that
    nearly always repeat a column of the prepared table and here do not. `repeated` is 1 where it is predicted twice,
    `unpredicted` where not at all. An input that lags and still moves is seen only if it repeats a prepared column.
    """
    tests = names(evidence.folds, "test")
    asked = evidence.folds[(evidence.folds[tests] == "score").any(axis=1)].drop_duplicates("row_id")
    rows = pd.Index(asked["row_id"])
    features = evidence.features.drop_duplicates("row_id")
    place = pd.Index(features["row_id"]).get_indexer(rows)
    inputs = features.drop(columns="row_id").select_dtypes("number")
    prepared = evidence.prepared.drop_duplicates("row_id")
    beside = pd.Index(prepared["row_id"]).get_indexer(rows)
    given = rows.get_indexer(pd.Index(evidence.predictions["row_id"]))
    times = np.bincount(given[given >= 0], minlength=len(rows))
    found = {
        "day": asked["time"].dt.normalize().astype("datetime64[ns]").to_numpy(),
        **_sound(inputs, place, prepared["entity"].iloc[beside], asked["time"].to_numpy()),
        "contrary": _contrary(inputs, place, prepared, beside),
        "repeated": (times > 1).astype(float),
        "unpredicted": (times == 0).astype(float),
    }
    return pd.DataFrame(found, index=rows)


def segments(evidence: Evidence, columns: list[str]) -> pd.DataFrame:
    """Return the named columns that are prepared, by row_id, as levels; numbers of many values in quartile bands.

    `line_origin`, where lines are known, is made here: what the market's number is the same as: "estimate" (the
    estimated line, or a line of that type), "open" (the first line), "moved" (neither), "none".
    """
    prepared = evidence.prepared.drop_duplicates("row_id")
    found = {name: _named(prepared[name]) for name in columns if name in prepared}
    if "line_origin" in columns and "teacher" in prepared:
        found["line_origin"] = _origin(prepared)
    return pd.DataFrame(found).set_index(pd.Index(prepared["row_id"]))


def _origin(prepared: pd.DataFrame) -> pd.Series:
    nothing = pd.Series(np.nan, index=prepared.index)
    teacher = prepared["teacher"]
    estimated = teacher.notna() & (prepared.get("line_type", nothing) == "estimated")
    same = teacher == prepared.get("estimated_line", nothing)
    opened = teacher == prepared.get("open_line", nothing)
    chosen = [teacher.isna(), estimated | same, opened]
    return pd.Series(np.select(chosen, ["none", "estimate", "open"], "moved"), index=prepared.index)


def _named(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW:
        return pd.qcut(values, BANDS, duplicates="drop").astype(str)
    return values.astype(object).where(values.notna(), "missing").astype(str)


def _sound(inputs: pd.DataFrame, place: Ints, entity: pd.Series, time: npt.NDArray[np.datetime64]) -> dict[str, Floats]:
    """Return the scores that one pass over the inputs tells, each row beside its entity's row before."""
    who = pd.factorize(entity)[0]
    order = np.lexsort((time, who))
    follows = np.r_[False, who[order][1:] == who[order][:-1]][: len(order)]
    missing, defaulted, still = np.zeros(len(place)), np.zeros(len(place)), np.zeros(len(place))
    measured = lively = 0
    for name in inputs:
        values = _at(inputs, str(name), place[order])
        absent = np.isnan(values)
        missing += absent
        some = pd.Series(values[:: max(1, len(values) // SAMPLE)])
        if some.nunique() > MANY:
            measured += 1
            share = some.value_counts(normalize=True)
            defaulted += (values == share.index[0]) if share.iloc[0] >= COMMON else 0.0
        same = follows & np.r_[False, values[1:] == values[:-1]][: len(values)]
        if follows.any() and same.sum() < (1 - LIVELY) * (follows & ~absent).sum():
            lively += 1
            still += same
    stale = (still >= FROZEN * lively).astype(float) if lively else still
    inverse = np.argsort(order)
    return {
        "missing": missing[inverse] / max(inputs.shape[1], 1),
        "defaulted": defaulted[inverse] / max(measured, 1),
        "stale": stale[inverse],
    }


def _contrary(inputs: pd.DataFrame, place: Ints, prepared: pd.DataFrame, beside: Ints) -> Floats:
    numbers = prepared.select_dtypes("number")
    some = np.linspace(0, len(place) - 1, min(SAMPLE, len(place))).astype(int)
    others = {str(column): numbers[column].to_numpy(float)[beside[some]] for column in numbers}
    count, pairs = np.zeros(len(place)), 0
    for name in inputs:
        sample = _at(inputs, str(name), place[some])
        few = slice(None, None, max(1, len(sample) // FIRST_LOOK))
        if len(np.unique(sample[few])) == 1:
            continue
        for column, other in others.items():
            if _usually(_agree(sample[few], other[few])) >= LOOKS_SAME and _usually(_agree(sample, other)) >= SAME:
                pairs += 1
                count += ~_agree(_at(inputs, str(name), place), numbers[column].to_numpy(float)[beside])
    return count / max(pairs, 1)


def _usually(agree: npt.NDArray[np.bool_]) -> float:
    """Return the median share of several stretches of time: a fault in one of them must not hide what is usual."""
    return float(np.median([part.mean() for part in np.array_split(agree, STRETCHES)]))


def _agree(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True))


def _at(inputs: pd.DataFrame, name: str, place: Ints) -> Floats:
    return np.where(place >= 0, inputs[name].to_numpy(float)[place], np.nan)
