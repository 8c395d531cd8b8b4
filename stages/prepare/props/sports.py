"""Sports: what a box score of each holds, what is plausible in a game, and what sources call it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from trueline.core.tables.table_schema import Column

MAX_GAME_COUNT = 150.0  # maximum of any count in one game of basketball; the record is 100 points, in 1962
MAX_TEAM_POINTS = 400.0  # points in one game; the record is 186, in 1983


@dataclass(frozen=True)
class Sport:
    """The statistics of a box score with their limits, and the playing time, which is called minutes in every sport.

    `words` gives other words for each statistic; `playing_time` those for the time, in innings if `in_innings`. A sport
    that does not need it counts every game as 1 where a source has none.
    """

    stats: tuple[Column, ...]
    longest_game: float  # a player's longest playing time
    line_high: float  # the highest line
    playing_time: tuple[str, ...] = ()
    needs_playing_time: bool = True
    in_innings: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    usual_quantity: str = ""  # the statistic that most lines are about; "" is the first

    @property
    def count_names(self) -> list[str]:
        """The names of what a player collects in a game."""
        return [column.name for column in self.stats if column.kind == "whole" and column.name != "team_points"]

    def find_limits(self, quantity: str) -> tuple[float, float]:
        """Return the lowest and highest plausible value of a quantity, or of a sum of several."""
        limits = {column.name: (column.low or 0.0, column.high or 0.0) for column in self.stats}
        stat_limits = [limits[name] for name in quantity.split("+")]
        return sum(low for low, _ in stat_limits), sum(high for _, high in stat_limits)

    def add_own_stats(self, own_stats: Mapping[str, list[float]]) -> "Sport":
        """Return the sport with further statistics, given by their lowest and highest value in a game."""
        own_columns = [_count(name, name.replace("_", " "), low, high) for name, (low, high) in own_stats.items()]
        named = {column.name: column for column in (*self.stats, *own_columns)}
        return replace(self, stats=tuple(named.values()))


def _count(name: str, meaning: str, low: float = 0, high: float = MAX_GAME_COUNT, unit: str = "") -> Column:
    return Column(name, "whole", "after", meaning, unit, low=low, high=high)


def _share(name: str, meaning: str) -> Column:
    return Column(name, "number", "after", meaning, low=0, high=1)


TEAM_POINTS = _count("team_points", "points of the player's team", high=MAX_TEAM_POINTS, unit="points")

BASKETBALL = Sport(
    usual_quantity="points",
    stats=(
        _count("points", "points scored", unit="points"),
        _count("rebounds", "rebounds"),
        _count("assists", "assists"),
        _count("steals", "steals"),
        _count("blocks", "blocked shots"),
        _count("turnovers", "balls lost"),
        _count("fgm", "field goals made"),
        _count("fga", "field goals tried"),
        _count("fg3m", "three-pointers made"),
        _count("fg3a", "three-pointers tried"),
        _count("ftm", "free throws made"),
        _count("fta", "free throws tried"),
        _share("fg_pct", "share of field goals made"),
        _share("fg3_pct", "share of three-pointers made"),
        _share("ft_pct", "share of free throws made"),
        Column("plus_minus", "number", "after", "lead won while on the court", "points"),
        TEAM_POINTS,
    ),
    longest_game=70.0,  # six overtimes were played once
    line_high=80.0,
    words={
        "points": ("pts", "pt", "point", "points scored"),
        "rebounds": ("reb", "rebs", "rebound", "total rebounds", "trb"),
        "assists": ("ast", "asts", "assist"),
        "steals": ("stl", "stls", "steal"),
        "blocks": ("blk", "blks", "block", "blocked shots"),
        "turnovers": ("tov", "to", "turnover", "tos"),
        "fg3m": (
            *("threes", "3pm", "3ptm", "3pt made", "3 pt made", "threes made"),
            *("three pointers made", "3 pointers made"),
        ),
    },
)
AMERICAN_FOOTBALL = Sport(
    usual_quantity="receiving_yards",
    stats=(
        _count("passing_yards", "yards passed", -50, 700),
        _count("passing_tds", "touchdowns passed", 0, 10),
        _count("completions", "passes completed", 0, 70),
        _count("attempts", "passes tried", 0, 90),
        _count("interceptions", "passes intercepted", 0, 12),
        _count("carries", "rushes", 0, 60),
        _count("rushing_yards", "yards rushed", -80, 400),
        _count("rushing_tds", "touchdowns rushed", 0, 8),
        _count("targets", "passes thrown to the player", 0, 40),
        _count("receptions", "passes caught", 0, 30),
        _count("receiving_yards", "yards received", -50, 450),
        _count("receiving_tds", "touchdowns received", 0, 8),
        TEAM_POINTS,
    ),
    longest_game=130.0,  # snaps
    line_high=500.0,
    playing_time=("offense_snaps", "snaps", "snap_count", "offensive_snaps"),
    needs_playing_time=False,
    words={
        "passing_yards": ("pass yds", "pass yards", "passing yds"),
        "passing_tds": ("pass tds", "passing touchdowns"),
        "completions": ("pass completions",),
        "attempts": ("pass attempts",),
        "interceptions": ("pass interceptions", "ints"),
        "carries": ("rush attempts", "rushing attempts"),
        "rushing_yards": ("rush yds", "rush yards", "rushing yds"),
        "rushing_tds": ("rush tds",),
        "receptions": ("rec", "recs", "catches"),
        "receiving_yards": ("rec yds", "reception yds", "rec yards", "receiving yds"),
        "receiving_tds": ("reception tds", "rec tds"),
    },
)
SOCCER = Sport(
    usual_quantity="shots",
    stats=(
        _count("goals", "goals", 0, 10),
        _count("goal_assists", "assists", 0, 10),
        _count("shots", "shots", 0, 25),
        _count("shots_on_target", "shots on target", 0, 20),
        _count("passes", "passes", 0, 300),
        _count("tackles", "tackles", 0, 25),
        _count("fouls", "fouls", 0, 15),
        _count("saves", "saves", 0, 30),
    ),
    longest_game=150.0,  # extra time and what was added
    line_high=150.0,
    words={
        "goals": ("goal", "gls"),
        "goal_assists": ("assists to goals",),
        "shots": ("sh", "total shots"),
        "shots_on_target": ("sot", "shots on goal"),
        "saves": ("goalkeeper saves",),
    },
)
BASEBALL = Sport(
    usual_quantity="strikeouts",
    stats=(
        _count("strikeouts", "strikeouts", 0, 25),
        _count("hits", "hits", 0, 20),
        _count("runs", "runs", 0, 20),
        _count("rbis", "runs batted in", 0, 15),
        _count("home_runs", "home runs", 0, 6),
        _count("total_bases", "total bases", 0, 25),
        _count("walks", "walks", 0, 15),
        _count("stolen_bases", "stolen bases", 0, 8),
        _count("earned_runs", "earned runs", 0, 20),
    ),
    longest_game=27.0,  # innings; the longest game had 26
    line_high=30.0,
    playing_time=("innings", "innings_pitched", "ip", "plate_appearances", "pa"),
    needs_playing_time=False,
    in_innings=True,
    words={
        "strikeouts": ("ks", "so", "k"),
        "rbis": ("rbi",),
        "home_runs": ("hr", "hrs"),
        "total_bases": ("tb",),
        "walks": ("bb",),
        "stolen_bases": ("sb",),
        "hits": ("h",),
        "earned_runs": ("er",),
    },
)
SPORTS = {
    "basketball": BASKETBALL,
    "american_football": AMERICAN_FOOTBALL,
    "soccer": SOCCER,
    "baseball": BASEBALL,
    "own": Sport(stats=(), longest_game=1000.0, line_high=1000.0, needs_playing_time=False),
}
