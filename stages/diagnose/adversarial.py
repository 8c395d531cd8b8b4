"""adversarial: can a classifier tell the newest rows from those before them by their inputs alone?"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from scipy.stats import rankdata, t
from sklearn.metrics import roc_auc_score

from core.evidence import Evidence, Finding, finding
from core.params import Knobs
from core.stored import each
from core.threads import one_thread
from stages.diagnose._steps import growing, means, steps

NAME = "Do the newest rows look like those before them?"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
PARTS = 4  # of the blocks, each told by a classifier fitted on the others
STRETCHES = 19  # earlier stretches that are needed to call one of them odd once in 20
CHANCE = 0.05
RIDGE = 0.01  # of the rows: keeps inputs that repeat each other from cancelling
SHOWN = 5


class Settings(Knobs):
    """Which rows are recent, how many are looked at, and from which AUC on they are told apart."""

    recent_share: float = Field(gt=0, lt=0.5)
    rows: int = Field(ge=200)
    blocks: int = Field(ge=20)
    mild: float = Field(gt=0.5, lt=1)
    moderate: float = Field(gt=0.5, lt=1)
    strong: float = Field(gt=0.5, lt=1)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Tell the newest scored rows from the others; warn where the AUC is mild or more, and more than any stretch has.

    Inputs that only grow (counts) would tell any two periods apart and are left out. See `told_apart` for what chance
    is. Declines without a clock and with too few days to have other stretches.
    """
    if evidence.timeless:
        return finding("declined", "The rows have no clock, so none is newer than another.")
    rows = evidence.asked.sort_values("time", kind="stable")
    some = np.linspace(0, len(rows) - 1, min(settings.rows, len(rows))).astype(int)
    looked = rows.iloc[some][(rows["inputs"] >= 0).to_numpy()[some]]
    place, days = looked["inputs"].to_numpy(), looked["time"].dt.normalize().reset_index(drop=True)
    inputs = each(evidence.features, evidence.inputs)
    table = pd.DataFrame({name: values.iloc[place].reset_index(drop=True) for name, values in inputs})
    found = told_apart(table, days, settings)
    if found["stretches"] < STRETCHES:
        said = f"{found['blocks']} blocks of days hold {found['stretches']} earlier stretches; {STRETCHES} are needed."
        return finding("declined", said, **found)
    said = (
        f"The newest {settings.recent_share:.0%} of days are told from those before with an AUC of {found['auc']:.3f}"
    )
    if found["strength"] == "none":
        usual = f"of {found['stretches']} earlier stretches {found['chance']:.0%} are told as well"
        return finding("ok", f"{said}: {usual}, or it is too little to matter.", **found)
    top = ", ".join(one["feature"] for one in found["top"][:3])
    return finding("warning", f"{said}, a {found['strength']} shift, by {top}.", **found)


def told_apart(table: pd.DataFrame, block: pd.Series | None, settings: Settings) -> dict[str, Any]:
    """Return how well the newest rows of a table in time order are told, and by which inputs.

    `block` marks rows that belong together (a day); they are gathered into at most `blocks` blocks, which are never cut
    between fitting and telling. The classifier is a linear discriminant on the ranks of each input, their squares and
    what is missing. Chance is every earlier stretch of as many blocks, told from those before it, of which there are as
    many at least: inputs that move slowly tell any stretch, and that is no shift. `chance` is the share of these whose
    AUC is as high, `usual` the AUC that a further one would exceed once in 20; `strength` is none unless both say that
    the newest is odd. `top` are the inputs that tell most alone, each with its AUC.
    """
    group = steps(block, len(table), settings.blocks)
    count = int(group[-1]) + 1
    recent = max(1, round(count * settings.recent_share))
    coded = _coded(table)
    series = np.column_stack([means(column, group) for column in coded.T])
    grows = growing(series, count - recent)
    with one_thread():
        told = _Told(coded[:, ~grows], group)
        auc = told.auc(np.arange(count) >= count - recent, np.ones(count, dtype=bool))
        place = np.arange(count)
        ends = range(2 * recent, count - recent + 1)
        others = [told.auc((place >= end - recent) & (place < end), place < end) for end in ends]
    usual, chance = _usual(others, recent), (1 + sum(other >= auc for other in others)) / (1 + len(others))
    used = [str(name) for name, out in zip(table, grows, strict=True) if not out]
    return {
        "auc": auc,
        "strength": _strength(auc, settings) if chance <= CHANCE and auc > usual else "none",
        "chance": chance,
        "usual": usual,
        "top": _top(coded[:, ~grows], used, group >= count - recent),
        "growing": [str(name) for name, out in zip(table, grows, strict=True) if out],
        "rows": len(table),
        "blocks": count,
        "stretches": len(others),
    }


@dataclass(frozen=True)
class _Told:
    """Inputs in blocks, and how well a labelling of blocks is told by discriminants fitted on other blocks."""

    inputs: Floats
    group: Ints

    @cached_property
    def columns(self) -> Floats:
        """The ranks of each input from −1 to 1, 0 where missing, their squares, what is missing, and a constant."""
        missing = np.isnan(self.inputs)
        rank = np.where(missing, 0.0, 2 * rankdata(self.inputs, axis=0, nan_policy="omit") / len(self.inputs) - 1)
        wide = np.hstack([rank, np.where(missing, 1 / 3, np.square(rank)), missing[:, missing.any(axis=0)]])
        return np.column_stack([wide, np.ones(len(wide))])

    @cached_property
    def products(self) -> Floats:
        """Each block's products of columns, of which any fit is a sum."""
        edge = np.searchsorted(self.group, np.arange(int(self.group[-1]) + 2))
        parts = [self.columns[begin:end] for begin, end in pairwise(edge)]
        return np.stack([part.T @ part for part in parts])

    def auc(self, recent: Mask, among: Mask) -> float:
        """Return the mean AUC over parts of the blocks `among` which `recent` ones are to be told."""
        turn = np.full(len(recent), -1)
        for label in (False, True):
            chosen = among & (recent == label)
            turn[chosen] = np.arange(chosen.sum()) % PARTS
        found = [self._told(recent, among & (turn != part), turn == part) for part in range(PARTS)]
        return (
            float(np.mean([one for one in found if one is not None])) if any(one is not None for one in found) else 0.5
        )

    def _told(self, recent: Mask, fit: Mask, held: Mask) -> float | None:
        rows = held[self.group]
        label = recent[self.group[rows]]
        if label.all() or not label.any() or not (recent & fit).any():
            return None
        product, sums = self.products[fit].sum(axis=0), self.products[fit & recent].sum(axis=0)[-1]
        ridge = RIDGE * product[-1, -1] * np.eye(len(product))
        ridge[-1, -1] = 1e-9 * product[-1, -1]
        weight = np.linalg.solve(product + ridge, sums)
        return float(roc_auc_score(label, self.columns[rows] @ weight))


def _usual(others: list[float], recent: int) -> float:
    """Return the AUC that one more stretch would exceed once in 20, from as many as do not overlap."""
    apart = max(2, len(others) // recent)
    if len(others) < 2:
        return 1.0
    reach = float(t.ppf(1 - CHANCE, apart - 1)) * np.sqrt(1 + 1 / apart)
    return float(np.mean(others) + reach * np.std(others, ddof=1))


def _top(inputs: Floats, used: list[str], recent: Mask) -> list[dict[str, Any]]:
    """Return the inputs that tell most by themselves, a missing value lying below all others."""
    filled = np.where(np.isnan(inputs), -np.inf, inputs)
    alone = np.array([roc_auc_score(recent, rankdata(column)) for column in filled.T])
    order = np.argsort(-np.abs(alone - 0.5), kind="stable")[:SHOWN]
    return [{"feature": used[number], "auc_alone": float(alone[number])} for number in order]


def _coded(table: pd.DataFrame) -> Floats:
    """Return the columns as numbers; a level is the rank of its frequency, so that rare ones lie together."""
    found = []
    for name in table:
        values = table[name]
        if not pd.api.types.is_numeric_dtype(values):
            text = values.astype(object)
            values = text.map(text.value_counts().rank(method="first"))
        found.append(values.to_numpy(dtype=float, na_value=np.nan))
    return np.column_stack(found)


def _strength(auc: float, settings: Settings) -> str:
    for name in ("strong", "moderate", "mild"):
        if auc >= getattr(settings, name):
            return name
    return "none"
