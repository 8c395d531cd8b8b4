"""The board: scored rows beside what the market said of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.blocks import Blocks
from core.grading import Offer, Picks, by_edge, grade
from core.prices import Method

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUMBERS = (
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
WORDS = ("line_type", "season", "season_type")


@dataclass(frozen=True)
class Board:
    """Predictions in time order with the columns of their prepared rows; `line` is there only where it is a real quote.

    `board["tuned"]` is a column as numbers, missing where unknown.
    """

    rows: pd.DataFrame
    blocks: Blocks  # the days
    offer: Offer
    edge: float  # the distance from the line at which the headline bets are made

    @classmethod
    def of(cls, predictions: pd.DataFrame, prepared: pd.DataFrame, edge: float, devig: Method, seed: int) -> "Board":
        """Return the board; a column that `prepared` does not have is missing in every row."""
        facts = prepared.set_index("row_id").reindex(index=predictions["row_id"], columns=[*NUMBERS, *WORDS])
        joined = predictions.assign(**{name: facts[name].to_numpy() for name in (*NUMBERS, *WORDS)})
        rows = joined.sort_values(["time", "group", "row_id"], kind="stable", ignore_index=True)
        rows[list(NUMBERS)] = rows[list(NUMBERS)].astype(np.float64)
        rows["line"] = rows["line"].where(rows["line_type"] == "actual")
        offer = Offer.of(rows["over_price"].to_numpy(), rows["under_price"].to_numpy(), devig)
        return cls(rows, Blocks(rows["group"], seed), offer, edge)

    def __getitem__(self, name: str) -> Floats:
        return self.rows[name].to_numpy(np.float64)

    def __contains__(self, name: str) -> bool:
        return name in self.rows

    @property
    def lined(self) -> Mask:
        """Rows with a real line."""
        return np.asarray(~np.isnan(self["line"]))

    def error(self, name: str) -> Floats:
        """Return the absolute error of a column as a forecast."""
        return np.abs(self[name] - self["target"])

    def bets(self, name: str, edge: float | None = None) -> Picks:
        """Return the bets of a column as a forecast against the real line, at the headline edge or another."""
        line = self["line"]
        return grade(by_edge(self[name], line, self.edge if edge is None else edge), line, self["target"])
