"""Sportsbook: a market of known sharpness on the league's points, and an in-house model's log with known faults."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from trueline.core.stats.group_ops import Floats


class Book(NamedTuple):
    """A bookmaker: who delivers its lines, how often it has one, how many are whole points, and when it closes."""

    name: str
    source: str
    coverage: float  # share of the market's players that it quotes
    whole_line_share: float  # share of its lines on whole points, where pushes happen
    lead_minutes: int  # minutes before tip-off


PICKEM_WHOLE_SHARE = 0.3  # share of the pick'em source's lines on whole points
BOOKS = (
    Book("Northbook", "line_feed", 1.0, 0.0, 5),
    Book("Harbour Bet", "line_feed", 0.8, 0.0, 10),
    Book("Evenpick", "pickem_feed", 0.4, PICKEM_WHOLE_SHARE, 20),
)
OPEN_HOUR = 14  # hour of the day, UTC, of the first quotes: before any tip-off, and before anybody knows who is missing
ALTERNATE_POINTS = 4.0  # points by which the alternate line of a card is above the main one
CLOSE_NOISE_SD = 0.6  # SD of the market's error at the close, in points, shared by all books
OPEN_NOISE_SD = 0.5  # SD of what the open adds to that, in points, besides not knowing who is missing
BOOK_NOISE_SD = 0.2  # SD among books, in points
VIG = 0.045  # by how much both sides' implied chances sum to more than one
LISTED_MINUTES = 18.0  # usual minutes from which a player may have a line; the day's own would give the news away
LISTED_SHARE = 0.92  # share of those who have one
ESTIMATED_ALONE_SHARE = 0.85  # share of the other rows with an estimated line
ESTIMATED_TOO_SHARE = 0.2  # share of the market's rows that have an estimated line too
ESTIMATED_GAMES = (3, 5)  # games of the season that an estimated line averages, at least and at most
STALE_DAYS = ("2024-01-22", "2024-02-02")  # days on which every book quotes its belief of a week before
STALE_BY_DAYS = 7  # days, at least: the player's last game before that

HOUSE_MODEL = "house_form"
# Games over which the model takes two means, across seasons, and averages them: plausible, but weaker than the market.
FORM_GAMES = (10, 40)
MIN_FORM_GAMES = 5  # games before it predicts anything
CREATED_HOUR = 15  # hour of the day, UTC, of its predictions: it sees and is graded against Northbook's open
LOGGED_SEASON = "2023-24"  # the season whose predictions were logged
BACKFILLED_DAYS = ("2023-11-18", "2023-12-01")  # days whose predictions were made afterwards, all in one batch
BACKFILLED_AT = "2023-12-04 09:00"  # UTC
LEAK_WEIGHT = 0.35  # weight of the game's own points in those predictions
DEFAULTED_DAYS = ("2023-12-09", "2023-12-18")  # days on which an input was stuck at its default
DEFAULTED_BY_POINTS = 3.0  # points that this added to every prediction
OUTAGE_DAYS = ("2023-12-24", "2023-12-27")  # days without a prediction
ESTIMATED_DAYS = ("2024-01-04", "2024-01-13")  # days graded on estimated lines: the same players, no market
DUPLICATE_ROWS = 20  # rows of sound days that were logged twice, first with another prediction
DUPLICATE_NOISE_SD = 1.5  # SD of the difference, in points
DUPLICATE_HOURS = 3  # hours before the one that counts


def is_within_dates(dates: pd.Series, period: tuple[str, str]) -> pd.Series:
    """Return True for dates within a period, both ends included."""
    return dates.between(pd.Timestamp(period[0]), pd.Timestamp(period[1]))


def is_opening_quote(lines: pd.DataFrame) -> pd.Series:
    """Return True for a book's first quote of the day."""
    return lines["book"].notna() & lines["quoted_at"].eq(lines["date"] + pd.Timedelta(hours=OPEN_HOUR))


def quote_lines(random: np.random.Generator, games: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the lines: an open and a close of each book, and estimated ones where somebody made them."""
    close_belief = truth["median"] + random.normal(0, CLOSE_NOISE_SD, len(truth))
    open_belief = close_belief + truth["open_median"] - truth["median"] + random.normal(0, OPEN_NOISE_SD, len(truth))
    quoted_rows = _find_quoted_rows(games)
    beliefs = close_belief.to_numpy()[quoted_rows], open_belief.to_numpy()[quoted_rows]
    listed = (truth["usual_minutes"] >= LISTED_MINUTES) & (random.random(len(truth)) < LISTED_SHARE)
    quotes = [_quote_book(random, games, truth["density"].to_numpy(), beliefs, listed, book) for book in BOOKS]
    has_estimate = random.random(len(games)) < np.where(listed, ESTIMATED_TOO_SHARE, ESTIMATED_ALONE_SHARE)
    lines = pd.concat([*quotes, _make_estimated_lines(games)[has_estimate]])
    return lines.dropna(subset="line").sort_values(["date", "player_id", "book", "quoted_at"], ignore_index=True)


def quote_card(random: np.random.Generator, games: pd.DataFrame) -> pd.DataFrame:
    """Return the first quotes of two books on the listed players of games to come, and an alternate line of one.

    `games` has, besides the schedule, `usual_minutes`, and `median` and `density` of each player's points.
    """
    listed = games[games["usual_minutes"] >= LISTED_MINUTES].reset_index(drop=True)
    belief = listed["median"] + random.normal(0, CLOSE_NOISE_SD, len(listed))
    quotes = []
    for book, alternate_points in ((BOOKS[0], 0.0), (BOOKS[1], 0.0), (BOOKS[1], ALTERNATE_POINTS)):
        line = np.floor(belief + random.normal(0, BOOK_NOISE_SD, len(listed))) + 0.5 + alternate_points
        over = np.clip(0.5 + listed["density"] * (belief - line), 0.1, 0.9).to_numpy()
        quote = listed[["player_id", "date"]].assign(
            book=book.name,
            line=np.maximum(line, 0.5),
            over_price=convert_to_american(over * (1 + VIG)),
            under_price=convert_to_american((1 - over) * (1 + VIG)),
            quoted_at=listed["date"] + pd.Timedelta(hours=OPEN_HOUR),
        )
        quotes.append(quote)
    return pd.concat(quotes).sort_values(["player_id", "book", "line"], ignore_index=True)


def make_production_log(random: np.random.Generator, games: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the in-house model's predictions of season two as they were logged, with every planted fault."""
    rows = games.assign(predicted=_predict_house_model(games), estimate=_make_estimated_lines(games)["line"])
    opening_lines = lines[(lines["book"] == BOOKS[0].name) & is_opening_quote(lines)]
    rows = rows.merge(opening_lines[["player_id", "date", "line"]], on=["player_id", "date"])
    is_logged = (rows["season"] == LOGGED_SEASON) & rows["predicted"].notna()
    rows = rows[is_logged & ~is_within_dates(rows["date"], OUTAGE_DAYS)]
    backfilled = is_within_dates(rows["date"], BACKFILLED_DAYS)
    estimated = is_within_dates(rows["date"], ESTIMATED_DAYS)
    leaked = (1 - LEAK_WEIGHT) * rows["predicted"] + LEAK_WEIGHT * rows["points"]
    logged = rows[["player_id", "date"]].assign(
        model=HOUSE_MODEL,
        predicted=rows["predicted"].mask(backfilled, leaked)
        + DEFAULTED_BY_POINTS * is_within_dates(rows["date"], DEFAULTED_DAYS),
        line=rows["line"].mask(estimated, rows["estimate"]),
        line_type=np.where(estimated, "estimated", "actual"),
        created_at=(rows["date"] + pd.Timedelta(hours=CREATED_HOUR)).mask(backfilled, pd.Timestamp(BACKFILLED_AT)),
    )
    logged = pd.concat([logged.dropna(), _make_earlier_versions(random, logged)]).round({"predicted": 2})
    return logged.sort_values(["date", "player_id", "created_at"], ignore_index=True)


def _find_quoted_rows(games: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return for each row the row whose belief the books quote: its own or, on stale days, one a week before."""
    own_rows = games[["player_id", "date", "season"]].assign(row=np.arange(len(games)))
    week_before = own_rows.assign(date=own_rows["date"] - pd.Timedelta(days=STALE_BY_DAYS))
    earlier_rows = pd.merge_asof(week_before, own_rows, on="date", by=["player_id", "season"], suffixes=("_own", ""))
    stale = is_within_dates(games["date"], STALE_DAYS) & earlier_rows["row"].notna()
    return own_rows["row"].where(~stale, earlier_rows["row"]).to_numpy(dtype=np.int64)


def _quote_book(
    random: np.random.Generator,
    games: pd.DataFrame,
    density: Floats,
    beliefs: tuple[Floats, Floats],
    listed: pd.Series,
    book: Book,
) -> pd.DataFrame:
    """Return one book's closing and opening quotes."""
    is_whole_line = random.random(len(games)) < book.whole_line_share
    book_beliefs = [belief + random.normal(0, BOOK_NOISE_SD, len(games)) for belief in beliefs]
    whole_or_half = (np.where(is_whole_line, np.rint(belief), np.floor(belief) + 0.5) for belief in book_beliefs)
    lines = [np.maximum(line, 0.5) for line in whole_or_half]
    times = games["start_time"] - pd.Timedelta(minutes=book.lead_minutes), games["date"] + pd.Timedelta(hours=OPEN_HOUR)
    is_offered = listed & (random.random(len(games)) < book.coverage)
    quotes = []
    for belief, line, quoted_at in zip(book_beliefs, lines, times, strict=True):
        over = np.clip(0.5 + density * (belief - line), 0.3, 0.7)
        quotes.append(
            games[["player_id", "date"]].assign(
                line=line,
                line_type="actual",
                open_line=lines[1],
                over_price=convert_to_american(over * (1 + VIG)),
                under_price=convert_to_american((1 - over) * (1 + VIG)),
                n_books=1.0,
                source=book.source,
                book=book.name,
                quoted_at=quoted_at,
            )[is_offered]
        )
    return pd.concat(quotes)


def convert_to_american(implied: Floats) -> Floats:
    """Return the American price of an implied chance, to the nearest five."""
    odds = np.where(implied >= 0.5, -100 * implied / (1 - implied), 100 * (1 - implied) / implied)
    rounded = 5 * np.rint(odds / 5)
    return np.where(rounded == -100, 100.0, rounded)


def _make_estimated_lines(games: pd.DataFrame) -> pd.DataFrame:
    """Return for each row of games the mean of the player's last games of the season, to the nearest half."""
    min_games, max_games = ESTIMATED_GAMES
    earlier = games.groupby(["season", "player_id"])["points"].shift()
    form = earlier.groupby([games["season"], games["player_id"]]).transform(
        lambda points: points.rolling(max_games, min_periods=min_games).mean()
    )
    estimates: pd.DataFrame = games[["player_id", "date"]].assign(
        line=np.floor(2 * form + 0.5) / 2,
        line_type="estimated",
        source="form_card",
        quoted_at=games["date"] + pd.Timedelta(hours=OPEN_HOUR - 1),
    )
    return estimates


def _predict_house_model(games: pd.DataFrame) -> pd.Series:
    earlier = games.groupby("player_id")["points"].shift().groupby(games["player_id"])
    means = [
        earlier.transform(lambda points, most=most: points.rolling(most, min_periods=MIN_FORM_GAMES).mean())
        for most in FORM_GAMES
    ]
    predicted: pd.Series = sum(means[1:], means[0]) / len(means)
    return predicted


def _make_earlier_versions(random: np.random.Generator, logged: pd.DataFrame) -> pd.DataFrame:
    """Return earlier versions of some rows of sound days, which the logged ones replaced."""
    faults = (BACKFILLED_DAYS, DEFAULTED_DAYS, ESTIMATED_DAYS, STALE_DAYS)
    sound = logged[~np.any([is_within_dates(logged["date"], period) for period in faults], axis=0)]
    duplicated = sound.iloc[np.linspace(0, len(sound) - 1, DUPLICATE_ROWS).astype(int)]
    earlier: pd.DataFrame = duplicated.assign(
        predicted=duplicated["predicted"] + random.normal(0, DUPLICATE_NOISE_SD, len(duplicated)),
        created_at=duplicated["created_at"] - pd.Timedelta(hours=DUPLICATE_HOURS),
    )
    return earlier
