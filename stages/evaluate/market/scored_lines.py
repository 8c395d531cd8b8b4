"""Scored rows joined with the market's lines and prices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.evaluate.market.payouts import Payout, build_payout
from trueline.core.betting.american_odds import STANDARD_ODDS, MarginMethod
from trueline.core.betting.grading import Picks, PostedOdds, grade_picks, pick_by_edge, summarise_picks
from trueline.core.betting.standing_quotes import (
    CLOCK_COLUMNS,
    Moment,
    describe_grading,
    flag_standing_lines,
    flag_standing_opens,
    has_clock,
)
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stats.group_ops import encode_groups

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUMBER_COLUMNS = (
    "line",
    "open_line",
    "estimated_line",
    "over_price",
    "under_price",
    "home",
    "last_5",
    "last_10",
    "season_mean",
)
TEXT_COLUMNS = ("line_type", "season", "season_type")


@dataclass(frozen=True)
class ScoredBets:
    """Predictions in time order with columns of their prepared rows.

    `line` is missing unless it is a real quote that stood when the inputs of the predictions were known.
    `scored["tuned"]` returns a column as floats, NaN where unknown.
    """

    rows: pd.DataFrame
    blocks: BlockBootstrap  # resamples groups (days)
    posted_odds: PostedOdds
    headline_edge: float  # the distance from the line at which the headline bets are placed
    clock: dict[str, Any]  # how many lines may grade bets, and why not all
    payout: Payout

    @classmethod
    def from_predictions(
        cls,
        predictions: pd.DataFrame,
        prepared: pd.DataFrame,
        edge: float,
        devig: MarginMethod,
        seed: int,
        flat_odds: float | None = STANDARD_ODDS,
    ) -> "ScoredBets":
        """Join predictions with their prepared rows; a column that `prepared` lacks is missing in every row.

        Bets are paid at `flat_odds` (American), or at the posted odds if that is None.
        `predictions` may say in `inputs_known` when their inputs were known: before, which is the default, or at_start.
        """
        names = [*NUMBER_COLUMNS, *TEXT_COLUMNS, *CLOCK_COLUMNS]
        prepared_rows = prepared.set_index("row_id").reindex(index=predictions["row_id"], columns=names)
        joined = predictions.assign(**{name: prepared_rows[name].to_numpy() for name in names})
        rows = joined.sort_values(["time", "group", "row_id"], kind="stable", ignore_index=True)
        rows[list(NUMBER_COLUMNS)] = rows[list(NUMBER_COLUMNS)].astype(np.float64)
        rows["line"] = rows["line"].where(rows["line_type"] == "actual")
        moment: Moment = predictions["inputs_known"].iloc[0] if "inputs_known" in predictions else "before"
        clock = _mask_ended_lines(rows, moment, has_clock(prepared))
        posted_odds = PostedOdds.from_odds(rows["over_price"].to_numpy(), rows["under_price"].to_numpy(), devig)
        payout = build_payout(flat_odds, posted_odds.over, posted_odds.under)
        return cls(rows, BlockBootstrap(encode_groups(rows["group"]), seed), posted_odds, edge, clock, payout)

    def __getitem__(self, name: str) -> Floats:
        return self.rows[name].to_numpy(np.float64)

    def __contains__(self, name: str) -> bool:
        return name in self.rows

    @property
    def has_line(self) -> Mask:
        """Rows with a real line."""
        return np.asarray(~np.isnan(self["line"]))

    def compute_absolute_error(self, name: str) -> Floats:
        """Return the absolute error of a column taken as a forecast."""
        return np.abs(self[name] - self["target"])

    def summarise_bets(self, picks: Picks) -> dict[str, Any]:
        """Return counts, hit rate and return of picks, paid as the payout says."""
        return summarise_picks(picks, self.blocks, self.payout.find_odds(picks.direction))

    def grade_bets(self, name: str, edge: float | None = None) -> Picks:
        """Return a forecast column's graded bets against the real line; by default at the headline edge."""
        line = self["line"]
        return grade_picks(
            pick_by_edge(self[name], line, self.headline_edge if edge is None else edge), line, self["target"]
        )


def _mask_ended_lines(rows: pd.DataFrame, moment: Moment, is_timed: bool) -> dict[str, Any]:
    """Make lines missing that did not stand when the inputs were known, with their prices; return what became of them.

    An estimate beside such a line is made missing too: the row does not count as one without a real line.
    """
    has_line, may_grade = rows["line"].notna(), flag_standing_lines(rows, moment, is_timed)
    rows.loc[has_line & ~may_grade, ["line", "estimated_line", "over_price", "under_price"]] = np.nan
    rows.loc[~flag_standing_opens(rows, moment), "open_line"] = np.nan
    return describe_grading(moment, int(has_line.sum()), int((has_line & may_grade).sum()), is_timed)
