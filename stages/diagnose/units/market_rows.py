"""Market rows: the results of all prepared rows beside what the market said about them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence, compute_once
from trueline.core.splits.walk_forward import TARGET
from trueline.core.stats.group_ops import Codes, encode_groups, normalize_by_group, sum_by_group
from trueline.core.stored_tables.lazy_parquet import is_number_column, iter_columns
from trueline.core.stored_tables.row_lookup import lookup_rows

PRICES = ("over_price", "under_price")  # American odds of both sides of a line


@dataclass(frozen=True)
class MarketRows:
    """Rows with a result and a market's figure: a share of the win in whole groups, a single chance, or a line."""

    kind: Literal["share", "chance", "quantity"]
    position: Ints  # in prepared
    target: Floats
    market: Floats  # shares sum to 1 in each group
    over_chance: Floats  # of a line: the chance of more, by its prices without the margin, else one half
    group: Codes

    @property
    def group_count(self) -> int:
        """The number of groups."""
        return int(self.group.max(initial=-1)) + 1

    def select(self, is_kept: Mask) -> "MarketRows":
        """Return some of the rows."""
        columns = {name: getattr(self, name)[is_kept] for name in ("position", "target", "market", "over_chance")}
        return replace(self, **columns, group=encode_groups(pd.Series(self.group[is_kept])))


@compute_once
def read_market_rows(evidence: Evidence) -> MarketRows:
    """Return the rows with a numeric target and a market's figure; none for a task without both."""
    prepared, names = evidence.prepared, (TARGET, "soft_label")
    if not all(name in prepared and is_number_column(prepared, name) for name in names):
        empty = np.empty(0)
        return MarketRows("quantity", np.empty(0, np.int64), empty, empty, empty, np.empty(0, np.int64))
    target, market = (prepared[name].to_numpy(float, na_value=np.nan) for name in names)
    is_usable, group = np.isfinite(target) & np.isfinite(market), encode_groups(prepared["group"])
    is_chance = bool(((target >= 0) & (target <= 1) & (market >= 0) & (market <= 1))[is_usable].all())
    kind: Literal["chance", "quantity"] = "chance" if is_chance else "quantity"
    rows = MarketRows(kind, np.arange(len(target)), target, market, _read_over_chances(evidence), group)
    if not is_chance:
        return rows.select(is_usable)
    is_whole = sum_by_group((~is_usable).astype(float), group) == 0
    rows = rows.select(is_whole)
    if len(rows.target) and np.allclose(sum_by_group(rows.target, rows.group), 1):
        return replace(rows, kind="share", market=normalize_by_group(rows.market, rows.group))
    return rows


def iter_market_inputs(evidence: Evidence) -> Iterator[tuple[str, pd.Series, MarketRows]]:
    """Yield every input by name, with its values on the market rows that have inputs, and these rows."""
    market = read_market_rows(evidence)
    inputs = lookup_rows(evidence.prepared["row_id"].iloc[market.position], evidence.features["row_id"])
    market, inputs = market.select(inputs >= 0), inputs[inputs >= 0]
    for name, values in iter_columns(evidence.features, evidence.input_names):
        yield name, values.iloc[inputs], market


def _read_over_chances(evidence: Evidence) -> Floats:
    chance = np.full(len(evidence.prepared), np.nan)
    if all(name in evidence.prepared for name in PRICES):
        from trueline.core.betting.american_odds import remove_margin  # a dependency of betting tasks only

        over, under = (evidence.prepared[name].to_numpy(float, na_value=np.nan) for name in PRICES)
        chance, _ = remove_margin(over, under, "proportional")
    return np.where(np.isfinite(chance), chance, 0.5)
