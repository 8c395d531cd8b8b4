"""market: a quantity predicted against a bookmaker's line: errors, bets, and what the line itself would have done."""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.grading import USUAL, Picks, by_chance, grade, posted, tally
from core.intervals import verdict
from core.params import Knobs
from core.prices import Method, break_even
from core.reliability import COLUMNS
from stages.evaluate._board import Board
from stages.evaluate._closing import closing_value
from stages.evaluate._ladder import all_rows, folds, ladder, likeness, resampling
from stages.evaluate._line_types import side_by_side
from stages.evaluate._outlook import Outlook, held, judge, outlook
from stages.evaluate._parts import parts
from stages.evaluate._rivals import rivals

Report = dict[str, Any]
Tables = dict[str, pd.DataFrame]

ANY = float(np.finfo(float).tiny)  # an edge that every forecast off the line has


class Settings(Knobs):
    """Which bets are made and how figures are cut."""

    edges: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)
    chances: list[Annotated[float, Field(gt=0.5, lt=1)]]
    bins: int = Field(ge=2)
    devig: Method


def evaluate(
    predictions: pd.DataFrame, prepared: pd.DataFrame, settings: Settings, seed: int
) -> tuple[Report, Report, Tables]:
    """Return the headline scores, the report with intervals over groups (game days), and the tables to plot.

    Scores and bets are of rows with a real line; where no row has one, whatever needs it is None. Errors are in units
    of the target, returns in stakes. The headline bets are those of the tuned arm at the first edge.
    """
    board = Board.of(predictions, prepared, settings.edges[0], settings.devig, seed)
    future = outlook(board, "tuned")
    needing_lines: dict[str, Callable[[], Any]] = {
        "ladder": lambda: ladder(board),
        "picks": lambda: _picks(board, future, settings),
        "segments": lambda: parts(board, board.bets("tuned")),
        "likeness": lambda: likeness(board, settings.edges),
        "closing": lambda: _closing(board),
        "always": lambda: _always(board),
        "tuned_against_default": lambda: _against_default(board),
    }
    report = {name: part() if board.lined.any() else None for name, part in needing_lines.items()}
    report |= {
        "all_rows": all_rows(board),
        "line_types": _line_types(board),
        "distribution": judge(board, future, settings.bins) if future else None,
        "resampling": resampling(board),
        "folds": folds(board),
    }
    return _scores(board), report, _plots(board, future, report, settings)


def compare(
    one: pd.DataFrame,
    other: pd.DataFrame,
    prepared: pd.DataFrame,
    names: tuple[str, str],
    settings: Settings,
    seed: int,
) -> Report:
    """Return how two runs' tuned arms differ on the same rows: error on all of them, bets on those with a real line."""
    boards = [Board.of(each, prepared, settings.edges[0], settings.devig, seed) for each in (one, other)]
    blocks = boards[0].blocks
    ahead = blocks.mean(boards[0].error("tuned") - boards[1].error("tuned"))
    picks = rivals(boards[0].bets("tuned"), boards[1].bets("tuned"), names, blocks)
    found = verdict(ahead, f"{names[0]} errs less", f"{names[1]} errs less")
    noise = "the difference is noise" if found == "undecided" else found
    within = "" if ahead["low"] is None else f" ({ahead['low']:+.4f} to {ahead['high']:+.4f})"
    error = f"The mean error of {names[0]} less that of {names[1]} is {ahead['value']:+.4f}{within}: {noise}."
    return {"error": ahead, "picks": picks, "sentences": [error, picks["sentence"]]}


def _scores(board: Board) -> Report:
    lined, bets = board.lined, tally(board.bets("tuned"), board.blocks)
    rate = bets["hit_rate"]
    return {
        "rows": int(lined.sum()),
        "mae": float(board.error("tuned")[lined].mean()) if lined.any() else None,
        "line_mae": float(board.error("line")[lined].mean()) if lined.any() else None,
        "hit_rate": rate["value"],
        "hit_rate_low": rate["low"],
        "hit_rate_high": rate["high"],
        "bets": bets["bets"] if lined.any() else None,
        "roi": bets["roi"]["value"],
    }


def _picks(board: Board, future: Outlook | None, settings: Settings) -> Report:
    """Return the bets of the tuned arm by distance from the line and, with a distribution, by chance of winning."""
    by_edge = [{"edge": edge} | _bets(board, board.bets("tuned", edge)) for edge in settings.edges]
    if future is None:
        return {"by_edge": by_edge, "by_chance": None}
    sides = {least: by_chance(future.over, future.under, least) for least in settings.chances}
    picks = {least: grade(side, board["line"], board["target"]) for least, side in sides.items()}
    return {"by_edge": by_edge, "by_chance": [{"chance": least} | _bets(board, each) for least, each in picks.items()]}


def _bets(board: Board, picks: Picks) -> Report:
    return tally(picks, board.blocks) | {"posted": posted(picks, board.offer, board.blocks)}


def _always(board: Board) -> Report:
    """Return what betting the same side of every line would have done."""
    sides = {"over": board.lined * 1, "under": board.lined * -1}
    return {name: _bets(board, grade(side, board["line"], board["target"])) for name, side in sides.items()}


def _closing(board: Board) -> Report | None:
    forecast, opening, close, actual = (board[name] for name in ("tuned", "open_line", "line", "target"))
    return closing_value(forecast, opening, close, actual, board.edge, board.blocks)


def _line_types(board: Board) -> Report:
    """Return the headline bets by type of line and, under `every_side`, a bet on whichever side the forecast lies."""
    tuned, actual, real, estimated = (board[name] for name in ("tuned", "target", "line", "estimated_line"))
    headline, every = (side_by_side(tuned, actual, real, estimated, edge, board.blocks) for edge in (board.edge, ANY))
    return headline | {"every_side": every}


def _against_default(board: Board) -> Report | None:
    if "default" not in board:
        return None
    return rivals(board.bets("tuned"), board.bets("default"), ("tuned", "default"), board.blocks)


def _plots(board: Board, future: Outlook | None, report: Report, settings: Settings) -> Tables:
    rungs = report["ladder"]["rungs"] if report["ladder"] else {}
    edges = report["picks"]["by_edge"] if report["picks"] else []
    asked = float(break_even(USUAL))
    kinds = {name: report["line_types"][name] for name in ("actual", "estimated", "mixed")}
    kinds |= {f"same rows, {name}": report["line_types"]["same_rows"][name] for name in ("actual", "estimated")}
    return {
        "ladder": pd.DataFrame([(n, r["mae"]["value"]) for n, r in rungs.items()], columns=["rung", "mae"]),
        "reliability": held(board, future, settings.bins) if future else pd.DataFrame(columns=list(COLUMNS)),
        "months": _months(board),
        "edges": _rates({f"{row['edge']:g}": row for row in edges}, "edge").assign(break_even=asked),
        "line_types": _rates(kinds, "line_type"),
    }


def _rates(tallies: dict[str, Report], name: str) -> pd.DataFrame:
    ends = [(key, *(each["hit_rate"][end] for end in ("value", "low", "high"))) for key, each in tallies.items()]
    return pd.DataFrame(ends, columns=[name, "hit_rate", "low", "high"])


def _months(board: Board) -> pd.DataFrame:
    """Return by month the errors of the tuned arm and, where there is a line, of both, and the headline hit rate."""
    picks, lined = board.bets("tuned"), board.lined
    month = board.rows["time"].dt.strftime("%Y-%m").to_numpy()
    errors = {"mae_of_all_rows": board.error("tuned"), "mae": np.where(lined, board.error("tuned"), np.nan)}
    won = np.where(picks.decided, picks.won, np.nan)
    table = pd.DataFrame(errors | {"line_mae": board.error("line"), "hit_rate": won})
    return table.groupby(month).mean().rename_axis("month").reset_index()
