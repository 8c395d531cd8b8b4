"""Archive: a history kept ready, so that the past of rows posted to it is found without going through all of it."""

from collections.abc import Mapping
from threading import Lock

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.ratings import Standing
from core.refusals import Refusal
from core.segments import Floats, Ints
from core.totals import By
from core.windows import Past

DAY = np.timedelta64(1, "D")
Rating = tuple[tuple[tuple[str, float], ...], str, tuple[tuple[By, float], ...], float]


class Archive:
    """A table of past rows, indexed by each key when it is first asked for.

    Numbers and text are kept; columns of another type are not, for no aggregate is made of them.
    """

    def __init__(self, history: pd.DataFrame, time: str = "time") -> None:
        kept = history.drop(columns=time).select_dtypes(["number", "bool", "object", "string"])
        self.time, self.names = time, [str(name) for name in kept]
        self.times = history[time].to_numpy("datetime64[us]")
        self._words = {
            name: pd.Index(kept[name].dropna().unique(), dtype=object)
            for name in self.names
            if not pd.api.types.is_numeric_dtype(kept[name].dtype)
        }
        self.values = self.coded(kept)
        self._keys: dict[tuple[str, ...], Keys] = {}
        self._standings: dict[Rating, Standing] = {}
        self._lock = Lock()  # requests may come side by side: what is made once is made by one of them

    def past(self, posted: pd.DataFrame) -> "PostedPast":
        """Return the past of rows of one time, which do not see each other, nor anything of that time or later."""
        times = posted[self.time].unique()
        if len(times) != 1:
            raise Refusal(f"rows of {len(times)} times were posted together; ask for the rows of each time apart.")
        return PostedPast(self, posted, np.datetime64(times[0], "us"))

    def coded(self, rows: pd.DataFrame) -> Floats:
        """Return rows × columns of numbers; text as a code, one for all words that the history lacks."""
        found = np.full((len(rows), len(self.names)), np.nan)
        told = [name for name in self.names if name in rows and name not in self._words]
        found[:, [self.names.index(name) for name in told]] = rows[told].to_numpy(np.float64, na_value=np.nan)
        for name, words in self._words.items():
            if name in rows:
                place = words.get_indexer(pd.Index(rows[name], dtype=object))
                code = np.where(place < 0, len(words), place)
                found[:, self.names.index(name)] = np.where(rows[name].isna(), np.nan, code)
        return found

    def place(self, by: By) -> list[int]:
        """Return where the columns of a key stand."""
        return [self.names.index(name) for name in ((by,) if isinstance(by, str) else by)]

    def keys(self, by: By) -> "Keys":
        """Return the rows of each key."""
        names = (by,) if isinstance(by, str) else tuple(by)
        with self._lock:
            if names not in self._keys:
                self._keys[names] = Keys(self.values[:, self.place(names)], self.times)
            return self._keys[names]

    def standing(
        self, values: Mapping[str, float], within: str, effects: Mapping[By, float], half_life_days: float
    ) -> Standing:
        """Return the strengths of the history, as `Past.rating` would learn them."""
        called = (tuple(values.items()), within, tuple(effects.items()), half_life_days)
        codes = [self.keys(by).codes for by in (within, *effects)]
        with self._lock:
            if called not in self._standings:
                reached = sum(factor * self.values[:, self.names.index(name)] for name, factor in values.items())
                days = self.times.astype("datetime64[D]").astype(np.int64)
                self._standings[called] = Standing(
                    np.asarray(reached), codes[0], days, codes[1:], list(effects.values()), half_life_days
                )
            return self._standings[called]


class Keys:
    """The rows of each key, one after another and oldest first, and a code for every key."""

    def __init__(self, values: Floats, times: npt.NDArray[np.datetime64]) -> None:
        self._steps: list[tuple[Floats, Ints]] = []
        self.codes = np.zeros(len(values), np.int64)
        for column in values.T:
            words = np.unique(column[~np.isnan(column)])
            pair = _pair(self.codes, words, column)
            pairs = np.unique(pair[pair >= 0])
            self._steps.append((words, pairs))
            self.codes = _place(pairs, pair)
        order = np.lexsort((times, self.codes))
        self._rows = order[self.codes[order] >= 0]
        self._sorted, self._times = self.codes[self._rows], times[self._rows]

    def of(self, values: Floats) -> Ints:
        """Return the codes of posted rows; −1 for a key that the history lacks or of which a part is missing."""
        codes = np.zeros(len(values), np.int64)
        for column, (words, pairs) in zip(values.T, self._steps, strict=True):
            codes = _place(pairs, _pair(codes, words, column))
        return codes

    def before(self, codes: Ints, moment: np.datetime64) -> Ints:
        """Return the rows of some keys that are earlier than a moment."""
        asked = np.unique(codes[codes >= 0])
        begins, ends = np.searchsorted(self._sorted, asked), np.searchsorted(self._sorted, asked, side="right")
        parts = [
            self._rows[begin : begin + np.searchsorted(self._times[begin:end], moment)]
            for begin, end in zip(begins, ends, strict=True)
        ]
        return np.concatenate([np.zeros(0, np.int64), *parts])


class PostedPast(Past):
    """Answers as `Past` does on a table of the history and rows posted to it, to the last bit, for the posted rows.

    Every figure of a row is a function of the earlier rows of its own key alone, so each key's are taken out and asked.
    """

    def __init__(self, archive: Archive, posted: pd.DataFrame, moment: np.datetime64) -> None:
        self._archive, self._moment, self._number = archive, moment, len(posted)
        self._posted = archive.coded(posted)
        self._pasts: dict[tuple[str, ...], Past] = {}

    def count(self, column: str | None, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """See Past."""
        return self._now(self._past(by).count(column, by, last, days))

    def sum(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """See Past."""
        return self._now(self._past(by).sum(column, by, last, days))

    def mean(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """See Past."""
        return self._now(self._past(by).mean(column, by, last, days))

    def share(
        self,
        column: str,
        by: By,
        last: int | None = None,
        days: float | None = None,
        prior: float = 0.0,
        strength: float = 0.0,
    ) -> Floats:
        """See Past."""
        return self._now(self._past(by).share(column, by, last, days, prior, strength))

    def std(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """See Past."""
        return self._now(self._past(by).std(column, by, last, days))

    def slope(self, column: str, by: By, last: int | None = None, days: float | None = None) -> Floats:
        """See Past."""
        return self._now(self._past(by).slope(column, by, last, days))

    def min(self, column: str, by: By) -> Floats:
        """See Past."""
        return self._now(self._past(by).min(column, by))

    def max(self, column: str, by: By) -> Floats:
        """See Past."""
        return self._now(self._past(by).max(column, by))

    def last(self, column: str, by: By, nth: int = 1) -> Floats:
        """See Past."""
        return self._now(self._past(by).last(column, by, nth))

    def gap(self, by: By) -> Floats:
        """See Past."""
        return self._now(self._past(by).gap(by))

    def ewm(self, column: str, by: By, half_life_days: float) -> Floats:
        """See Past."""
        return self._now(self._past(by).ewm(column, by, half_life_days))

    def knows(self, column: str) -> bool:
        """See Past."""
        return column in self._archive.names

    def rating(
        self, values: Mapping[str, float], within: str, effects: Mapping[By, float], half_life_days: float
    ) -> Floats:
        """See Past."""
        standing = self._archive.standing(values, within, effects, half_life_days)
        codes = [self._archive.keys(by).of(self._posted[:, self._archive.place(by)]) for by in effects]
        return standing.before(int(self._moment.astype("datetime64[D]").astype(np.int64)), codes)

    def _now(self, found: Floats) -> Floats:
        return found[len(found) - self._number :]

    def _past(self, by: By) -> Past:
        """Return the past of the rows that share a key with a posted one, the posted ones last."""
        names = (by,) if isinstance(by, str) else tuple(by)
        if names not in self._pasts:
            archive, keys = self._archive, self._archive.keys(names)
            rows = keys.before(keys.of(self._posted[:, archive.place(names)]), self._moment)
            table = pd.DataFrame(np.concatenate([archive.values[rows], self._posted]), columns=archive.names)
            times = np.concatenate([archive.times[rows], np.full(self._number, self._moment)])
            self._pasts[names] = Past(table.assign(**{archive.time: times}), archive.time)
        return self._pasts[names]


def _pair(codes: Ints, words: Floats, column: Floats) -> Ints:
    """Return a number for each pair of a code and a word, −1 where one is not known."""
    place = _place(words, column)
    return np.where((codes >= 0) & (place >= 0), codes * max(len(words), 1) + place, -1)


def _place(words: npt.NDArray[np.float64 | np.int64], values: npt.NDArray[np.float64 | np.int64]) -> Ints:
    """Return where values stand among sorted words, −1 for those that are none of them."""
    if not len(words):
        return np.full(len(values), -1)
    place = np.minimum(np.searchsorted(words, values), len(words) - 1)
    return np.where(words[place] == values, place, -1)
