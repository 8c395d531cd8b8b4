"""Inputs of props: form, role, schedule, opponent and market of each player, as known before his game."""

from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.betting.american_odds import remove_margin
from trueline.core.history.grouped_rows import Floats
from trueline.core.history.input_selection import make_input_table
from trueline.core.history.leak_detection import DecisionSettings
from trueline.core.history.own_inputs import OwnFigures
from trueline.core.history.past import Past
from trueline.core.history.prefix_sums import KeyColumns

Inputs = dict[str, Floats]

PLAYER = "entity"
PLAYER_SEASON = (PLAYER, "season")
BOX_SCORE_STATS = (
    "points",
    "rebounds",
    "assists",
    "steals",
    "blocks",
    "turnovers",
    "fg_pct",
    "fg3_pct",
    "ft_pct",
    "plus_minus",
)
OTHER_SPORTS_STATS = (
    *("completions", "attempts", "passing_yards", "passing_tds", "interceptions"),
    *("carries", "rushing_yards", "rushing_tds", "targets", "receptions", "receiving_yards", "receiving_tds"),
    *("goals", "goal_assists", "shots", "shots_on_target", "passes", "tackles", "fouls", "saves"),
    *("strikeouts", "hits", "runs", "rbis", "home_runs", "total_bases", "walks", "stolen_bases", "earned_runs"),
)
SHOT_STATS = ("fga", "fg3a", "fta")
SIDE_SUMS = {"side_usual": "target", "side_minutes": "minutes"}  # over those of the rotation who play, of what
MAX_REST_DAYS = 30.0  # days of rest above which more make no difference
SHRINK_GAMES = 10.0  # a player's mean surplus is shrunk toward 0 with the weight of this many games
SHRINK_OPPONENT_ROWS = 50.0  # and that of all who met an opponent, with this many rows
ZERO_TOLERANCE = 1e-6  # a mean or standard deviation up to this is 0 but for rounding
OWN_FIGURES = OwnFigures(surplus="surplus")


class Settings(DecisionSettings):
    """How much of the market is an input, whether line-ups are known at the off, and the half-lives of form."""

    market: Literal["none", "past", "line", "residual"]
    lineups: bool
    half_life_days: float = Field(gt=0)
    short_half_life_days: float = Field(gt=0)


def build(current: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Return the inputs of every player and game, in the order of `current`.

    The names give the formula: `mean_5` is the mean of the predicted quantity over five games; other windows end in
    `_season`, in `_30d` (days), or have no ending for all earlier games; `minutes_` and the like name another column.
    Whatever is not known yet, for example in a first game, is missing, never zero; only games and minutes are counted
    from zero. The line and its movement are inputs only if `market` says so: the opening line if the decision is made
    before the game, the closing line and the line-ups if it is made at the off. `residual` adds `anchor`, from which a
    learner may start: the line; without one, the player's usual; in a first game, everybody's mean at home or away.
    """
    form = _build_form_inputs(past, settings)
    table = {
        **_build_game_inputs(current),
        **form,
        **(_build_minutes_inputs(past, settings) if _has_minutes(past) else {}),
        **_build_rate_inputs(past),
        **_build_trend_inputs(past, form),
        **_build_schedule_inputs(past),
        **_build_opponent_inputs(past),
        **_build_matchup_inputs(past),
        **_build_absence_inputs(past),
        **_build_teammate_inputs(past),
        **_build_lineup_inputs(current, past, settings),
        **_build_market_inputs(current, past, settings),
    }
    categories = {name: current[name].astype("category") for name in ("team", "opponent", "role") if name in current}
    return make_input_table({**table, **categories})


def _has_minutes(past: Past) -> bool:
    """Return whether the source has playing times; without them every game counts as 1, and says nothing."""
    return past.has_column("minutes_surplus")


def _build_game_inputs(current: pd.DataFrame) -> Inputs:
    """Return what the schedule says."""
    table = {"home": current["home"].to_numpy(float)}
    if "season_type" in current:
        season_type = current["season_type"]
        table["regular"] = np.where(season_type.isna(), np.nan, season_type.str.startswith("Regular", na=False))
    return table


def _build_form_inputs(past: Past, settings: Settings) -> Inputs:
    """Return the player's form in the predicted quantity: its mean, standard deviation and maximum."""
    table = {f"mean_{last}": past.mean("target", PLAYER, last=last) for last in (1, 3, 5, 10, 20)}
    table |= {f"std_{last}": past.std("target", PLAYER, last=last) for last in (5, 10, 20)}
    table["mean_season"], table["mean"] = past.mean("target", PLAYER_SEASON), past.mean("target", PLAYER)
    table["std_season"] = past.std("target", PLAYER_SEASON)
    table["fading"] = past.ewm("target", PLAYER, half_life_days=settings.half_life_days)
    table["fading_fast"] = past.ewm("target", PLAYER, half_life_days=settings.short_half_life_days)
    table["best"] = past.max("target", PLAYER)
    return table


def _build_minutes_inputs(past: Past, settings: Settings) -> Inputs:
    """Return how long the player is on the court."""
    table = {f"minutes_{last}": past.mean("minutes", PLAYER, last=last) for last in (1, 3, 5, 10, 20)}
    table["minutes_season"] = past.mean("minutes", PLAYER_SEASON)
    table["minutes_std_10"] = past.std("minutes", PLAYER, last=10)
    table["minutes_fading"] = past.ewm("minutes", PLAYER, half_life_days=settings.short_half_life_days)
    return table


def _build_rate_inputs(past: Past) -> Inputs:
    """Return rates per minute, the share of the team's points, and the other box-score statistics.

    Shots per minute stand for usage.
    """
    table = {}
    if _has_minutes(past):
        for last in (5, 10, 20):
            table[f"rate_{last}"] = _compute_ratio(past, "target", "minutes", PLAYER, last=last)
        table["rate_season"] = _compute_ratio(past, "target", "minutes", PLAYER_SEASON)
        table["rate_365d"] = _compute_ratio(past, "target", "minutes", PLAYER, days=365)
    if past.has_column("points") and past.has_column("team_points"):
        table["of_team_10"] = _compute_ratio(past, "points", "team_points", PLAYER, last=10)
        table["of_team_season"] = _compute_ratio(past, "points", "team_points", PLAYER_SEASON)
    for name in (*BOX_SCORE_STATS, *OTHER_SPORTS_STATS):
        if past.has_column(name):
            table[f"{name}_10"] = past.mean(name, PLAYER, last=10)
    for name in ("fg_pct", "fg3_pct", "ft_pct"):
        if past.has_column(name):
            table[f"{name}_40"] = past.mean(name, PLAYER, last=40)
    for name in SHOT_STATS:
        if past.has_column(name):
            table[f"{name}_rate_10"] = _compute_ratio(past, name, "minutes", PLAYER, last=10)
    return table


def _build_trend_inputs(past: Past, form: Inputs) -> Inputs:
    """Return the trends of form and minutes."""
    table = {
        "slope_10": past.slope("target", PLAYER, last=10),
        "mean_3_less_10": form["mean_3"] - form["mean_10"],
        "mean_5_less_season": form["mean_5"] - form["mean_season"],
        "z_5": (form["mean_5"] - form["mean_season"]) / _mask_zeros(form["std_season"]),
        "surplus_3": past.mean("surplus", PLAYER, last=3),
    }
    if _has_minutes(past):
        table["minutes_surplus_3"] = past.mean("minutes_surplus", PLAYER, last=3)
        table["minutes_slope_10"] = past.slope("minutes", PLAYER, last=10)
    return table


def _build_schedule_inputs(past: Past) -> Inputs:
    """Return how rested the player and the opponent are, and how many games the player has behind him."""
    rest_days = past.days_since_last(PLAYER)
    table = {
        "rest_days": np.minimum(rest_days, MAX_REST_DAYS),
        "back_to_back": np.where(np.isnan(rest_days), np.nan, rest_days <= 1),
        "games_7d": past.count(None, PLAYER, days=7),
        "games_14d": past.count(None, PLAYER, days=14),
        "minutes_7d": past.sum("minutes", PLAYER, days=7) if _has_minutes(past) else None,
        "games_season": past.count(None, PLAYER_SEASON),
        "games": past.count(None, PLAYER),
        "opponent_rest_days": np.minimum(past.days_since_last("opponent"), MAX_REST_DAYS),
    }
    return {name: values for name, values in table.items() if values is not None}


def _build_opponent_inputs(past: Past) -> Inputs:
    """Return what the opponent allows, to all players and to those of this role, and how much both teams score."""
    table = {"opponent_surplus_60d": _shrink_mean(past, "surplus", "opponent", SHRINK_OPPONENT_ROWS, days=60)}
    if _has_minutes(past):
        table["opponent_role_surplus_120d"] = _shrink_mean(
            past, "surplus", ("opponent", "role"), SHRINK_OPPONENT_ROWS, days=120
        )
        table["opponent_minutes_surplus_60d"] = _shrink_mean(
            past, "minutes_surplus", "opponent", SHRINK_OPPONENT_ROWS, days=60
        )
    if past.has_column("team_points"):
        for days in (30, 120):
            team_means = {
                "team_scores": past.mean("team_points", "team", days=days),
                "team_allows": past.mean("opponent_points", "team", days=days),
                "opponent_scores": past.mean("opponent_points", "opponent", days=days),
                "opponent_allows": past.mean("team_points", "opponent", days=days),
            }
            table |= {f"{name}_{days}d": values for name, values in team_means.items()}
            table[f"pace_{days}d"] = np.asarray(sum(team_means.values())) / 2  # total points per game of both teams
    return table


def _build_matchup_inputs(past: Past) -> Inputs:
    """Return how the player did against this opponent, and at home or away."""
    return {
        "games_against": past.count(None, (PLAYER, "opponent")),
        "mean_against": past.mean("target", (PLAYER, "opponent"), last=8),
        "surplus_against": _shrink_mean(past, "surplus", (PLAYER, "opponent"), SHRINK_GAMES, last=8),
        "mean_at_home_or_away": past.mean("target", (PLAYER, "home"), last=20),
        "surplus_at_home_or_away": _shrink_mean(past, "surplus", (PLAYER, "home"), SHRINK_GAMES, last=20),
    }


def _build_absence_inputs(past: Past) -> Inputs:
    """Return the share of his team's games in which the player did not play; 1 for a newcomer."""
    table = {}
    for days in (10, 30):
        games = np.round(past.sum("share_of_team", "team", days=days))
        played = past.count(None, (PLAYER, "team"), days=days)
        table[f"absence_{days}d"] = 1 - played / np.where(games > 0, games, np.nan)
    return table


def _build_teammate_inputs(past: Past) -> Inputs:
    """Return what those who played in the team's last game usually reach: who missed it tends to miss this one too.

    Compared with the team's usual sides, with those beside which the player's own recent figures arose, and with what
    he reaches himself.
    """
    if not past.has_column("side_usual"):
        return {}
    table: Inputs = {}
    for name, column in SIDE_SUMS.items():
        if column == "minutes" and not _has_minutes(past):
            continue
        latest, usual = past.nth_latest(name, "team"), past.mean(name, "team", days=30)
        table[f"{name}_last_less_30d"] = latest - usual
        table[f"{name}_7d_less_30d"] = past.mean(name, "team", days=7) - usual
        table[f"{name}_last_less_own_10"] = latest - past.mean(name, (PLAYER, "team"), last=10)
        table[f"share_of_{name}_last"] = past.mean(column, PLAYER, last=10) / _mask_zeros(latest)
    return table


def _build_lineup_inputs(current: pd.DataFrame, past: Past, settings: Settings) -> Inputs:
    """Return what those who play usually reach, which shows who is missing; known at the off, for the rotation only.

    A line that was quoted before the line-ups were out does not reflect this; then set `lineups: false`.
    """
    if not settings.lineups or "side_usual" not in current:
        return {}
    table: Inputs = {}
    has_past = (
        current["side_minutes"].to_numpy(float) > 0
    )  # the sums are 0 for a team of which nobody has played before
    for name in SIDE_SUMS:
        lineup_sums = np.where(has_past, current[name].to_numpy(float), np.nan)
        table[name] = lineup_sums
        table[f"{name}_less_team_30d"] = lineup_sums - past.mean(name, "team", days=30)
        table[f"{name}_less_own_10"] = lineup_sums - past.mean(name, (PLAYER, "team"), last=10)
        team_sums = pd.Series(lineup_sums, current.index, float).groupby([current["game_id"], current["team"]]).first()
        table[f"opponent_{name}"] = team_sums.reindex(_build_key_index(current, ["game_id", "opponent"])).to_numpy(
            float
        )
    return table


def _build_market_inputs(current: pd.DataFrame, past: Past, settings: Settings) -> Inputs:
    """Return the lines of the player's earlier games and, with `line` or `residual`, that of this game."""
    if settings.market == "none":
        return {}
    table = {
        "line_last": past.nth_latest("line", PLAYER),
        "line_mean_3": past.mean("line", PLAYER, last=3),
        "line_surplus_10": _shrink_mean(past, "line_surplus", PLAYER, SHRINK_GAMES, last=10),
    }
    if settings.market == "past":
        return table
    usual = past.mean("target", PLAYER, last=20)
    open_line = current["open_line"].to_numpy(float)
    line = current["line"].to_numpy(float) if "line" in current else open_line
    table |= {"line": line, "line_less_usual": line - usual, "line_news": line - table["line_last"]}
    if "line" in current:
        fair_over, _ = remove_margin(current["over_price"], current["under_price"], "proportional")
        table |= {"line_move": line - open_line, "fair_over": fair_over, "books": current["n_books"].to_numpy(float)}
    if settings.market == "residual":
        overall_mean = past.mean("target", "home")
        table["anchor"] = np.where(~np.isnan(line), line, np.where(np.isnan(usual), overall_mean, usual))
    return table


def _compute_ratio(
    past: Past, numerator: str, denominator: str, by: KeyColumns, last: int | None = None, days: float | None = None
) -> Floats:
    """Return the mean of one column over that of another in a window; missing if either is, or the divisor is 0."""
    return past.mean(numerator, by, last=last, days=days) / _mask_zeros(
        past.mean(denominator, by, last=last, days=days)
    )


def _shrink_mean(
    past: Past, column: str, by: KeyColumns, strength: float, last: int | None = None, days: float | None = None
) -> Floats:
    """Return the mean of a window, shrunk toward 0 with the weight of `strength` rows; missing for an empty window."""
    has_values = past.count(column, by, last=last, days=days) > 0
    return np.where(has_values, past.shrunk_rate(column, by, last=last, days=days, strength=strength), np.nan)


def _mask_zeros(values: Floats) -> Floats:
    return np.where(values > ZERO_TOLERANCE, values, np.nan)


def _build_key_index(table: pd.DataFrame, names: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[names])
