"""Quality: how sound each row's inputs are, and in which parts of the field it lies."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence
from core.places import Place, located, run, taken
from core.stored import Table, each, is_number

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
MISSING = "(missing)"  # a level that no column has of its own
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
    asked = evidence.asked
    beside = located(asked["row_id"], evidence.prepared["row_id"])
    given = located(evidence.predictions["row_id"], asked["row_id"])
    times = np.bincount(given[given >= 0], minlength=len(asked))
    found = {
        "day": asked["time"].dt.normalize().astype("datetime64[ns]").to_numpy(),
        **_of_inputs(evidence, asked, beside),
        "repeated": (times > 1).astype(float),
        "unpredicted": (times == 0).astype(float),
    }
    return pd.DataFrame(found, index=pd.Index(asked["row_id"]))


def _of_inputs(evidence: Evidence, asked: pd.DataFrame, beside: Ints) -> dict[str, Floats]:
    """Return the scores that one pass over the inputs tells."""
    who = pd.factorize(evidence.prepared["entity"].array.take(beside, allow_fill=True))[0]
    sound, contrary = _Sound(who, asked["time"].to_numpy()), _Contrary(evidence.prepared, run(beside), len(beside))
    numbers = [name for name in evidence.inputs if is_number(evidence.features, name)]
    place = run(asked["inputs"].to_numpy())
    for _, column in each(evidence.features, numbers):
        values = taken(column.to_numpy(float, na_value=np.nan), place)
        sound.look(values)
        contrary.look(values)
    return {**sound.scores(len(numbers)), "contrary": contrary.scores()}


def segments(evidence: Evidence, columns: list[str]) -> pd.DataFrame:
    """Return the named columns that are prepared, by row_id, as levels; numbers of many values in quartile bands.

    `line_origin`, where lines are known, is made here: what the market's number is the same as: "estimate" (the
    estimated line, or a line of that type), "open" (the first line), "moved" (neither), "none".
    """
    prepared = evidence.prepared
    found = {name: _named(prepared[name]) for name in columns if name in prepared}
    if "line_origin" in columns and "teacher" in prepared:
        found["line_origin"] = _origin(prepared)
    return pd.DataFrame(found, index=pd.Index(prepared["row_id"]))


def _origin(prepared: Table) -> "pd.Categorical[str]":
    nothing = pd.Series(np.nan, index=range(len(prepared)))
    wanted = ("teacher", "line_type", "estimated_line", "open_line")
    held = {name: prepared[name] for name in wanted if name in prepared}
    teacher, line_type, *lines = (held.get(name, nothing) for name in wanted)
    own, same, opened = teacher.to_numpy(float), *(teacher.to_numpy(float) == line.to_numpy(float) for line in lines)
    estimated = ~np.isnan(own) & (line_type == "estimated").to_numpy(bool)
    code: Ints = np.select([np.isnan(own), estimated | same, opened], [0, 1, 2], 3).astype(np.int64)
    return _levels(code, ["none", "estimate", "open", "moved"])


def _named(values: pd.Series) -> "pd.Categorical[str]":
    """Return the name of each row's level; what is missing has a name as well."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > FEW:
        finite = values.where(np.isfinite(values.to_numpy(float, na_value=np.nan)))
        levels = pd.qcut(finite, BANDS, duplicates="drop").astype("category")
    else:
        levels = values.astype("category")
    names = [*map(str, levels.cat.categories), MISSING]
    code, unique = pd.factorize(np.array(names, dtype=object))
    return _levels(code[levels.cat.codes.to_numpy()], [str(name) for name in unique])


def _levels(code: Ints, names: list[str]) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(code, pd.Index(names))


class _Sound:
    """Rows told input by input, each beside its entity's row before."""

    def __init__(self, who: Ints, time: npt.NDArray[np.datetime64]) -> None:
        self.order = np.lexsort((time, who))
        self.follows = np.r_[False, who[self.order][1:] == who[self.order][:-1]][: len(who)]
        self.missing, self.defaulted, self.still = (np.zeros(len(who), dtype=np.int32) for _ in range(3))
        self.measured = self.lively = 0

    def look(self, given: Floats) -> None:
        """Take one input's values into account."""
        values = given[self.order]
        absent = np.isnan(values)
        self.missing += absent
        some = pd.Series(values[:: max(1, len(values) // SAMPLE)])
        if some.nunique() > MANY:
            self.measured += 1
            share = some.value_counts(normalize=True)
            if share.iloc[0] >= COMMON:
                self.defaulted += values == share.index[0]
        same = self.follows & np.r_[False, values[1:] == values[:-1]][: len(values)]
        if self.follows.any() and same.sum() < (1 - LIVELY) * (self.follows & ~absent).sum():
            self.lively += 1
            self.still += same

    def scores(self, inputs: int) -> dict[str, Floats]:
        """Return what was found, in the order of the rows."""
        stale = (self.still >= FROZEN * self.lively) if self.lively else self.still
        shares = {
            "missing": self.missing / max(inputs, 1),
            "defaulted": self.defaulted / max(self.measured, 1),
            "stale": stale.astype(float),
        }
        found = {name: np.empty(len(self.order)) for name in shares}
        for name, share in shares.items():
            found[name][self.order] = share
        return found


class _Contrary:
    """Rows told by the inputs that nearly always repeat a prepared column, and whether they do there."""

    def __init__(self, prepared: Table, beside: Place, rows: int) -> None:
        self.prepared, self.beside = prepared, beside
        self.some = np.linspace(0, rows - 1, min(SAMPLE, rows)).astype(int)
        numbers = [str(name) for name in prepared.columns if is_number(prepared, str(name)) and name != "row_id"]
        self.others = {
            name: taken(column.to_numpy(float, na_value=np.nan), beside)[self.some]
            for name, column in each(prepared, numbers)
        }
        self.count, self.pairs = np.zeros(rows, dtype=np.int32), 0

    def look(self, values: Floats) -> None:
        """Take one input's values into account."""
        sample = values[self.some]
        few = slice(None, None, max(1, len(sample) // FIRST_LOOK))
        if len(np.unique(sample[few])) == 1:
            return
        for name, other in self.others.items():
            if _usually(_agree(sample[few], other[few])) >= LOOKS_SAME and _usually(_agree(sample, other)) >= SAME:
                self.pairs += 1
                beside = taken(self.prepared[name].to_numpy(float, na_value=np.nan), self.beside)
                self.count += ~_agree(values, beside)

    def scores(self) -> Floats:
        """Return the share of those inputs that do not repeat their column."""
        return np.asarray(self.count / max(self.pairs, 1))


def _usually(agree: npt.NDArray[np.bool_]) -> float:
    """Return the median share of several stretches of time: a fault in one of them must not hide what is usual."""
    return float(np.median([part.mean() for part in np.array_split(agree, STRETCHES)]))


def _agree(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True))
