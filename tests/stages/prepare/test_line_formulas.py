"""Lines by formula: whatever the number of games and the rounding, and never of a market that only knows the player."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.props.line_formulas import (
    PlayerGames,
    _compute_matches,
    compute_formula_excess,
    summarise_formula_lines,
)

PLAYERS, GAMES = 60, 90


def league(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Games of players, and the lines of two books that know how good each is, within two points."""
    random = np.random.default_rng(seed)
    level = np.repeat(random.uniform(5, 25, PLAYERS), GAMES)
    day = np.tile(pd.date_range("2025-01-01", periods=GAMES), PLAYERS)
    games = pd.DataFrame({"player_id": [f"p{n:02}" for n in np.arange(PLAYERS).repeat(GAMES)], "date": day})
    games = games.assign(game_id=day.astype(str), season="2025", points=random.poisson(level).astype(float))
    line = np.round(2 * (level + random.normal(0, 2, len(level)))) / 2
    books = [games.assign(line=line + shift, book=book) for book, shift in (("north", 0.0), ("south", 0.5))]
    quotes = pd.concat([book.assign(game_row=book.index) for book in books], ignore_index=True)
    return games, quotes.rename(columns={"date": "time"}).assign(line_type="actual")


def plant(games: pd.DataFrame, quotes: pd.DataFrame, count: int, step: float, share: float) -> pd.DataFrame:
    """Replace a share of the lines of north by the rounded mean of the last games."""
    past = games.groupby("player_id")["points"].transform(lambda points: points.shift().rolling(count).mean())
    formula = (np.round(past.to_numpy() / step) * step)[quotes["game_row"]]
    chosen = np.random.default_rng(5).random(len(quotes)) < share
    chosen &= (quotes["book"] == "north").to_numpy() & np.isfinite(formula)
    return quotes.assign(line=np.where(chosen, formula, quotes["line"]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_market_that_knows_the_player_is_like_no_formula(seed: int) -> None:
    found = summarise_formula_lines(*league(seed), "points")
    assert found["tried"] > 300
    assert found["top"][0]["z"] < 4.5


@pytest.mark.parametrize(("count", "step"), [(3, 0.5), (5, 0.5), (7, 1.0), (10, 0.1), (15, 0.5), (20, 0.5)])
def test_a_tenth_of_the_lines_of_a_book_by_formula_is_named_with_book_and_formula(count: int, step: float) -> None:
    games, quotes = league(4)
    top = summarise_formula_lines(games, plant(games, quotes, count, step, 0.1), "points")["top"][0]
    assert top["part"] in ("book north", "all lines")
    assert top["formula"].startswith(f"mean of the last {count} games")
    assert top["z"] > 5
    assert 0.01 < top["excess"] < 0.12


@pytest.mark.parametrize(("span", "is_normalised"), [(4, True), (5, False), (10, True), (20, False)])
def test_lines_that_are_a_fading_mean_are_named(span: int, is_normalised: bool) -> None:
    games, quotes = league(4)
    points = games.groupby("player_id")["points"]
    past = points.transform(lambda points: points.shift().ewm(span=span, adjust=is_normalised).mean()).to_numpy()
    chosen = (np.random.default_rng(5).random(len(quotes)) < 0.4) & (quotes["book"] == "north").to_numpy()
    formula = (np.round(2 * past) / 2)[quotes["game_row"]]
    lines = quotes.assign(line=np.where(chosen & np.isfinite(formula), formula, quotes["line"]))
    top = summarise_formula_lines(games, lines, "points")["top"][0]
    assert "fading mean" in top["formula"]
    assert top["z"] > 5
    assert 0.01 < top["excess"] < 0.4


@pytest.mark.parametrize(("count", "share"), [(3, 0.5), (4, 0.5), (5, 0.3), (7, 0.5), (10, 1.0)])
def test_lines_that_are_a_median_of_the_last_games_are_named(count: int, share: float) -> None:
    games, quotes = league(4)
    past = games.groupby("player_id")["points"].transform(lambda points: points.shift().rolling(count).median())
    chosen = (np.random.default_rng(5).random(len(quotes)) < share) & (quotes["book"] == "north").to_numpy()
    formula = past.to_numpy()[quotes["game_row"]]
    lines = quotes.assign(line=np.where(chosen & np.isfinite(formula), formula, quotes["line"]))
    top = summarise_formula_lines(games, lines, "points")["top"][0]
    assert top["formula"].startswith(f"median of the last {count} games")
    assert top["z"] > 5
    assert 0.01 < top["excess"] < share + 0.1


def test_a_book_whose_lines_all_follow_the_season_is_named() -> None:
    games, quotes = league(6)
    mean = games.groupby("player_id")["points"].transform(lambda points: points.shift().expanding(5).mean())
    line = (np.round(2 * mean.to_numpy()) / 2)[quotes["game_row"]]
    lines = quotes.assign(line=np.where((quotes["book"] == "north") & np.isfinite(line), line, quotes["line"]))
    top = summarise_formula_lines(games, lines, "points")["top"]
    assert top[0]["part"] == "book north"
    assert any("season" in entry["formula"] or "all games" in entry["formula"] for entry in top)


def test_lines_marked_as_estimated_and_few_lines_are_not_judged() -> None:
    games, quotes = league(7)
    estimated = plant(games, quotes, 5, 0.5, 1.0).assign(line_type="estimated")
    assert summarise_formula_lines(games, estimated, "points") == {"lines": 0, "tried": 0, "top": []}
    assert summarise_formula_lines(games, quotes.head(150), "points")["tried"] == 0


@given(
    points=st.lists(st.integers(0, 40), min_size=3, max_size=12),
    line=st.integers(0, 80),
    step=st.sampled_from([0.5, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_the_match_is_the_overlap_of_the_lattice_cell_with_the_step(points: list[int], line: int, step: float) -> None:
    sums, count = np.concatenate([[0.0], np.cumsum(points)]), len(points)
    found = _compute_matches(sums, np.array([count]), np.array([count]), np.array([line / 2]), step)[0]
    cell = np.mean(points) + (np.arange(2000) + 0.5) / 2000 / count - 0.5 / count
    assert found == pytest.approx(np.mean(np.abs(cell - line / 2) <= step / 2), abs=2e-3)


def test_lines_of_one_player_and_game_count_as_one() -> None:
    games, quotes = league(8)
    history = PlayerGames(
        games["points"].to_numpy(), np.tile(np.arange(GAMES), PLAYERS), np.tile(np.arange(GAMES), PLAYERS)
    )
    lines = pd.DataFrame({"row": quotes["game_row"], "line": quotes["line"], "book": "", "month": ""})
    once, twice = (compute_formula_excess(history, table) for table in (lines, pd.concat([lines, lines])))
    np.testing.assert_allclose(once["z"], twice["z"], rtol=1e-9)
    np.testing.assert_allclose(once["excess"], twice["excess"], rtol=1e-9)
