"""Kept leak audits: the same rows are audited once, anything else is audited again, and the answer never changes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trueline.core.history.kept_leak_audits import KeptLeakAudits
from trueline.core.history.leak_detection import DecisionSettings, _draw_moments, audit_features
from trueline.core.runtime.memory import Memory
from trueline.core.tables.table_schema import Column

COLUMNS = [Column("time", "time", "before", "of the game"), Column("points", "number", "after", "scored")]
SETTINGS = DecisionSettings(decision="before", audits=2, include=None, exclude=[])


def make_games(days: int) -> pd.DataFrame:
    """Return two players' points on some days."""
    random = np.random.default_rng(4)
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.repeat(np.arange(days), 2), "D")
    table = pd.DataFrame({"time": time, "player": ["a", "b"] * days, "points": random.normal(20, 5, 2 * days)})
    return table.assign(going=pd.Categorical(random.choice(["dry", "wet"], 2 * days)))


class CountingBuilder:
    """Features of the points, one of which leaks if asked; counts how often it is called."""

    def __init__(self, is_leaking: bool) -> None:
        self.is_leaking, self.calls = is_leaking, 0

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame:
        self.calls += 1
        earlier = rows.groupby("player")["points"].shift()
        return pd.DataFrame({"earlier": earlier, "now": rows["points"] if self.is_leaking else earlier})


def count_builds(games: pd.DataFrame, memory: Memory, is_leaking: bool, code: str = "code") -> tuple[list[str], int]:
    """Audit the features of some games; return which of them leak, and how often they were built for the audit."""
    build = CountingBuilder(is_leaking)
    features, build.calls = build(games), 0
    return audit_features(build, games, features, COLUMNS, SETTINGS, 3, KeptLeakAudits(memory, code)), build.calls


@pytest.mark.parametrize("is_leaking", [True, False])
def test_the_same_rows_are_audited_once_and_get_the_same_answer(is_leaking: bool, tmp_path: Path) -> None:
    games, memory, names = make_games(30), Memory(tmp_path), ["now"] if is_leaking else []
    assert count_builds(games, memory, is_leaking) == (names, 4)  # two moments, each with other and without later rows
    assert count_builds(games, memory, is_leaking) == (names, 0)
    assert count_builds(games, memory, is_leaking, "other code") == (names, 4)
    assert count_builds(games, Memory(None), is_leaking) == (names, 4)


def test_rows_or_features_that_changed_are_audited_again(tmp_path: Path) -> None:
    games, memory = make_games(30), Memory(tmp_path)
    count_builds(games, memory, False)
    changed = games.assign(points=games["points"].where(games.index > 0, 0.0))
    assert count_builds(changed, memory, False) == ([], 4)
    assert count_builds(games, memory, True) == (["now"], 4)  # the rows are the same, the features are others


def test_another_day_seldom_changes_at_which_moments_is_audited() -> None:
    time = make_games(400)["time"]
    drawn = [_draw_moments(time[: 2 * days], 2, 5) for days in range(300, 401)]
    changes = sum(before != after for before, after in pairwise(drawn))
    assert changes <= 3  # each new time is drawn with a chance of 2 in 300 or less
    assert len({tuple(_draw_moments(time, 2, seed)) for seed in range(20)}) > 15
