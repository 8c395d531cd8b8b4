"""Small made-up worlds in the shapes of public downloads, with what is known of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TRACKS = ("Ashford Downs", "Birchmere", "Coldwater")
NBA_TEAMS = ("ALD", "BRX", "CLV", "DRN", "ELM", "FRS")
NFL_TEAMS = ("AA", "BB", "CC", "DD", "EE", "FF", "GG", "HH")


def make_betfair_month(days: int = 30, races: int = 4, boxes: int = 6) -> pd.DataFrame:
    """Return a month of Betfair's monthly file: prices are fair, and strength and form of the day decide a race.

    One race a day lists a runner that was withdrawn.
    """
    random = np.random.default_rng(11)
    strength = random.normal(0, 0.8, 120)
    rows: list[dict[str, Any]] = []
    for day in pd.date_range("2025-03-01", periods=days):
        starters = random.permutation(len(strength))[: races * boxes].reshape(races, boxes)
        for number, field in enumerate(starters, start=1):
            merit = np.exp(strength[field] + random.normal(0, 0.8, boxes))
            chances = merit / merit.sum()
            winner = random.choice(boxes, p=chances)
            has_scratched = number == 1 and winner != boxes - 1
            prices = (1 - chances[-1] if has_scratched else 1) / chances
            for seat, runner in enumerate(field):
                is_scratched = has_scratched and seat == boxes - 1
                rows.append(
                    {
                        "LOCAL_MEETING_DATE": f"{day:%Y-%m-%d}",
                        "SCHEDULED_RACE_TIME": f"{11 + number:02}:{5 * number:02}:00.000",
                        "ACTUAL_OFF_TIME": f"{11 + number:02}:{5 * number:02}:41.000",
                        "TRACK": TRACKS[day.day % 3],
                        "STATE_CODE": "VIC",
                        "RACE_NO": number,
                        "WIN_MARKET_ID": f"1.{200000000 + 10 * (day.day * 100 + number)}",
                        "WIN_MARKET_NAME": f"R{number} 480m Gr5",
                        "DISTANCE": None,
                        "RACE_TYPE": None,
                        "SELECTION_ID": 40000 + runner,
                        "TAB_NUMBER": seat + 1,
                        "SELECTION_NAME": f"{seat + 1}. Made Up {runner}",
                        "WIN_RESULT": "REMOVED" if is_scratched else "WINNER" if seat == winner else "LOSER",
                        "WIN_BSP": None if is_scratched else round(prices[seat], 2),
                        "PLACE_RESULT": "REMOVED" if is_scratched else "LOSER",
                        "PLACE_BSP": None,
                    }
                )
    return pd.DataFrame(rows)


def make_nba_season(days: int = 50, per_team: int = 6) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return box scores as the statistics service's client gives them, and an odds feed's events on four of five days.

    A line is what to expect of the player on the day, to the half point, at two books; the second has an alternate line
    besides. Games start in the evening in New York, which is the next day in UTC.
    """
    random = np.random.default_rng(12)
    means = {(team, seat): 6 + 3.0 * seat for team in NBA_TEAMS for seat in range(per_team)}
    rows: list[dict[str, Any]] = []
    events = []
    for number, day in enumerate(pd.date_range("2024-10-22", periods=days)):
        pairs = random.permutation(NBA_TEAMS).reshape(-1, 2)
        for game, (home, away) in enumerate(pairs):
            start = f"{day + pd.Timedelta(days=1):%Y-%m-%d}T00:{10 + game}:00Z"
            quotes = []
            for team, opponent, sign in ((home, away, "vs."), (away, home, "@")):
                for seat in range(per_team):
                    expected = means[team, seat] * min(random.lognormal(0, 0.5), 2.5)
                    threes, twos, free = random.poisson(np.array([0.3, 0.5, 0.2]) * expected / [3, 2, 1])
                    name = f"Player {team} {seat}"
                    quotes.append((name, max(round(expected), 1) - 0.5))
                    rows.append(
                        {
                            "SEASON_YEAR": "2024-25",
                            "PLAYER_ID": 2000 + 10 * NBA_TEAMS.index(team) + seat,
                            "PLAYER_NAME": name,
                            "TEAM_ID": 1610612700 + NBA_TEAMS.index(team),
                            "TEAM_ABBREVIATION": team,
                            "TEAM_NAME": f"Town of {team}",
                            "GAME_ID": f"0022400{len(pairs) * number + game:03}",
                            "GAME_DATE": f"{day:%Y-%m-%d}T00:00:00",
                            "MATCHUP": f"{team} {sign} {opponent}",
                            "WL": "W",
                            "MIN": f"{12 + 3 * seat}:{random.integers(60):02}",
                            "FGM": twos + threes,
                            "FGA": 2 * (twos + threes) + 1,
                            "FG3M": threes,
                            "FG3A": 2 * threes,
                            "FTM": free,
                            "FTA": free + 1,
                            "REB": random.poisson(4),
                            "AST": random.poisson(3),
                            "TOV": 1,
                            "STL": 1,
                            "BLK": 0,
                            "PTS": 2 * twos + 3 * threes + free,
                            "PLUS_MINUS": 1,
                        }
                    )
            if number % 5:
                events.append(_make_event(f"{number}-{game}", start, day, quotes))
    return pd.DataFrame(rows), events


def _make_event(key: str, start: str, day: pd.Timestamp, quotes: list[tuple[str, float]]) -> dict[str, Any]:
    books = []
    for book, rungs in (("alpha", (0.0,)), ("beta", (0.0, 5.0))):
        outcomes = [
            {"name": outcome, "description": name, "price": price, "point": line + rung}
            for name, line in quotes
            for rung in rungs
            for outcome, price in (("Over", 300 if rung else -110), ("Under", -500 if rung else -110))
        ]
        market = {"key": "player_points", "last_update": f"{day:%Y-%m-%d}T21:00:00Z", "outcomes": outcomes}
        books.append({"key": book, "title": book.title(), "markets": [market]})
    return {"id": key, "sport_key": "basketball_nba", "commence_time": start, "bookmakers": books}


def make_nfl_weeks(seasons: int = 2) -> pd.DataFrame:
    """Return weekly statistics of American football: no day, no game id, no home; best games above 150 yards."""
    random = np.random.default_rng(13)
    rows: list[dict[str, Any]] = []
    for season in range(2022, 2022 + seasons):
        for week in range(1, 18):
            for pair in random.permutation(NFL_TEAMS).reshape(-1, 2):
                for team, opponent in (pair, pair[::-1]):
                    for seat in range(4):
                        catches = random.poisson(6 - seat)
                        yards = int(catches * random.gamma(6, 2)) - (2 if catches == 1 else 0)
                        rows.append(
                            {
                                "player_id": f"00-00{10 * NFL_TEAMS.index(team) + seat:05}",
                                "player_name": f"M.{team}{seat}",
                                "player_display_name": f"Made {team}{seat}",
                                "position": "WR",
                                "recent_team": team,
                                "season": season,
                                "week": week,
                                "season_type": "REG",
                                "opponent_team": opponent,
                                "completions": 0,
                                "attempts": 0,
                                "passing_yards": 0.0,
                                "carries": 0,
                                "rushing_yards": 0.0,
                                "receptions": catches,
                                "targets": catches + 2,
                                "receiving_yards": float(yards),
                                "receiving_tds": int(yards > 90),
                                "fantasy_points": yards / 10,
                            }
                        )
    return pd.DataFrame(rows)


def make_nfl_odds(weeks: pd.DataFrame) -> pd.DataFrame:
    """Return an odds feed's outcomes for every player and week: a line of 5.5 yards a catch that he usually makes.

    Games are on the Thursday, Sunday or Monday of the week.
    """
    first_sundays = {2022: pd.Timestamp("2022-09-11"), 2023: pd.Timestamp("2023-09-10")}
    rows = []
    week_rows: list[Any] = list(weeks.itertuples(index=False))
    for row in week_rows:
        shift = (-3, 0, 1)[row.week % 3]
        start = first_sundays[row.season] + pd.Timedelta(days=7 * (row.week - 1) + shift, hours=21)
        for outcome in ("Over", "Under"):
            rows.append(
                {
                    "commence_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                    "bookmaker": "Alpha",
                    "last_update": f"{start - pd.Timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}",
                    "market": "player_reception_yds",
                    "name": outcome,
                    "description": row.player_display_name,
                    "price": -115 if outcome == "Over" else -105,
                    "point": 60.5 - 10 * (int(row.player_id[-1]) % 4),
                }
            )
    return pd.DataFrame(rows)


def write_events(events: list[dict[str, Any]], path: Path) -> None:
    """Write an odds feed's events as its JSON."""
    path.write_text(json.dumps(events))


def write_corrected_download(
    folder: Path, name: str, wrong: pd.DataFrame, corrected: pd.DataFrame, says_so: str
) -> None:
    """Write a download and the corrected rows: as an added part, or above the others with a newer `updated_at`."""
    if says_so == "updated_at":
        newer = corrected.assign(updated_at="2025-03-01T12:00Z")
        pd.concat([newer, wrong.assign(updated_at="2025-03-01T10:00Z")]).to_csv(folder / f"{name}.csv", index=False)
    else:
        wrong.to_csv(folder / f"{name}.csv", index=False)
        corrected.to_csv(folder / f"{name}.part000001.csv", index=False)
