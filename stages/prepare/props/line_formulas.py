"""Formula lines: lines that are a rounded mean or a median of a player's last games, which no market quotes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WINDOWS = range(3, 21)  # games: the numbers of last games of which a mean is tried
SPANS = range(4, 21)  # games: the spans of fading means that are tried; shorter ones differ too much to be compared
# Lines within half a step of the mean: it is rounded to a tenth, to a half, or to a whole number or a half point.
STEPS = (0.1, 0.5, 1.0)
# Cubic interpolation between means of one and two games more and fewer: how often a market's line is near a mean
# changes smoothly with the number of games, so what exceeds this is no market.
NEIGHBOUR_WEIGHTS = {-2: -1 / 6, -1: 4 / 6, 1: 4 / 6, 2: -1 / 6}
# The mean of all games so far has no neighbours with more games: those with fewer are extrapolated.
SHORTER_WEIGHTS = {-2: -1.0, -1: 2.0}
MEDIAN_WINDOWS = range(3, 12)  # games: the numbers of last games of which a median is tried
MEDIAN_STEPS = (0.5, 1.0)
# Medians of an odd number of games are whole and of an even number half points, so only numbers two apart are alike.
# A market's line is the nearer to a median the more games it has, at a falling rate: longer ones are extrapolated.
LONGER_WEIGHTS = {2: 2.0, 4: -1.0}
LEAST_LINES = 200  # lines: of fewer, no part is judged
MOST_LISTED = 5


class PlayerGames(NamedTuple):
    """What each player reached, by player and time, and how many games of the player and season came before each."""

    target: Floats
    played: Ints
    season_played: Ints


def summarise_formula_lines(games: pd.DataFrame, quotes: pd.DataFrame, quantity: str) -> dict[str, Any]:
    """Return the number of actual quotes, of formulas tried on parts of them, and the parts that are most like one.

    `games` has one row per player and game, `quotes` refers to its index by `game_row`.
    """
    games = games.sort_values(["player_id", "date", "game_id"], kind="stable")
    history = PlayerGames(
        games[quantity].to_numpy(float),
        np.asarray(games.groupby("player_id").cumcount(), dtype=np.int64),
        np.asarray(games.groupby(["player_id", "season"]).cumcount(), dtype=np.int64),
    )
    actual = quotes[quotes["line_type"] == "actual"]
    lines = pd.DataFrame(
        {
            "row": games.index.get_indexer(pd.Index(actual["game_row"])),
            "line": actual["line"].to_numpy(float),
            "book": actual["book"].fillna("").to_numpy(),
            "month": actual["time"].dt.strftime("%Y-%m").to_numpy(),
        }
    )
    # sums of shares round by their order, and no result may depend on that of the source
    measured = compute_formula_excess(history, lines.sort_values(["row", "line", "book", "month"], ignore_index=True))
    top = measured.sort_values(["z", "part", "formula"], ascending=[False, True, True]).head(MOST_LISTED)
    return {"lines": len(lines), "tried": len(measured), "top": top.to_dict("records")}


def compute_formula_excess(games: PlayerGames, lines: pd.DataFrame) -> pd.DataFrame:
    """Return for each part of the lines and each formula how much more often than by chance a line equals it.

    `lines` has `row` (position in `games`), `line`, `book` and `month`. Parts are all lines, those of a book, and those
    of a month. The result has the columns part, formula, lines, `excess` (a share of the part's lines, and a lower
    bound of the share made by the formula) and `z`, the excess over its standard error, where the lines of a player and
    game count as one. Means of whole numbers lie on a lattice that depends on their number, so each is spread over its
    cell of the lattice; otherwise the lattices would differ more than formulas do.
    """
    row, line = lines["row"].to_numpy(), lines["line"].to_numpy(float)
    start = pd.factorize(row)[0]
    line_sets = list(_list_parts(lines))
    results = []
    for formula, excess in _iter_formulas(games, row, line):
        has_excess = np.isfinite(excess)
        for part_name, is_inside in line_sets:
            usable = is_inside & has_excess
            count = int(usable.sum())
            if count < LEAST_LINES:
                continue
            sums = np.bincount(start[usable], weights=excess[usable])
            error = float(np.sqrt(sums @ sums))
            total = float(sums.sum())
            results.append((part_name, formula, count, total / count, total / error if error else 0.0))
    return pd.DataFrame(results, columns=["part", "formula", "lines", "excess", "z"])


def _list_parts(lines: pd.DataFrame) -> Iterator[tuple[str, Mask]]:
    yield "all lines", np.ones(len(lines), dtype=bool)
    for name in ("book", "month"):
        counts = lines[name].value_counts().sort_index()
        for value in counts.index[(counts >= LEAST_LINES) & (counts < len(lines))]:
            yield f"{name} {value}" if value else f"no {name}", (lines[name] == value).to_numpy()


def _iter_formulas(games: PlayerGames, row: Ints, line: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield each formula with the excess of every line; missing where the player has too few games."""
    sums = np.concatenate([[0.0], np.cumsum(games.target)])
    counts = {f"mean of the last {count} games": np.full(len(row), count) for count in WINDOWS}
    counts |= {"mean of the season's games": games.season_played[row], "mean of all games": games.played[row]}
    for name, count in counts.items():
        weights = SHORTER_WEIGHTS if name == "mean of all games" else NEIGHBOUR_WEIGHTS
        usable = (count >= min(WINDOWS)) & (count + max(*weights, 0) <= games.played[row])
        for step in STEPS:
            excess = _compute_matches(sums, row, count, line, step)
            for offset, weight in weights.items():
                excess = excess - weight * _compute_matches(sums, row, count + offset, line, step)
            yield f"{name} to the nearest {step:g}", np.where(usable, excess, np.nan)
    yield from _iter_fading_means(games, row, line)
    yield from _iter_medians(games, row, line)


def _iter_fading_means(games: PlayerGames, row: Ints, line: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield means in which a game counts (span − 1) / (span + 1) of the next; the first may stand for all before."""
    player = pd.Series(np.cumsum(games.played == 0))
    usable = games.played[row] >= min(WINDOWS)
    for is_normalised, name in ((True, "fading mean"), (False, "fading mean from the first game on")):
        means = {}
        for span in range(min(SPANS) + min(NEIGHBOUR_WEIGHTS), max(SPANS) + max(NEIGHBOUR_WEIGHTS) + 1):
            by_player = pd.Series(games.target).groupby(player).ewm(span=span, adjust=is_normalised)
            means[span] = by_player.mean().to_numpy()[np.maximum(row - 1, 0)]
        for step in STEPS:
            matches = {span: (np.abs(mean - line) <= step / 2).astype(float) for span, mean in means.items()}
            for span in SPANS:
                excess = matches[span]
                for offset, weight in NEIGHBOUR_WEIGHTS.items():
                    excess = excess - weight * matches[span + offset]
                yield f"{name} of span {span} to the nearest {step:g}", np.where(usable, excess, np.nan)


def _iter_medians(games: PlayerGames, row: Ints, line: Floats) -> Iterator[tuple[str, Floats]]:
    windows = range(min(MEDIAN_WINDOWS), max(MEDIAN_WINDOWS) + max(LONGER_WEIGHTS) + 1)
    target = pd.Series(games.target)
    medians = {window: target.rolling(window).median().to_numpy()[np.maximum(row - 1, 0)] for window in windows}
    for step in MEDIAN_STEPS:
        matches = {window: (np.abs(median - line) <= step / 2).astype(float) for window, median in medians.items()}
        for window in MEDIAN_WINDOWS:
            excess = matches[window]
            for offset, weight in LONGER_WEIGHTS.items():
                excess = excess - weight * matches[window + offset]
            usable = window + max(LONGER_WEIGHTS) <= games.played[row]
            yield f"median of the last {window} games to the nearest {step:g}", np.where(usable, excess, np.nan)


def _compute_matches(sums: Floats, row: Ints, count: Ints, line: Floats, step: float) -> Floats:
    """Return the share of the lattice cell of the mean of `count` games before a row that is within its line's step."""
    count = np.maximum(count, 1)
    mean = (sums[row] - sums[np.maximum(row - count, 0)]) / count
    half_cell = 0.5 / count
    overlap = np.minimum(mean + half_cell, line + step / 2) - np.maximum(mean - half_cell, line - step / 2)
    return np.asarray(np.clip(overlap, 0.0, None) / (2 * half_cell))
