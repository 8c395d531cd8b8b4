"""adversarial: can a classifier tell the newest rows from those before them by their inputs alone?"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.special import stdtrit

from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.time_bins import assign_steps, average_steps, find_monotone_columns
from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.probability_scores import compute_auc
from trueline.core.stored_tables.lazy_parquet import iter_columns

NAME = "Do the newest rows look like those before them?"
ASKS = "health"

FOLD_COUNT = 4  # folds of blocks, each classified by a discriminant fitted on the others
MIN_STRETCHES = 19  # earlier stretches needed for a significance level of 1 in 20
CHANCE_LEVEL = 0.05
RIDGE_SHARE = 0.01  # of the rows: keeps the weights of collinear inputs finite
MAX_SHOWN = 5


class Settings(StageSettings):
    """Which rows are recent, how many are sampled, and the AUC from which a shift is mild, moderate or strong."""

    recent_share: float = Field(gt=0, lt=0.5)
    rows: int = Field(ge=200)
    blocks: int = Field(ge=20)
    mild: float = Field(gt=0.5, lt=1)
    moderate: float = Field(gt=0.5, lt=1)
    strong: float = Field(gt=0.5, lt=1)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Classify the newest scored rows against the others; warn if the AUC is at least mild and unusual for a stretch.

    Inputs that only grow (counts) would separate any two periods and are left out. See `discriminate_recent` for what
    is unusual. Declines without a clock and with too few days for enough earlier stretches.
    """
    if evidence.is_timeless:
        return decline("The rows have no clock, so none is newer than another.")
    rows = evidence.scored_rows.sort_values("time", kind="stable")
    sampled_index = np.linspace(0, len(rows) - 1, min(settings.rows, len(rows))).astype(int)
    sampled_rows = rows.iloc[sampled_index][(rows["inputs"] >= 0).to_numpy()[sampled_index]]
    positions, days = sampled_rows["inputs"].to_numpy(), sampled_rows["time"].dt.normalize().reset_index(drop=True)
    inputs = iter_columns(evidence.features, evidence.input_names)
    table = pd.DataFrame({name: values.iloc[positions].reset_index(drop=True) for name, values in inputs})
    result = discriminate_recent(table, days, settings)
    if result["stretches"] < MIN_STRETCHES:
        message = f"{result['blocks']} blocks of days hold {result['stretches']} earlier stretches"
        return decline(f"{message}; {MIN_STRETCHES} are needed.", **result)
    message = (
        f"The newest {settings.recent_share:.0%} of days are told from those before with an AUC of {result['auc']:.3f}"
    )
    if result["strength"] == "none":
        comparison = f"of {result['stretches']} earlier stretches {result['chance']:.0%} are told as well"
        return make_finding("ok", f"{message}: {comparison}, or it is too little to matter.", **result)
    top_names = ", ".join(entry["feature"] for entry in result["top"][:3])
    return make_finding("warning", f"{message}, a {result['strength']} shift, by {top_names}.", **result)


def discriminate_recent(table: pd.DataFrame, block: pd.Series | None, settings: Settings) -> dict[str, Any]:
    """Return how well the newest rows of a table in time order can be distinguished from the rest, and by which inputs.

    `block` marks rows that belong together (a day); they are gathered into at most `settings.blocks` blocks, which are
    never split between fitting and scoring. The classifier is a linear discriminant on the ranks of each input, their
    squares, and missing indicators. The reference is every earlier stretch of as many blocks, classified against the
    blocks before it, of which there are at least as many: slowly moving inputs separate any stretch, and that is no
    shift. `chance` is the share of stretches (the newest counted) with an AUC as high, `usual` the AUC that a further
    stretch would exceed once in 20; `strength` is none unless both show that the newest is unusual. `top` lists the
    inputs that separate best on their own, each with its AUC.
    """
    group = assign_steps(block, len(table), settings.blocks)
    block_count = int(group[-1]) + 1
    recent_count = max(1, round(block_count * settings.recent_share))
    encoded = _encode_inputs(table)
    series = np.column_stack([average_steps(column, group) for column in encoded.T])
    growing_mask = find_monotone_columns(series, block_count - recent_count)
    with limit_to_one_thread():
        discriminant = _BlockDiscriminant(encoded[:, ~growing_mask], group)
        block_index = np.arange(block_count)
        ends = [*range(2 * recent_count, block_count - recent_count + 1), block_count]
        *earlier_aucs, auc = (
            discriminant.compute_auc((block_index >= end - recent_count) & (block_index < end), block_index < end)
            for end in ends
        )
    usual = _estimate_usual_auc(earlier_aucs, recent_count)
    chance = (1 + sum(earlier_auc >= auc for earlier_auc in earlier_aucs)) / (1 + len(earlier_aucs))
    used_names = [str(name) for name, is_growing in zip(table, growing_mask, strict=True) if not is_growing]
    return {
        "auc": auc,
        "strength": _label_strength(auc, settings) if chance <= CHANCE_LEVEL and auc > usual else "none",
        "chance": chance,
        "usual": usual,
        "top": _rank_inputs(encoded[:, ~growing_mask], used_names, group >= block_count - recent_count),
        "growing": [str(name) for name, is_growing in zip(table, growing_mask, strict=True) if is_growing],
        "rows": len(table),
        "blocks": block_count,
        "stretches": len(earlier_aucs),
    }


@dataclass(frozen=True)
class _BlockDiscriminant:
    """Inputs in blocks, and how well discriminants fitted on other blocks recover a labelling of blocks."""

    inputs: Floats
    group: Ints

    @cached_property
    def columns(self) -> Floats:
        """The ranks of each input from −1 to 1 (0 where missing), their squares, missing indicators, and a constant."""
        missing = np.isnan(self.inputs)
        ranks = np.where(missing, 0.0, 2 * pd.DataFrame(self.inputs).rank().to_numpy() / len(self.inputs) - 1)
        terms = np.hstack([ranks, np.where(missing, 1 / 3, np.square(ranks)), missing[:, missing.any(axis=0)]])
        return np.column_stack([terms, np.ones(len(terms))])

    @cached_property
    def products(self) -> Floats:
        """Each block's cross products of the columns; a fit on any blocks uses their sum."""
        block_starts = np.searchsorted(self.group, np.arange(int(self.group[-1]) + 2))
        blocks = [self.columns[begin:end] for begin, end in pairwise(block_starts)]
        return np.stack([block.T @ block for block in blocks])

    def compute_auc(self, recent: Mask, among: Mask) -> float:
        """Return the mean cross-validated AUC of `recent` blocks against the others in `among`; 0.5 if none exists."""
        fold_codes = np.full(len(recent), -1)
        for label in (False, True):
            selected = among & (recent == label)
            fold_codes[selected] = np.arange(selected.sum()) % FOLD_COUNT
        held_out = fold_codes == np.arange(FOLD_COUNT)[:, None]
        fit = among & ~held_out
        held_out_products = [self.products[blocks].sum(axis=0) for blocks in held_out]
        product = sum(held_out_products)
        fold_aucs = [
            self._compute_fold_auc(recent, fit[fold_index], held_out[fold_index], product - held_out_product)
            for fold_index, held_out_product in enumerate(held_out_products)
        ]
        known_aucs = [fold_auc for fold_auc in fold_aucs if fold_auc is not None]
        return float(np.mean(known_aucs)) if known_aucs else 0.5

    def _compute_fold_auc(self, recent: Mask, fit: Mask, held_out: Mask, product: Floats) -> float | None:
        """Return the AUC on held-out blocks, of which `product` is the sum of cross products of those to fit on."""
        row_mask = held_out[self.group]
        label = recent[self.group[row_mask]]
        if label.all() or not label.any() or not (recent & fit).any():
            return None
        sums = self.products[fit & recent, -1].sum(axis=0)
        ridge = RIDGE_SHARE * product[-1, -1] * np.eye(len(product))
        ridge[-1, -1] = 1e-9 * product[-1, -1]
        weight = np.linalg.solve(product + ridge, sums)
        return compute_auc(label, self.columns[row_mask] @ weight)


def _estimate_usual_auc(earlier_aucs: list[float], recent_count: int) -> float:
    """Return the AUC that one more stretch would exceed once in 20; only non-overlapping ones count as independent."""
    independent_count = max(2, len(earlier_aucs) // recent_count)
    if len(earlier_aucs) < 2:
        return 1.0
    reach = float(stdtrit(independent_count - 1, 1 - CHANCE_LEVEL)) * np.sqrt(1 + 1 / independent_count)
    return float(np.mean(earlier_aucs) + reach * np.std(earlier_aucs, ddof=1))


def _rank_inputs(inputs: Floats, used_names: list[str], recent: Mask) -> list[dict[str, Any]]:
    """Return the inputs that separate recent rows best on their own; a missing value ranks below all others."""
    filled = np.where(np.isnan(inputs), -np.inf, inputs)
    single_aucs = np.array([compute_auc(recent, column) for column in filled.T])
    order = np.argsort(-np.abs(single_aucs - 0.5), kind="stable")[:MAX_SHOWN]
    return [{"feature": used_names[index], "auc_alone": float(single_aucs[index])} for index in order]


def _encode_inputs(table: pd.DataFrame) -> Floats:
    """Return the columns as numbers; a level becomes the rank of its frequency, which puts rare levels together."""
    columns = []
    for name in table:
        values = table[name]
        if not pd.api.types.is_numeric_dtype(values):
            text = values.astype(object)
            values = text.map(text.value_counts().rank(method="first"))
        columns.append(values.to_numpy(dtype=float, na_value=np.nan))
    return np.column_stack(columns)


def _label_strength(auc: float, settings: Settings) -> str:
    return next((name for name in ("strong", "moderate", "mild") if auc >= getattr(settings, name)), "none")
