"""knows_close: is an input the closing price or line under another name, though that is not known yet?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.market_rows import MarketRows, iter_market_inputs, read_market_rows
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.confidence_intervals import MIN_BLOCKS
from trueline.core.stats.group_ops import Codes, rank_within_group
from trueline.core.stored_tables.lazy_parquet import is_number_column

NAME = "Is an input the closing price or line under another name?"
ASKS = "honesty"

FIRST_LINE = "open_line"  # a quote that is known before the decision, and close to the last one
LEAST_VALUES = 5  # different values in a group; the ranks of fewer agree by chance
SAME_FIGURE = 0.9999  # rank correlation from which two figures rank the rows alike
MAX_SHOWN = 10
FIGURES = ("rank_correlation", "share_of_groups", "share_of_favourites")


@dataclass(frozen=True)
class RankedFigure:
    """A market's figure as ranks within groups, and the order of the rows by group and rank."""

    ranks: Floats
    order: Ints


class Settings(StageSettings):
    """From which rank correlation, and in which share of groups, an input is a figure of the off, or may be one."""

    rank_correlation: float = Field(gt=0, lt=1)
    group_share: float = Field(gt=0, lt=1)
    favourite_share: float = Field(gt=0, lt=1)
    doubtful_correlation: float = Field(gt=0, lt=1)
    doubtful_share: float = Field(gt=0, lt=1)
    doubtful_favourite: float = Field(gt=0, lt=1)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Fail for inputs whose ranks within groups are nearly those of a market's figure that is known only at the off.

    Fail also for inputs that mark the favourite of nearly every race, though they may rank no other runner. Warn of
    those that follow the market more closely than past form does, as a closing price with noise does, and as a forecast
    price would, whose time must then be asked for. An input that follows the first line, which is known, at least as
    closely is none. Declines if the decision is made at the off, without such a figure, and with fewer than 30 groups.
    """
    if evidence.audit.get("decision") == "at_start":
        return decline("The decision is made at the off, when the market's last figures are known.")
    group_count, market_columns = read_market_rows(evidence).group_count, _list_market_columns(evidence)
    if group_count < MIN_BLOCKS or not market_columns:
        return decline(f"The market prices {group_count} groups; {MIN_BLOCKS} are needed.")
    measured, figures = [], dict[str, RankedFigure]()
    for name, values, market in iter_market_inputs(evidence):
        figures = figures or _rank_figures(evidence, market_columns, market)
        if pd.api.types.is_numeric_dtype(values):
            ranks = _rank_upward(values.to_numpy(float, na_value=np.nan), market.group)
            nearest = _find_nearest_figure(ranks, figures, market, settings.rank_correlation)
            is_judged = market.kind == "share" and nearest["figure"] != FIRST_LINE
            share = _measure_favourite_share(ranks, market) if is_judged else 0.0
            measured.append({"input": name} | nearest | {"share_of_favourites": share})
    measured.sort(key=lambda entry: (-max(entry[figure] for figure in FIGURES), entry["input"]))
    limits = (settings.rank_correlation, settings.group_share, settings.favourite_share)
    doubtful_limits = (settings.doubtful_correlation, settings.doubtful_share, settings.doubtful_favourite)
    named = [entry for entry in measured if _is_beyond(entry, limits)]
    is_failure = bool(named)
    named = named or [entry for entry in measured if _is_beyond(entry, doubtful_limits)]
    details: dict[str, Any] = {"inputs": [entry["input"] for entry in named], "top": measured[:MAX_SHOWN]}
    if not named:
        most = f"the nearest is {measured[0]['input']}" if measured else "there are none with numbers"
        if measured:
            most += f" with a rank correlation of {measured[0]['rank_correlation']:.3f} to {measured[0]['figure']}"
        return make_finding("ok", f"No input is a closing figure in disguise: {most}.", **details)
    shown = ", ".join(
        f"{entry['input']} ({entry['figure']}, rank correlation {entry['rank_correlation']:.3f}"
        + (f", the favourite of {share:.0%} of the races" if (share := entry["share_of_favourites"]) else "")
        + ")"
        for entry in named[:MAX_SHOWN]
    )
    if is_failure:
        summary = f"{shown} has nearly the ranks of what the market says at the off, which is not known yet."
        return make_finding("failed", summary, **details)
    summary = (
        f"{shown} follows what the market says at the off more closely than past form does: ask when it was known."
    )
    return make_finding("warning", summary, **details)


def _is_beyond(entry: dict[str, Any], limits: tuple[float, float, float]) -> bool:
    return any(entry[figure] >= limit for figure, limit in zip(FIGURES, limits, strict=True))


def _list_market_columns(evidence: Evidence) -> list[str]:
    """Return the numbers that are known at the off only, and the first line."""
    return [
        column.name
        for column in evidence.columns
        if (column.known == "at_start" and not column.evaluation_only) or column.name == FIRST_LINE
        if column.name in evidence.prepared and is_number_column(evidence.prepared, column.name)
    ]


def _rank_figures(evidence: Evidence, names: list[str], market: MarketRows) -> dict[str, RankedFigure]:
    """Return the ranks of the market's figures, without those that rank the rows as an earlier one does."""
    figures: dict[str, RankedFigure] = {}
    for name in sorted(names, key=lambda name: name != "soft_label"):
        values = evidence.prepared[name].to_numpy(float, na_value=np.nan)[market.position]
        ranks = _rank_upward(values, market.group)
        if not any(_compare_ranks(ranks, known, market.group, 1.0)[0] > SAME_FIGURE for known in figures.values()):
            figures[name] = RankedFigure(ranks, np.lexsort((ranks, market.group)))
    return figures


def _rank_upward(values: Floats, code: Codes) -> Floats:
    """Return mean ranks within groups, 1 for the smallest; missing for what is missing or infinite."""
    return rank_within_group(np.where(np.isfinite(values), -values, np.nan), code)


def _find_nearest_figure(
    ranks: Floats, figures: dict[str, RankedFigure], market: MarketRows, limit: float
) -> dict[str, Any]:
    """Return the figure that an input follows most closely, how closely, and in which share of the groups at the limit.

    Both are 0 if that figure is the first line, which is known.
    """
    compared = {name: _compare_ranks(ranks, figure, market.group, limit) for name, figure in figures.items()}
    nearest = max(compared, key=lambda name: max(compared[name]))
    correlation, share = (0.0, 0.0) if nearest == FIRST_LINE else compared[nearest]
    return {"figure": nearest, "rank_correlation": correlation, "share_of_groups": share}


def _compare_ranks(ranks: Floats, figure: RankedFigure, group: Codes, limit: float) -> tuple[float, float]:
    """Return the absolute correlation of ranks within groups, and the share of larger groups in which it is at a limit.

    Both are 0 with too few groups that have both ranks.
    """
    is_present = np.isfinite(ranks) & np.isfinite(figure.ranks)
    row_counts = np.bincount(group[is_present])
    if np.count_nonzero(row_counts) < MIN_BLOCKS:
        return 0.0, 0.0
    code = group[is_present]
    x, y = (_remove_group_means(column[is_present], code) for column in (ranks, figure.ranks))
    products, x_squares, y_squares = (np.bincount(code, weights=values) for values in (x * y, x * x, y * y))
    scale = np.sqrt(x_squares * y_squares)
    is_large = _count_distinct_ranks(figure, group, is_present) >= LEAST_VALUES
    by_group = np.abs(products[is_large]) / np.where(scale[is_large] > 0, scale[is_large], 1.0)
    total_scale = float(np.sqrt(x_squares.sum() * y_squares.sum()))
    correlation = abs(float(products.sum())) / total_scale if total_scale > 0 else 0.0
    return correlation, float((by_group >= limit).mean()) if len(by_group) else 0.0


def _count_distinct_ranks(figure: RankedFigure, group: Codes, is_present: Mask) -> Ints:
    """Return for each group how many different ranks a figure has in the rows that are present."""
    rows = figure.order[is_present[figure.order]]
    sorted_group, sorted_ranks = group[rows], figure.ranks[rows]
    is_first = np.ones(len(rows), dtype=np.bool_)
    is_first[1:] = (sorted_group[1:] != sorted_group[:-1]) | (sorted_ranks[1:] != sorted_ranks[:-1])
    return np.bincount(sorted_group[is_first])


def _measure_favourite_share(ranks: Floats, market: MarketRows) -> float:
    """Return in which share of larger races the one runner that an input puts first, or last, is the favourite.

    The larger share of both; 0 if both are a single runner in fewer than 30 races or in less than half: a rough rating
    that is honest has a single leader where one runner is far the best, and so is the favourite.
    """
    is_large = np.bincount(market.group) >= LEAST_VALUES
    favourites = _find_single_leaders(market.market, market.group)
    shares = [0.0]
    for sign in (1.0, -1.0):
        leaders = _find_single_leaders(sign * ranks, market.group)
        is_judged = is_large & (favourites >= 0) & (leaders >= 0)
        if is_judged.sum() >= max(MIN_BLOCKS, is_large.sum() / 2):
            shares.append(float((leaders == favourites)[is_judged].mean()))
    return max(shares)


def _find_single_leaders(values: Floats, code: Codes) -> Ints:
    """Return the position of each group's highest value; −1 where several rows share it, or none has a value."""
    highest = np.full(int(code.max()) + 1, -np.inf)
    np.maximum.at(highest, code, np.where(np.isfinite(values), values, -np.inf))
    leads = np.flatnonzero(np.isfinite(values) & (values == highest[code]))
    position = np.full(len(highest), -1, dtype=np.int64)
    position[code[leads]] = leads
    position[np.bincount(code[leads], minlength=len(highest)) != 1] = -1
    return position


def _remove_group_means(values: Floats, code: Codes) -> Floats:
    return np.asarray(values - (np.bincount(code, weights=values) / np.maximum(np.bincount(code), 1))[code])
