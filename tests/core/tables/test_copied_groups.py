"""Groups told twice: what is found is what comparing all groups with all finds, and chance finds nothing."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.tables.copied_groups import (
    CERTAINTY,
    LEAST_AGREEMENT,
    MIN_ROWS,
    MOST_OCCURRENCES,
    find_copied_groups,
    flag_copied_groups,
)

DAY = pd.Timestamp("2025-01-01")


def games(seed: int, count: int = 40, size: int = 12, levels: int = 30) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    game = np.repeat(np.arange(count), size)
    figures = random.integers(0, levels, (count * size, 2))
    table = {"game": [f"g{number:03}" for number in game], "time": DAY + pd.to_timedelta(game // 4, unit="D")}
    return pd.DataFrame({**table, "points": figures[:, 0], "rebounds": figures[:, 1]})


def find(table: pd.DataFrame) -> pd.DataFrame:
    return find_copied_groups(table[["points", "rebounds"]], table["game"], table["time"])


def search(table: pd.DataFrame) -> set[tuple[str, str, int]]:
    """The same by comparing each game with each other."""
    rows = {
        game: [tuple(row) for row in part[["points", "rebounds"]].to_numpy()] for game, part in table.groupby("game")
    }
    times = table.groupby("game")["time"].min()
    everywhere = [row for part in rows.values() for row in part]
    pairs = set()
    for first, second in combinations(sorted(rows, key=lambda game: (times[game], game)), 2):
        shared = {row: min(rows[first].count(row), rows[second].count(row)) for row in set(rows[first])}
        shared = {row: n for row, n in shared.items() if n and everywhere.count(row) <= MOST_OCCURRENCES}
        agreeing = sum(shared.values())
        small, large = sorted((len(rows[first]), len(rows[second])))
        if agreeing < MIN_ROWS or agreeing < LEAST_AGREEMENT * small:
            continue
        chances = {row: min(everywhere.count(row) / len(everywhere) * large, 1) for row in shared}
        evidence = -sum(n * math.log(chances[row]) for row, n in shared.items())
        if evidence > math.log(math.comb(small, agreeing)) + math.log(math.comb(len(rows), 2)) + CERTAINTY:
            pairs.add((str(first), str(second), agreeing))
    return pairs


@given(seed=st.integers(0, 10**6), copied=st.integers(0, 3), share=st.sampled_from([0.3, 0.6, 1.0]))
@settings(max_examples=25, deadline=None)
def test_the_pairs_are_those_of_comparing_all_with_all(seed: int, copied: int, share: float) -> None:
    table = games(seed, count=12, size=6)
    again = table[table["game"].isin([f"g{number:03}" for number in range(copied)])]
    again = again.sample(frac=share, random_state=seed).assign(game=lambda rows: rows["game"] + "B")
    both = pd.concat([table, again.assign(time=again["time"] + pd.Timedelta(days=1))])
    shuffled = both.sample(frac=1.0, random_state=seed)
    found = find(shuffled)
    assert set(zip(found["original"], found["copy"], found["rows"], strict=True)) == search(both)


@pytest.mark.parametrize("days", [0, 1, 300])
def test_games_told_again_are_found_on_any_day_though_some_rows_are_lost(days: int) -> None:
    table = games(1)
    again = table[table["game"] < "g010"].sample(frac=0.8, random_state=3)
    again = again.assign(game="x" + again["game"], time=again["time"] + pd.Timedelta(days=days))
    both = pd.concat([table, again], ignore_index=True)
    flagged = flag_copied_groups([both[["points", "rebounds"]]], both["game"], both["time"])
    assert set(both.loc[flagged, "game"]) == set(again["game"])


@pytest.mark.parametrize("levels", [2, 6, 30])
def test_chance_makes_no_copies_however_few_results_there_are(levels: int) -> None:
    assert all(find(games(seed, levels=levels)).empty for seed in range(8))


def test_rows_without_any_figure_and_tables_without_rows_are_no_evidence() -> None:
    table = games(2).assign(points=np.nan, rebounds=np.nan)
    assert find(table).empty
    assert find(table.iloc[:0]).empty
    assert not flag_copied_groups([], table["game"], table["time"]).any()
