"""The props sample keeps its promises: what was planted in it can be recovered."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trueline.core.tables import table_schema
from trueline.samples import props
from trueline.samples._box_scores import COLUMN_ORDER
from trueline.samples._league import (
    FATIGUE_EFFECT,
    HOME_EFFECT,
    MINUTES_NOISE_SD,
    POINTS_DISPERSION,
    ROLE_MINUTES,
    ROUNDS_PER_SEASON,
    SEASONS,
    STARTERS,
    TEAM_MINUTES,
    TEAMS,
    USAGE_EFFECT,
    compute_median_points,
)
from trueline.samples._sportsbook import (
    BACKFILLED_AT,
    BACKFILLED_DAYS,
    BOOK_NOISE_SD,
    BOOKS,
    CLOSE_NOISE_SD,
    DEFAULTED_BY_POINTS,
    DEFAULTED_DAYS,
    DUPLICATE_ROWS,
    ESTIMATED_DAYS,
    LOGGED_SEASON,
    OPEN_NOISE_SD,
    OUTAGE_DAYS,
    PICKEM_WHOLE_SHARE,
    STALE_DAYS,
    VIG,
    convert_to_american,
    is_opening_quote,
    is_within_dates,
)

ROUNDING = 1 / 12  # variance that rounding to a half adds, in points²
KEY = ["player_id", "date"]
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def world() -> tuple[Tables, pd.DataFrame]:
    return props.simulate_clean_sample(20221018)


@pytest.fixture(scope="module")
def raw() -> Tables:
    return props.make_sample(20221018)


@pytest.fixture(scope="module")
def games(world: tuple[Tables, pd.DataFrame]) -> pd.DataFrame:
    """Clean games beside their truth."""
    return world[0]["games"].join(world[1].drop(columns=KEY))


@pytest.fixture(scope="module")
def graded(world: tuple[Tables, pd.DataFrame], games: pd.DataFrame) -> pd.DataFrame:
    """Clean lines beside the game and its truth."""
    lines = world[0]["lines"]
    return lines.assign(opened=is_opening_quote(lines), stale=is_within_dates(lines["date"], STALE_DAYS)).merge(
        games, on=KEY
    )


@pytest.fixture(scope="module")
def closes(graded: pd.DataFrame) -> pd.DataFrame:
    """Closing quotes of fresh days."""
    return graded[graded["book"].notna() & ~graded["opened"] & ~graded["stale"]]


@pytest.fixture(scope="module")
def logged(world: tuple[Tables, pd.DataFrame], games: pd.DataFrame) -> pd.DataFrame:
    """The newest production row of each player and date, beside the game."""
    newest = world[0]["production"].sort_values("created_at").drop_duplicates(KEY, keep="last")
    return newest.merge(games[[*KEY, "points", "season", "start_time"]], on=KEY)


def over_rate(rows: pd.DataFrame) -> float:
    return float((rows["points"] > rows["line"]).sum() / (rows["points"] != rows["line"]).sum())


def hit_rate(rows: pd.DataFrame, predicted: pd.Series) -> float:
    """Return the share of bets won, among those where a prediction takes a side and the line is not hit exactly."""
    bets = predicted.notna() & (predicted != rows["line"]) & (rows["points"] != rows["line"])
    return float(((predicted > rows["line"]) == (rows["points"] > rows["line"]))[bets].mean())


def season_mean(rows: pd.DataFrame, games: pd.DataFrame) -> pd.Series:
    """Return the mean of the player's earlier points of the season, row by row like `rows`."""
    by = games.groupby(["player_id", "season"])["points"]
    earlier = games[KEY].assign(mean=(by.cumsum() - games["points"]) / by.cumcount().where(lambda n: n > 0))
    return pd.Series(rows[KEY].merge(earlier, on=KEY, how="left")["mean"].to_numpy(), index=rows.index)


def implied(price: pd.Series) -> pd.Series:
    """Return the chance at which an American price is fair."""
    return pd.Series(np.where(price < 0, -price / (100 - price), 100 / (100 + price)), index=price.index)


def test_the_sample_in_the_repository_is_the_one_that_the_command_writes(tmp_path: Path) -> None:
    props.write(tmp_path)
    kept = Path(__file__).parents[2] / "data/sample/props"
    names = [f"{name}.parquet" for name in ("games", "lines", "production")]
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(kept / name), pd.read_parquet(tmp_path / name))
    assert sorted(path.name for path in kept.iterdir()) == names
    assert sum((kept / name).stat().st_size for name in names) < 450_000


def test_the_same_seed_writes_the_same_bytes(raw: Tables, tmp_path: Path) -> None:
    props.write(tmp_path)
    for name, table in raw.items():
        table_schema.write_table(table, tmp_path / "again.parquet")
        assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / f"{name}.parquet").read_bytes()


def test_another_seed_makes_other_seasons(games: pd.DataFrame) -> None:
    other = props.simulate_clean_sample(1)[0]["games"]
    assert not other["points"].head(50).equals(games["points"].head(50))
    assert not other["player"].head(50).equals(games["player"].head(50))


def test_every_team_plays_its_rounds_and_the_folds_meet_a_summer(games: pd.DataFrame) -> None:
    sides = games.drop_duplicates(["game_id", "team"])
    assert (sides.groupby(["season", "team"]).size() == ROUNDS_PER_SEASON).all()
    assert len(sides) == len(SEASONS) * len(TEAMS) * ROUNDS_PER_SEASON
    assert (sides.groupby("game_id")["home"].sum() == 1).all()
    assert not sides.duplicated(["team", "date"]).any()
    assert games["date"].drop_duplicates().sort_values().diff().max() > pd.Timedelta(days=200)
    assert 8_000 < len(games) < 9_000


def test_clean_box_scores_hold_their_identities(games: pd.DataFrame) -> None:
    assert tuple(games.columns[: len(COLUMN_ORDER)]) == COLUMN_ORDER
    assert not games.duplicated(KEY).any()
    twos = games["fgm"] - games["fg3m"]
    assert (games["points"] == 2 * twos + 3 * games["fg3m"] + games["ftm"]).all()
    for made, tried, share in (("fgm", "fga", "fg_pct"), ("fg3m", "fg3a", "fg3_pct"), ("ftm", "fta", "ft_pct")):
        assert (games[made] <= games[tried]).all()
        assert (games[share].isna() == (games[tried] == 0)).all()
        assert ((games[share] * games[tried] - games[made]).abs().fillna(0) < 0.03).all()
    assert (twos >= 0).all()
    assert (games["fga"] - games["fg3a"] >= twos).all()
    assert (games["team_points"] == games.groupby(["game_id", "team"])["points"].transform("sum")).all()
    assert (games.groupby("game_id")["team_points"].nunique() == 2).all()  # nobody draws
    assert games.groupby(["game_id", "team"])["minutes"].sum().between(220, 250).all()
    assert games.select_dtypes("number").drop(columns="plus_minus").min().min() >= 0


def test_players_and_scores_spread_as_in_a_real_league(games: pd.DataFrame) -> None:
    assert 11 < games["points"].mean() < 13
    assert 105 < games["team_points"].mean() < 120
    own = games.groupby(["player_id", "season"])["points"].agg(["mean", "std", "size"]).query("size > 25")
    assert own["mean"].max() > 25
    assert own["mean"].min() < 4
    assert own["mean"].max() < 36
    means, spreads = own["mean"].to_numpy(), own["std"].to_numpy()
    assert np.corrcoef(means, spreads)[0, 1] > 0.9  # a player's spread grows with his mean
    assert (spreads**2 > 1.5 * means).mean() > 0.95  # counts would be Poisson at 1
    assert 0.18 < (games.groupby("player_id")["date"].diff() == pd.Timedelta(days=1)).mean() < 0.3


def test_the_median_is_that_of_games_played_over_and_over() -> None:
    random = np.random.default_rng(5)
    for expected, rate in ((6.0, 0.3), (20.0, 0.4), (34.0, 0.7)):
        found, density = compute_median_points(np.array([expected]), np.array([rate]))
        spread = MINUTES_NOISE_SD * np.sqrt(expected / 30 * (1 - expected / TEAM_MINUTES))
        minutes = np.clip(np.rint(random.normal(expected, spread, 200_000)), 1, 48)
        points = random.negative_binomial(minutes * rate / (POINTS_DISPERSION - 1), 1 / POINTS_DISPERSION)
        low = int(np.floor(found[0]))
        below = [np.mean(points < k) + np.mean(points == k) / 2 for k in (low, low + 1)]
        assert below[0] + (found[0] - low) * (below[1] - below[0]) == pytest.approx(0.5, abs=0.005)
        assert density[0] == pytest.approx(below[1] - below[0], abs=0.005)


def test_points_come_out_as_the_truth_says_at_every_level(games: pd.DataFrame) -> None:
    level = pd.qcut(games["mean"], 8, labels=False)
    gap = (games["points"] - games["mean"]).groupby(level).agg(["mean", "sem"])
    assert (gap["mean"].abs() < 3.5 * gap["sem"] + 0.1).all()  # 0.1: minutes are held to at least one
    above = (games["points"] > games["median"]) + (games["points"] == games["median"]) / 2
    assert above.mean() == pytest.approx(0.5, abs=0.02)  # 8,400 rows


def test_points_come_out_as_the_truth_says_for_each_planted_effect(games: pd.DataFrame) -> None:
    tired = games.groupby("player_id")["date"].diff() == pd.Timedelta(days=1)
    for condition in (games["home"], tired, games["starters_missing"] > 0, games["opponent"] == TEAMS[0]):
        ratio = games["points"].groupby(condition).sum() / games["mean"].groupby(condition).sum()
        assert ratio.to_numpy() == pytest.approx(1.0, abs=0.04)  # SD of points over their mean is 0.5; 1,000 rows


def test_the_planted_effects_are_in_the_rate_of_points_a_minute(games: pd.DataFrame) -> None:
    tired = games.groupby("player_id")["date"].diff() == pd.Timedelta(days=1)
    table = pd.DataFrame({"home": games["home"], "tired": tired, "missing": games["starters_missing"]}).astype(float)
    table["rate"] = np.log(games["rate"])
    same = [games[name] for name in ("player_id", "season", "opponent")]
    within = (table - table.groupby(same).transform("mean")).to_numpy()
    found, *_ = np.linalg.lstsq(within[:, :3], within[:, 3], rcond=None)
    assert found == pytest.approx(
        [HOME_EFFECT, FATIGUE_EFFECT, USAGE_EFFECT], abs=0.006
    )  # players' own home effects differ


def test_minutes_go_to_the_others_when_a_starter_is_missing(games: pd.DataFrame) -> None:
    usual = games.groupby(["player_id", "season"])["minutes"].transform("mean")
    more = (games["minutes"] - usual).groupby(games["starters_missing"]).mean()
    assert more[0] < -0.5
    assert more[1] > 0.5
    assert more[2] > more[1] + 1
    seen = games.groupby(["game_id", "team"])["player_id"].size()
    assert 9 < seen.mean() < 10.2
    assert (seen < len(ROLE_MINUTES)).mean() > 0.9  # some of the bench are not used


def test_a_starter_stays_away_for_games_on_end(games: pd.DataFrame) -> None:
    missing = games.drop_duplicates(["game_id", "team"]).groupby(["season", "team"])["starters_missing"]
    again = missing.shift(-1)
    now = games.loc[again.index, "starters_missing"] > 0
    assert (again[now].dropna() > 0).mean() > 0.75
    assert (again[~now].dropna() > 0).mean() < 0.25
    assert 0.2 < now.mean() < STARTERS * 0.12


def test_some_players_change_teams_in_the_summer_and_none_in_a_season(games: pd.DataFrame) -> None:
    assert (games.groupby(["player_id", "season"])["team"].nunique() == 1).all()
    assert 0 < (games.groupby("player_id")["team"].nunique() == 2).sum() <= 8


def test_the_close_is_the_true_median_and_its_planted_noise(closes: pd.DataFrame) -> None:
    error = closes["line"] - closes["median"]
    assert error.mean() == pytest.approx(0.0, abs=0.05)
    assert error.std() == pytest.approx(np.sqrt(CLOSE_NOISE_SD**2 + BOOK_NOISE_SD**2 + ROUNDING), rel=0.05)
    shared = error[closes["source"] == "line_feed"].groupby([closes["player_id"], closes["date"]]).agg(["mean", "size"])
    assert shared.query("size == 2")["mean"].std() == pytest.approx(CLOSE_NOISE_SD, abs=0.1)


def test_the_open_knows_nothing_of_who_is_missing(graded: pd.DataFrame, closes: pd.DataFrame) -> None:
    opens = graded[graded["opened"] & ~graded["stale"]]
    planted = np.sqrt(CLOSE_NOISE_SD**2 + OPEN_NOISE_SD**2 + BOOK_NOISE_SD**2 + ROUNDING)
    assert (opens["line"] - opens["open_median"]).std() == pytest.approx(planted, rel=0.05)
    news = (opens["median"] - opens["open_median"]).to_numpy()
    missed = (opens["median"] - opens["line"]).to_numpy()
    assert np.polyfit(news, missed, 1)[0] == pytest.approx(1.0, abs=0.05)
    worse = (opens["points"] - opens["line"]).abs().mean() - (closes["points"] - closes["line"]).abs().mean()
    assert 0.05 < worse < 0.4


def test_following_the_move_wins_at_the_open_and_not_at_the_close(closes: pd.DataFrame) -> None:
    moved = closes[closes["line"] != closes["open_line"]]
    assert hit_rate(moved.assign(line=moved["open_line"]), moved["line"]) > 0.57
    up = moved["open_line"] + 2 * (moved["line"] - moved["open_line"])
    assert hit_rate(moved, up) == pytest.approx(0.5, abs=0.025)


def test_points_are_over_the_line_as_often_as_under(closes: pd.DataFrame) -> None:
    assert over_rate(closes) == pytest.approx(0.5, abs=0.02)
    assert 4.3 < (closes["points"] - closes["line"]).abs().mean() < 5.4


def test_pushes_happen_only_on_the_whole_lines_of_the_pickem_source(closes: pd.DataFrame) -> None:
    whole = closes["line"] % 1 == 0
    assert set(closes.loc[whole, "source"]) == {"pickem_feed"}
    assert whole[closes["source"] == "pickem_feed"].mean() == pytest.approx(PICKEM_WHOLE_SHARE, abs=0.04)
    assert 0.03 < (closes["points"] == closes["line"])[whole].mean() < 0.12
    assert ((closes["line"] * 2) % 1 == 0).all()


def test_prices_carry_the_vig_and_lean_to_the_side_that_wins_more(closes: pd.DataFrame) -> None:
    over, under = implied(closes["over_price"]), implied(closes["under_price"])
    assert (over + under - 1).mean() == pytest.approx(VIG, abs=0.003)
    assert (closes[["over_price", "under_price"]].abs() >= 100).all(axis=None)
    assert closes["over_price"].abs().median() == pytest.approx(110, abs=5)
    lean = over - under
    assert over_rate(closes[lean > 0.02]) > over_rate(closes[lean < -0.02]) + 0.02
    assert convert_to_american(np.array([110 / 210, 0.5, 0.4])).tolist() == [-110.0, 100.0, 150.0]


def test_quotes_are_an_open_in_the_morning_and_a_close_before_tip_off(graded: pd.DataFrame) -> None:
    quotes = graded[graded["book"].notna()]
    assert not quotes.duplicated([*KEY, "book", "opened"]).any()
    assert (quotes.groupby([*KEY, "book"]).size() == 2).all()
    assert (quotes["quoted_at"] < quotes["start_time"]).all()
    books = quotes.groupby(KEY)["book"].nunique()
    assert set(books) == {1, 2, 3}
    assert 1.9 < books.mean() < 2.5
    assert set(quotes["book"]) == {book.name for book in BOOKS}
    assert (quotes["line"] == quotes["open_line"])[quotes["opened"]].all()


def test_an_estimated_line_is_the_mean_of_the_last_five_games_of_the_season(
    graded: pd.DataFrame, games: pd.DataFrame
) -> None:
    made = graded[graded["line_type"] == "estimated"]
    assert made[["book", "over_price", "under_price", "n_books", "open_line"]].isna().all(axis=None)
    for row in made.iloc[::150].itertuples():
        earlier = games[
            (games["player_id"] == row.player_id) & (games["season"] == row.season) & (games["date"] < row.date)
        ]
        last = earlier.sort_values("date")["points"].to_numpy()[-5:]
        assert len(last) >= 3
        assert abs(row.line - last.mean()) <= 0.25


def test_estimated_lines_are_far_easier_to_beat_than_real_ones(
    graded: pd.DataFrame, closes: pd.DataFrame, games: pd.DataFrame
) -> None:
    made = graded[graded["line_type"] == "estimated"]
    estimated, actual = hit_rate(made, season_mean(made, games)), hit_rate(closes, season_mean(closes, games))
    assert 0.49 < actual < 0.535
    assert estimated > actual + 0.06


def test_players_of_few_minutes_have_estimated_lines_or_none(graded: pd.DataFrame, games: pd.DataFrame) -> None:
    types = graded.groupby(KEY)["line_type"].agg(lambda found: "+".join(sorted(set(found)))).rename("types")
    found = games.merge(types.reset_index(), on=KEY, how="left").fillna({"types": "none"})
    share = found["types"].value_counts(normalize=True)
    assert 0.45 < share["actual"] < 0.7
    assert 0.08 < share["actual+estimated"] < 0.2
    assert share["estimated"] > 0.2
    assert 0.03 < share["none"] < 0.12
    assert found.groupby("types")["minutes"].mean()["estimated"] < 16


def test_stale_lines_are_a_week_old_and_can_be_beaten(graded: pd.DataFrame, closes: pd.DataFrame) -> None:
    stale = graded[graded["stale"] & graded["book"].notna() & ~graded["opened"]]
    assert len(stale.drop_duplicates(KEY)) > 200
    assert stale["date"].min() >= pd.Timestamp(STALE_DAYS[0])
    assert stale["date"].max() <= pd.Timestamp(STALE_DAYS[1])
    assert hit_rate(stale, stale["median"]) > 0.58
    assert hit_rate(closes, closes["median"]) < 0.56
    lost = [(rows["points"] - rows["line"]).abs().mean() for rows in (stale, closes)]
    ideal = [(rows["points"] - rows["median"]).abs().mean() for rows in (stale, closes)]
    assert lost[0] - ideal[0] > lost[1] - ideal[1] + 0.2
    own = closes.sort_values("date").drop_duplicates(["player_id", "book"], keep="last")
    assert len(own) > 50  # the market is fresh again after the stale days
    assert own["date"].max() > pd.Timestamp(STALE_DAYS[1])


def test_a_stale_line_is_what_the_books_believed_at_least_a_week_before(graded: pd.DataFrame) -> None:
    quotes = graded[(graded["book"] == BOOKS[0].name) & ~graded["opened"]].sort_values("date")
    stale = quotes[quotes["stale"]]
    stale_quotes = stale[KEY].assign(date=stale["date"] - pd.Timedelta(days=7), now=stale["line"], game=stale["median"])
    then = quotes.loc[~quotes["stale"], [*KEY, "median"]]
    both = pd.merge_asof(stale_quotes, then, on="date", by="player_id", tolerance=pd.Timedelta(days=4)).dropna()
    assert len(both) > 100
    assert (both["now"] - both["median"]).abs().mean() < 0.65 * (both["now"] - both["game"]).abs().mean()


def test_the_house_model_is_honest_and_weaker_than_the_market_on_sound_days(logged: pd.DataFrame) -> None:
    faults = (BACKFILLED_DAYS, DEFAULTED_DAYS, ESTIMATED_DAYS, STALE_DAYS)
    sound = logged[~np.any([is_within_dates(logged["date"], period) for period in faults], axis=0)]
    assert set(logged["season"]) == {LOGGED_SEASON}
    assert len(sound) > 1_000
    assert (sound["created_at"] < sound["start_time"]).all()
    assert set(sound["line_type"]) == {"actual"}
    assert 0.47 < hit_rate(sound, sound["predicted"]) < 0.56
    error, line = ((sound["points"] - sound[name]).abs().mean() for name in ("predicted", "line"))
    assert 0.05 < error - line < 0.6
    assert abs((sound["predicted"] - sound["points"]).mean()) < 0.6


def test_backfilled_rows_were_made_after_the_games_and_are_far_too_good(logged: pd.DataFrame) -> None:
    late = logged["created_at"] > logged["start_time"]
    assert late.equals(is_within_dates(logged["date"], BACKFILLED_DAYS))
    assert set(logged.loc[late, "created_at"]) == {pd.Timestamp(BACKFILLED_AT)}
    assert hit_rate(logged[late], logged.loc[late, "predicted"]) > 0.75
    assert (logged["points"] - logged["predicted"])[late].abs().mean() < 4


def test_a_defaulted_input_lifts_every_prediction(logged: pd.DataFrame) -> None:
    other = ~is_within_dates(logged["date"], BACKFILLED_DAYS)
    lift = (logged["predicted"] - logged["line"])[other].groupby(is_within_dates(logged["date"], DEFAULTED_DAYS)).mean()
    assert lift[True] - lift[False] == pytest.approx(DEFAULTED_BY_POINTS, abs=0.8)


def test_the_outage_left_days_of_games_without_a_prediction(logged: pd.DataFrame, games: pd.DataFrame) -> None:
    played = set(games.loc[games["season"] == LOGGED_SEASON, "date"])
    lost = played - set(logged["date"])
    assert len(lost) >= 3
    assert is_within_dates(pd.Series(sorted(lost)), OUTAGE_DAYS).all()
    assert not is_within_dates(logged["date"], OUTAGE_DAYS).any()


def test_the_days_graded_on_estimated_lines_look_too_good(logged: pd.DataFrame) -> None:
    estimated = logged["line_type"] == "estimated"
    assert estimated.equals(is_within_dates(logged["date"], ESTIMATED_DAYS))
    assert estimated.sum() > 150
    assert hit_rate(logged[estimated], logged.loc[estimated, "predicted"]) > 0.55


def test_duplicate_predictions_are_older_and_differ(world: tuple[Tables, pd.DataFrame]) -> None:
    production = world[0]["production"]
    twice = production[production.duplicated(KEY, keep=False)].sort_values([*KEY, "created_at"])
    assert len(twice) == 2 * DUPLICATE_ROWS
    first, last = twice.iloc[::2], twice.iloc[1::2]
    assert (first["created_at"].to_numpy() < last["created_at"].to_numpy()).all()
    assert (first["predicted"].to_numpy() != last["predicted"].to_numpy()).mean() > 0.9
    assert (first["line"].to_numpy() == last["line"].to_numpy()).all()


def test_the_raw_games_hold_a_few_rows_that_no_box_score_can(raw: Tables, world: tuple[Tables, pd.DataFrame]) -> None:
    delivered, clean = raw["games"], world[0]["games"]
    shots = 2 * (delivered["fgm"] - delivered["fg3m"]) + 3 * delivered["fg3m"] + delivered["ftm"]
    assert (delivered["points"] < 0).sum() == 1
    assert ((delivered["points"] != shots) & (delivered["points"] >= 0)).sum() == 1
    assert (delivered["minutes"] > 65).sum() == 1
    assert delivered.duplicated(KEY).sum() == 1
    assert len(delivered) == len(clean) + 1
    unchanged = delivered.drop_duplicates(KEY).reset_index(drop=True).eq(clean) | clean.isna()
    assert (~unchanged.all(axis=1)).sum() == 3


def test_the_raw_lines_hold_voids_older_duplicates_and_one_quote_of_a_game_under_way(
    raw: Tables, world: tuple[Tables, pd.DataFrame]
) -> None:
    delivered, clean = raw["lines"], world[0]["lines"]
    played = delivered.merge(world[0]["games"][[*KEY, "start_time"]], on=KEY, how="left")
    assert played["start_time"].isna().sum() == props.VOID_QUOTES
    assert (played["quoted_at"] > played["start_time"]).sum() == 1
    quotes = delivered[delivered["book"].notna() & ~is_opening_quote(delivered)].sort_values("quoted_at")
    newest = quotes.drop_duplicates([*KEY, "book"], keep="last")
    assert len(quotes) - len(newest) == props.DUPLICATE_QUOTES + 1
    assert len(delivered) == len(clean) + props.VOID_QUOTES + props.DUPLICATE_QUOTES + 1
    assert delivered.merge(clean, how="inner").drop_duplicates().shape[0] == len(clean)  # nothing was taken away


def test_voids_are_players_of_the_market_whose_team_played_without_them(raw: Tables, games: pd.DataFrame) -> None:
    void = raw["lines"].merge(games[KEY], on=KEY, how="left", indicator=True).query("_merge == 'left_only'")
    for row in void.itertuples():
        season = games.loc[games["date"] == row.date, "season"].iloc[0]
        own = games[(games["player_id"] == row.player_id) & (games["season"] == season)]
        assert len(own) > 10
        assert row.date in set(games.loc[games["team"] == own["team"].iloc[0], "date"])
