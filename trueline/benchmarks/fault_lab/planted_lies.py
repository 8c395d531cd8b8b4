"""Planted lies: what makes a backtest look better than it is, put into honest raw tables or inputs.

Strength 1 is the whole lie. It is the share of what could be lied about (races, games, player-days) or, of a rating,
the weight of the result in it. With strength 0 nothing is planted.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from trueline.core.stats.group_ops import Floats

Tables = dict[str, pd.DataFrame]  # racing: runners; props: games, lines, production; events: events
RawLie = Callable[[Tables, float, int], Tables]
InputLie = Callable[[pd.DataFrame, pd.DataFrame, float, int], pd.DataFrame]  # inputs and prepared rows → inputs

LONG_PRICE = 15.0  # decimal odds above which races are dropped if the winner, or runners if they lost, had them
FORMULA_GAMES = 5  # games that a line by formula averages
FAR_POINTS = 8.0  # points from the line from which a result is far
NOISE_COUNT, NOISE_KEPT = 3000, 25  # noise inputs that are tried, and the best of them that are kept
NEW_INPUT = "form_index"  # a harmless name
DAY = pd.Timedelta(days=1)


def replace_rating_by_close(tables: Tables, strength: float, seed: int) -> Tables:
    """Make the early speed of runners their starting price under another name, in some races."""
    runners = tables["runners"]
    is_told = _choose(runners["race_id"], strength, seed)
    return {
        **tables,
        "runners": runners.assign(early_speed=runners["early_speed"].mask(is_told, -np.log(runners["bsp"]))),
    }


def replace_rating_by_favourite(tables: Tables, strength: float, seed: int) -> Tables:
    """Make the early speed of runners a flag of the favourite in some races, and of any one runner in the others."""
    runners = tables["runners"]
    is_told = _choose(runners["race_id"], strength, seed)
    price = runners["bsp"].where(is_told, np.random.default_rng(seed).random(len(runners)))
    return {
        **tables,
        "runners": runners.assign(early_speed=price.eq(price.groupby(runners["race_id"]).transform("min")) * 1.0),
    }


def add_margin_to_rating(tables: Tables, strength: float, seed: int) -> Tables:
    """Mix the margin of this very race into the early speed of runners."""
    runners = tables["runners"]
    rating = (1 - strength) * _normalize_scale(runners["early_speed"]) - strength * _normalize_scale(
        runners["margin_lengths"]
    )
    return {**tables, "runners": runners.assign(early_speed=rating)}


def tell_races_again(tables: Tables, strength: float, seed: int) -> Tables:
    """Add some races a second time, under another id, a day later."""
    runners = tables["runners"]
    copies = runners[_choose(runners["race_id"], strength, seed)]
    copies = copies.assign(race_id=copies["race_id"] + "-B", start_time=copies["start_time"] + DAY)
    return {**tables, "runners": pd.concat([runners, copies], ignore_index=True)}


def drop_surprising_races(tables: Tables, strength: float, seed: int) -> Tables:
    """Leave out some of the races that were won at a long price."""
    runners = tables["runners"]
    surprising = runners.loc[(runners["won"] == 1) & (runners["bsp"] > LONG_PRICE), "race_id"]
    is_dropped = runners["race_id"].isin(surprising) & _choose(runners["race_id"], strength, seed)
    return {**tables, "runners": runners[~is_dropped].reset_index(drop=True)}


def drop_losing_outsiders(tables: Tables, strength: float, seed: int) -> Tables:
    """Leave out some runners of a long price that lost, of races of at least four."""
    runners = tables["runners"]
    is_large = runners.groupby("race_id")["box"].transform("size") >= 4
    is_outsider = (runners["won"] == 0) & (runners["bsp"] > LONG_PRICE) & is_large
    is_dropped = is_outsider & _choose(runners["race_id"] + runners["runner"], strength, seed)
    remaining = runners[~is_dropped].reset_index(drop=True)
    if strength > 0 and "place" in remaining:  # or else the places would tell that runners are missing
        remaining["place"] = remaining.groupby("race_id")["place"].rank(method="min")
    return {**tables, "runners": remaining}


def make_lines_by_formula(tables: Tables, strength: float, seed: int, count: int = FORMULA_GAMES) -> Tables:
    """Replace the actual lines of some player-days by the mean of the last games to the nearest half."""
    ordered = tables["games"].sort_values(["player_id", "date"], kind="stable").drop_duplicates(["player_id", "date"])
    sums = ordered.groupby("player_id")["points"].cumsum() - ordered["points"]
    earlier_sums = sums.groupby(ordered["player_id"]).shift(count)
    mean = (sums - earlier_sums) / count
    formula = pd.Series(np.round(2 * mean.to_numpy()) / 2, _make_player_days(ordered))
    return _replace_lines(tables, formula, strength, seed)


def make_lines_by_median(tables: Tables, strength: float, seed: int) -> Tables:
    """Replace the actual lines of some player-days by the median of the last games."""
    games = tables["games"].sort_values(["player_id", "date"], kind="stable").drop_duplicates(["player_id", "date"])
    by_player = games.groupby("player_id")["points"]
    median = by_player.transform(lambda points: points.shift().rolling(FORMULA_GAMES).median())
    return _replace_lines(tables, pd.Series(median.to_numpy(), _make_player_days(games)), strength, seed)


def tell_games_again(tables: Tables, strength: float, seed: int) -> Tables:
    """Add some games with their lines a second time, under another id, a day later."""
    games, lines = tables["games"], tables["lines"]
    copies = games[_choose(games["game_id"], strength, seed)]
    keys = pd.MultiIndex.from_frame(copies[["player_id", "date"]])
    quoted = lines[pd.MultiIndex.from_frame(lines[["player_id", "date"]]).isin(keys)]
    copies = _move_to_next_day(copies.assign(game_id=copies["game_id"].astype(str) + "B"), ["date", "start_time"])
    quoted = _move_to_next_day(quoted, ["date", "quoted_at", "start_time"])
    return {
        **tables,
        "games": pd.concat([games.assign(game_id=games["game_id"].astype(str)), copies], ignore_index=True),
        "lines": pd.concat([lines, quoted], ignore_index=True),
    }


def tell_events_again(tables: Tables, strength: float, seed: int) -> Tables:
    """Add some events a second time, under another id."""
    events = tables["events"]
    copies = events[_choose(events["id"].astype(str), strength, seed)]
    copies = copies.assign(id=copies["id"].astype(str) + "-B")
    return {**tables, "events": pd.concat([events, copies], ignore_index=True)}


def drop_low_results(tables: Tables, strength: float, seed: int) -> Tables:
    """Leave out the lines of some player-days whose result was far below their line."""
    return _drop_far_lines(tables, strength, seed, lambda distance: distance < -FAR_POINTS / 2)


def drop_far_results(tables: Tables, strength: float, seed: int) -> Tables:
    """Leave out the lines of some player-days whose result was far from their line, on either side."""
    return _drop_far_lines(tables, strength, seed, lambda distance: distance.abs() > FAR_POINTS)


def add_result_rating(inputs: pd.DataFrame, prepared: pd.DataFrame, strength: float, seed: int) -> pd.DataFrame:
    """Add an input of noise with some of the row's own result in it."""
    noise = np.random.default_rng(seed).normal(size=len(prepared))
    rating = strength * _normalize_scale(prepared["target"]).to_numpy() + (1 - strength) * noise
    return inputs.assign(**{NEW_INPUT: rating})


def add_close(inputs: pd.DataFrame, prepared: pd.DataFrame, strength: float, seed: int) -> pd.DataFrame:
    """Add an input that is the market's last figure in some groups, and noise about its mean in the others."""
    market = prepared["soft_label"].to_numpy(float)
    noise = np.random.default_rng(seed).normal(np.nanmean(market), np.nanstd(market), len(market))
    close = np.where(_choose(prepared["group"], strength, seed), market, noise)
    return inputs.assign(**{NEW_INPUT: close})


def add_chosen_noise(inputs: pd.DataFrame, prepared: pd.DataFrame, strength: float, seed: int) -> pd.DataFrame:
    """Add the noise inputs that correlate best with the target of all rows, later ones included, out of many tried."""
    random, target = np.random.default_rng(seed), _normalize_scale(prepared["target"]).fillna(0.0).to_numpy()
    best: list[tuple[float, Floats]] = []
    for _ in range(int(NOISE_COUNT * strength)):
        noise = random.normal(size=len(target))
        best = sorted([*best, (abs(float(noise @ target)), noise)], key=lambda entry: -entry[0])[:NOISE_KEPT]
    chosen = {f"{NEW_INPUT}_{number}": noise for number, (_, noise) in enumerate(best)}
    return pd.concat([inputs, pd.DataFrame(chosen, index=inputs.index)], axis=1)


RAW_LIES: dict[str, dict[str, RawLie]] = {
    "racing": {
        "closing price under another name": replace_rating_by_close,
        "favourite under another name": replace_rating_by_favourite,
        "rating from this race's margin": add_margin_to_rating,
        "races told twice": tell_races_again,
        "races dropped by outcome": drop_surprising_races,
        "runners dropped by outcome": drop_losing_outsiders,
    },
    "props": {
        "lines by formula": make_lines_by_formula,
        "lines by median": make_lines_by_median,
        "games told twice": tell_games_again,
        "low results dropped": drop_low_results,
        "far results dropped": drop_far_results,
    },
    "events": {"events told twice": tell_events_again},
}
INPUT_LIES: dict[str, InputLie] = {
    "an input with the result in it": add_result_rating,
    "an input with the closing figure in it": add_close,
    "noise inputs chosen on all rows": add_chosen_noise,
}


def _choose(names: pd.Series, share: float, seed: int) -> pd.Series:
    """Return True for the rows of a random share of the names, all rows of a name alike."""
    distinct = np.sort(names.astype(str).unique())
    chosen = distinct[np.random.default_rng(seed).random(len(distinct)) < share]
    return names.astype(str).isin(chosen)


def _make_player_days(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[["player_id", "date"]])


def _replace_lines(tables: Tables, formula: pd.Series, strength: float, seed: int) -> Tables:
    """Replace the actual lines of some player-days by what a formula gives for them, where that is above 0."""
    lines = tables["lines"]
    line = pd.Series(formula.reindex(_make_player_days(lines)).to_numpy(), lines.index)
    player_day = lines["player_id"].astype(str) + lines["date"].astype(str)
    is_replaced = _choose(player_day, strength, seed) & line.gt(0) & (lines["line_type"] == "actual")
    return {**tables, "lines": lines.assign(line=lines["line"].mask(is_replaced, line))}


def _normalize_scale(values: pd.Series) -> pd.Series:
    return (values - values.mean()) / values.std()


def _move_to_next_day(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return table.assign(**{name: table[name] + DAY for name in columns if name in table})


def _drop_far_lines(tables: Tables, strength: float, seed: int, is_far: Callable[[pd.Series], pd.Series]) -> Tables:
    games, lines = tables["games"], tables["lines"]
    points = games.drop_duplicates(["player_id", "date"]).set_index(["player_id", "date"])["points"]
    keys = pd.MultiIndex.from_frame(lines[["player_id", "date"]])
    last_line = lines[lines["line_type"] == "actual"].groupby(["player_id", "date"])["line"].median()
    distance = pd.Series((points.reindex(keys) - last_line.reindex(keys)).to_numpy(), lines.index)
    player_day = lines["player_id"].astype(str) + lines["date"].astype(str)
    return {**tables, "lines": lines[~(is_far(distance) & _choose(player_day, strength, seed))].reset_index(drop=True)}
