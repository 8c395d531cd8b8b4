"""Inputs of props: checked by loops over a small league, by mode of the market, and against planted effects."""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.features.props import MAX_REST_DAYS, SHRINK_GAMES, SHRINK_OPPONENT_ROWS, Settings, build
from stages.prepare import props
from tests.pipeline_copy import ROOT
from trueline.core.history.past import Past
from trueline.core.runtime.params import expand_params
from trueline.samples import props as sample

PARAMS = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
DAY = pd.Timedelta(days=1)
TEAMS = 4  # of the small league
JUDGED = 150  # rows that are computed by loops
MODES = get_args(Settings.model_fields["market"].annotation)
PAST = {"line_last", "line_mean_3", "line_surplus_10"}
PRESENT = {"line", "line_less_usual", "line_news"}
CLOSE = {"line_move", "fair_over", "books"}
SIDES = ("side_usual", "side_minutes")
LINEUPS = {
    name for side in SIDES for name in (side, f"{side}_less_team_30d", f"{side}_less_own_10", f"opponent_{side}")
}
OF_BOOKS = ("open_line", "line", "over_price", "under_price", "n_books", "soft_label", "line_surplus", "estimated_line")
COUNTS = {"games_7d", "games_14d", "minutes_7d", "games_season", "games", "games_against"}
Row = Any  # a prepared row, its columns as attributes
Tables = dict[str, pd.DataFrame]


def settings(**changed: Any) -> Settings:
    return Settings(**PARAMS["features"]["props"] | {"decision": "before", "market": "none", "lineups": True} | changed)


def prepared(raw: Tables, **changed: Any) -> pd.DataFrame:
    return props.prepare(raw, props.Settings(**PARAMS["prepare"]["props"] | changed))[0]


def inputs(rows: pd.DataFrame, **changed: Any) -> pd.DataFrame:
    """Return the inputs as the stage builds them."""
    asked = settings(**changed)
    usable = [column for column in props.COLUMNS if column.name in rows and not column.evaluation_only]
    present = [column.name for column in usable if column.known in ("before", asked.decision)]
    return build(rows[present], Past(rows[[column.name for column in usable]]), asked)


@cache
def world() -> tuple[Tables, pd.DataFrame]:
    return sample.simulate_clean_sample(20221018)


@cache
def league() -> pd.DataFrame:
    """Return the prepared rows of all teams."""
    return prepared(world()[0])


def part(seed: int) -> Tables:
    """Return the raw tables of a few teams without some of their players' games and some of their lines."""
    random, raw = np.random.default_rng(seed), world()[0]
    teams = random.permutation(sorted(raw["games"]["team"].unique()))[:TEAMS]
    games = raw["games"][raw["games"]["team"].isin(teams) & raw["games"]["opponent"].isin(teams)]
    games = games[random.random(len(games)) < 0.85]
    lines = raw["lines"][random.random(len(raw["lines"])) < 0.7]
    return {"games": games, "lines": lines}


@cache
def few(seed: int) -> pd.DataFrame:
    """Return the prepared rows of a part of the league."""
    return prepared(part(seed))


def mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return sum(known) / len(known) if known else np.nan


def shrunk(values: list[float], strength: float) -> float:
    known = [value for value in values if not np.isnan(value)]
    return sum(known) / (len(known) + strength) if known else np.nan


def spread(values: list[float]) -> float:
    if len(values) < 2:
        return np.nan
    return float(np.sqrt(sum((value - mean(values)) ** 2 for value in values) / (len(values) - 1)))


def of(rows: list[Row], name: str) -> list[float]:
    return [getattr(row, name) for row in rows]


class Hand:
    """What was known before one row, found by loops over all rows."""

    def __init__(self, rows: list[Row], now: Row) -> None:
        self.now, self.rows = now, rows
        self.before = [row for row in rows if row.time < now.time]
        self.own = [row for row in self.before if row.entity == now.entity]

    def since(self, days: int, **same: Any) -> list[Row]:
        """Return the rows of the last days that have the given values."""
        recent = [row for row in self.before if row.time >= self.now.time - days]
        return [row for row in recent if all(getattr(row, name) == value for name, value in same.items())]

    def season(self) -> list[Row]:
        return [row for row in self.own if row.season == self.now.season]

    def rest(self) -> float:
        return float(self.now.time - self.own[-1].time) if self.own else np.nan

    def side_usual(self, team: str) -> float:
        return mean([row.side_usual for row in self.rows if row.game_id == self.now.game_id and row.team == team])

    def last_game_of_team(self) -> list[Row]:
        """Return the rows of the team on the last day on which it played."""
        games = [row for row in self.before if row.team == self.now.team]
        return [row for row in games if row.time == games[-1].time]

    def pace(self) -> float:
        ours, theirs = self.since(30, team=self.now.team), self.since(30, opponent=self.now.opponent)
        scored = mean(of(ours, "team_points")) + mean(of(theirs, "opponent_points"))
        return (scored + mean(of(ours, "opponent_points")) + mean(of(theirs, "team_points"))) / 2

    def absence(self) -> float:
        games = {row.game_id for row in self.since(30, team=self.now.team)}
        played = {row.game_id for row in self.since(30, team=self.now.team, entity=self.now.entity)}
        return 1 - len(played) / len(games) if games else np.nan

    def anchor(self) -> float:
        for known in (self.now.line, mean(of(self.own[-20:], "target"))):
            if not np.isnan(known):
                return float(known)
        return mean(of([row for row in self.before if row.home == self.now.home], "target"))


def rate(rows: list[Row], part: str, whole: str) -> float:
    below = sum(of(rows, whole))
    return float(sum(of(rows, part)) / below) if below else np.nan


def against(hand: Hand) -> list[Row]:
    return [row for row in hand.own if row.opponent == hand.now.opponent]


def at_home_or_away(hand: Hand) -> list[Row]:
    return [row for row in hand.own if row.home == hand.now.home]


BY_HAND: dict[str, Callable[[Hand], float]] = {
    "mean_1": lambda hand: mean(of(hand.own[-1:], "target")),
    "mean_5": lambda hand: mean(of(hand.own[-5:], "target")),
    "mean_season": lambda hand: mean(of(hand.season(), "target")),
    "mean": lambda hand: mean(of(hand.own, "target")),
    "std_10": lambda hand: spread(of(hand.own[-10:], "target")),
    "best": lambda hand: max(of(hand.own, "target"), default=np.nan),
    "minutes_10": lambda hand: mean(of(hand.own[-10:], "minutes")),
    "rate_10": lambda hand: rate(hand.own[-10:], "target", "minutes"),
    "of_team_10": lambda hand: rate(hand.own[-10:], "points", "team_points"),
    "fga_rate_10": lambda hand: rate(hand.own[-10:], "fga", "minutes"),
    "ft_pct_40": lambda hand: mean(of(hand.own[-40:], "ft_pct")),
    "mean_3_less_10": lambda hand: mean(of(hand.own[-3:], "target")) - mean(of(hand.own[-10:], "target")),
    "surplus_3": lambda hand: mean(of(hand.own[-3:], "surplus")),
    "z_5": lambda hand: (
        (mean(of(hand.own[-5:], "target")) - mean(of(hand.season(), "target")))
        / (spread(of(hand.season(), "target")) or np.nan)
    ),
    "rest_days": lambda hand: min(hand.rest(), MAX_REST_DAYS),
    "back_to_back": lambda hand: float(hand.rest() == 1) if hand.own else np.nan,
    "games_7d": lambda hand: len(hand.since(7, entity=hand.now.entity)),
    "minutes_7d": lambda hand: sum(of(hand.since(7, entity=hand.now.entity), "minutes")),
    "opponent_surplus_60d": lambda hand: shrunk(
        of(hand.since(60, opponent=hand.now.opponent), "surplus"), SHRINK_OPPONENT_ROWS
    ),
    "opponent_role_surplus_120d": lambda hand: shrunk(
        of(hand.since(120, opponent=hand.now.opponent, role=hand.now.role), "surplus"), SHRINK_OPPONENT_ROWS
    ),
    "pace_30d": Hand.pace,
    "games_against": lambda hand: len(against(hand)),
    "mean_against": lambda hand: mean(of(against(hand)[-8:], "target")),
    "surplus_against": lambda hand: shrunk(of(against(hand)[-8:], "surplus"), SHRINK_GAMES),
    "mean_at_home_or_away": lambda hand: mean(of(at_home_or_away(hand)[-20:], "target")),
    "absence_30d": Hand.absence,
    "share_of_side_usual_last": lambda hand: (
        mean(of(hand.own[-10:], "target")) / (mean(of(hand.last_game_of_team(), "side_usual")) or np.nan)
    ),
    # a team's sum is in every row of the team, so a game weighs as many times as it has players
    "side_minutes_7d_less_30d": lambda hand: (
        mean(of(hand.since(7, team=hand.now.team), "side_minutes"))
        - mean(of(hand.since(30, team=hand.now.team), "side_minutes"))
    ),
    "side_usual_last_less_own_10": lambda hand: (
        mean(of(hand.last_game_of_team(), "side_usual"))
        - mean(of([row for row in hand.own if row.team == hand.now.team][-10:], "side_usual"))
    ),
    "side_usual_less_team_30d": lambda hand: (
        (hand.now.side_usual or np.nan) - mean(of(hand.since(30, team=hand.now.team), "side_usual"))
    ),
    "opponent_side_usual": lambda hand: hand.side_usual(hand.now.opponent) or np.nan,
    "line_mean_3": lambda hand: mean(of(hand.own[-3:], "line")),
    "line_surplus_10": lambda hand: shrunk(of(hand.own[-10:], "line_surplus"), SHRINK_GAMES),
    "line_less_usual": lambda hand: hand.now.line - mean(of(hand.own[-20:], "target")),
    "line_move": lambda hand: hand.now.line - hand.now.open_line,
    "anchor": Hand.anchor,
}


@pytest.mark.parametrize("seed", [0, 1])
def test_every_formula_is_what_a_loop_over_earlier_days_gives(seed: int) -> None:
    day = (few(seed)["time"] - few(seed)["time"].min()) // DAY
    rows = list(few(seed).assign(time=day).itertuples())
    found = inputs(few(seed), decision="at_start", market="residual")
    chosen = np.random.default_rng(seed).choice(len(rows), JUDGED, replace=False)
    hands = [
        Hand(rows, rows[at]) for at in (*range(20), *chosen)
    ]  # including the first day, before which nothing is known
    for name, by_hand in BY_HAND.items():
        expected = np.array([by_hand(hand) for hand in hands], float)
        known = ~np.isnan(expected)
        assert known.sum() > 30, name
        assert len(np.unique(expected[known])) > 1, name
        np.testing.assert_allclose(
            found[name].iloc[[*range(20), *chosen]], expected, rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_there_are_forty_five_inputs_and_more_without_any_market_in_the_morning() -> None:
    names = set(inputs(few(0)).columns)
    assert len(names) >= 45
    later = {column.name for column in props.COLUMNS if column.known != "before"}
    assert not names & later


@pytest.mark.parametrize(("decision", "market", "lineups"), list(product(("before", "at_start"), MODES, (True, False))))
def test_each_mode_has_the_inputs_that_it_promises_and_no_others(decision: str, market: str, lineups: bool) -> None:
    promised = set(inputs(few(0)).columns)
    promised |= LINEUPS if decision == "at_start" and lineups else set()
    promised |= PAST if market != "none" else set()
    promised |= PRESENT if market in ("line", "residual") else set()
    promised |= CLOSE if market in ("line", "residual") and decision == "at_start" else set()
    promised |= {"anchor"} if market == "residual" else set()
    assert set(inputs(few(0), decision=decision, market=market, lineups=lineups).columns) == promised


def test_the_plainest_mode_has_nothing_of_books_or_line_ups() -> None:
    assert not set(inputs(few(0)).columns) & (PAST | PRESENT | CLOSE | LINEUPS | {"anchor"})


@pytest.mark.parametrize("decision", ["before", "at_start"])
def test_without_a_market_no_input_depends_on_a_line_of_today_or_of_the_past(decision: str) -> None:
    rows = few(0)
    moved = rows.assign(**{name: rows[name] * -3 + 7 for name in OF_BOOKS}, line_type="none")
    found = inputs(rows, decision=decision)
    pd.testing.assert_frame_equal(inputs(moved, decision=decision), found, check_exact=True)
    unquoted = prepared({"games": part(0)["games"]}, estimate=False)
    assert unquoted["line_type"].eq("none").all()
    pd.testing.assert_frame_equal(inputs(unquoted, decision=decision), found, check_exact=True)
    assert not inputs(moved, decision=decision, market="past").equals(inputs(rows, decision=decision, market="past"))


def test_the_past_of_the_market_does_not_know_the_line_of_today() -> None:
    rows = few(0)
    last = (rows["time"] == rows["time"].max()).to_numpy()
    moved = rows.assign(**{name: np.where(last, rows[name] + 5, rows[name]) for name in OF_BOOKS})
    for decision in ("before", "at_start"):
        found = inputs(rows, decision=decision, market="past")
        pd.testing.assert_frame_equal(inputs(moved, decision=decision, market="past"), found, check_exact=True)


def test_the_line_is_the_open_in_the_morning_and_the_close_at_the_off() -> None:
    rows = few(0)
    morning, off = (inputs(rows, decision=decision, market="residual") for decision in ("before", "at_start"))
    assert rows["line"].ne(rows["open_line"]).mean() > 0.2
    np.testing.assert_array_equal(morning["line"], rows["open_line"])
    np.testing.assert_array_equal(off["line"], rows["line"])
    for found in (morning, off):
        quoted = found["line"].notna()
        np.testing.assert_array_equal(found["anchor"][quoted], found["line"][quoted])
    closes = rows.assign(**{name: rows[name] * -3 + 7 for name in OF_BOOKS if name != "open_line"})
    today = [name for name in morning if name not in PAST | {"line_news"}]  # closes of earlier games are known
    pd.testing.assert_frame_equal(
        inputs(closes, decision="before", market="residual")[today], morning[today], check_exact=True
    )


def test_a_first_game_has_missing_form_and_an_anchor_to_start_from() -> None:
    rows = few(0)
    found = inputs(rows, decision="at_start", market="residual")
    first = (~rows.duplicated("entity")).to_numpy()
    later = first & (rows["time"] > rows["time"].min()).to_numpy() & rows["line"].isna().to_numpy()
    assert later.sum() > 5
    own = [
        name for name in BY_HAND if name.startswith(("mean", "std", "rate", "best", "surplus", "z_", "rest", "line_s"))
    ]
    assert found.loc[first, [*own, "back_to_back", "minutes_10", "line_last", "role"]].isna().all(axis=None)
    assert found.loc[later, "anchor"].between(1, 30).all()


def test_nothing_unknown_is_coded_as_zero() -> None:
    rows = few(0)
    found = inputs(rows, decision="at_start", market="residual").select_dtypes("number")
    day = found[(rows["time"] == rows["time"].min()).to_numpy()]
    known = {name for name in day if day[name].notna().any()}
    assert known == COUNTS | {"home", "regular", *PRESENT, *CLOSE, "anchor"} - {"line_less_usual", "line_news"}
    assert not (day.drop(columns=[*COUNTS, "home", "line_move"]) == 0).any(axis=None)
    assert (day[sorted(COUNTS)] == 0).all(axis=None)


def test_what_is_missing_in_some_games_only_is_missing_and_not_zero() -> None:
    raw = part(0)
    games = raw["games"].astype({"fga": float, "team_points": float, "points": float, "rebounds": float})
    held = games["season"] == games["season"].max()
    games.loc[~held, ["fga", "fg_pct", "team_points", "season_type", "points", "steals"]] = np.nan
    rows = prepared({**raw, "games": games}, quantity="rebounds")
    found = inputs(rows, decision="at_start", market="residual")
    without = found[(rows["season"] != rows["season"].max()).to_numpy()]
    names = ["fga_rate_10", "fg_pct_40", "of_team_10", "pace_30d", "regular", "points_10", "steals_10"]
    assert without[names].isna().all(axis=None)
    assert found[names].tail(20).notna().all(axis=None)


def test_a_player_who_never_left_the_bench_has_no_rate() -> None:
    raw = part(0)
    who = raw["games"]["player_id"].mode()[0]
    games = raw["games"].astype({"minutes": float})
    own = (games["player_id"] == who).to_numpy()
    games.loc[own, "minutes"] = np.where(np.arange(own.sum()) < 3, [12.3], 0.0)  # 12.3 is no binary fraction
    rows = prepared({**raw, "games": games})
    found = inputs(rows)[(rows["entity"] == str(who)).to_numpy()]
    assert found["rate_5"].iloc[1:8].notna().all()
    assert found["rate_5"].iloc[8:].isna().all()


@pytest.mark.parametrize("quantity", ["points", "rebounds"])
def test_a_source_of_nothing_but_what_is_needed_has_inputs_of_nothing_else(quantity: str) -> None:
    raw = part(0)
    games = raw["games"][[*props.REQUIRED_GAME_COLUMNS, quantity]]
    quoted_tables = {**raw, "lines": raw["lines"].assign(stat=quantity)}
    full, bare = (
        inputs(prepared({**quoted_tables, "games": table}, quantity=quantity), decision="at_start", market="residual")
        for table in (raw["games"], games)
    )
    lacking = set(full.columns) - set(bare.columns)
    assert set(bare.columns) < set(full.columns)
    assert {
        "pace_30d",
        "team_scores_120d",
        "of_team_10",
        "fga_rate_10",
        "ft_pct_40",
        "assists_10",
        "regular",
    } <= lacking
    same = [name for name in bare if name not in ("team", "opponent", "role")]
    pd.testing.assert_frame_equal(bare[same], full[same], check_exact=True)
    assert len(inputs(prepared({"games": games}, quantity=quantity)).columns) >= 45
    assert bare.notna().any().all(), "no input is of a column that is not there"


def test_points_beside_another_quantity_still_tell_of_usage() -> None:
    rows = prepared(part(0), quantity="rebounds")
    found = inputs(rows)
    np.testing.assert_allclose(found["rebounds_10"], found["mean_10"])
    assert found["of_team_10"].corr(found["points_10"]) > 0.8


def test_at_the_off_it_is_seen_that_starters_are_missing() -> None:
    rows, truth = league(), world()[1]["starters_missing"].to_numpy(float)
    keys = world()[0]["games"].assign(entity=lambda games: games["player_id"].astype(str), missing=truth)
    missing = rows[["entity", "time"]].merge(keys, left_on=["entity", "time"], right_on=["entity", "date"])["missing"]
    settled = (rows["time"] > rows["time"].min() + 30 * DAY).to_numpy()
    morning, off = (inputs(rows, decision=decision).select_dtypes("number") for decision in ("before", "at_start"))
    seen = off[settled].corrwith(missing[settled])
    assert seen["side_usual"] < -0.5
    assert seen["side_usual_less_team_30d"] < -0.4
    assert seen["side_minutes_less_team_30d"] < -0.35
    morning_seen = morning[settled].corrwith(missing[settled]).abs()
    of_last_sides = morning_seen.index.str.startswith(SIDES)
    assert morning_seen[~of_last_sides].max() < 0.3
    assert 0.3 < morning_seen[of_last_sides].max() < abs(seen["side_usual"])  # who was missing often still is
