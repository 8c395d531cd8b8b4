"""props: predicts a player's count in an upcoming game, and the chance that it exceeds the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from pydantic.config import JsonDict
from scipy.special import ndtri

from stages.evaluate import market
from stages.prepare import props
from trueline.core.betting.grading import pick_by_edge
from trueline.core.errors import UserError
from trueline.core.history.grouped_rows import Ints
from trueline.core.stats.count_distribution import compute_cdf, compute_line_probabilities
from trueline.core.stats.group_ops import Floats
from trueline.service import predictor
from trueline.service.artifacts.verified_files import VerifiedFiles
from trueline.service.market_lead import PROFIT, explain_missing_lead
from trueline.service.own_values import OwnValues, check_own_values, describe_own_values
from trueline.service.predictor import Predictor
from trueline.service.request_faults import apply_to_parts
from trueline.service.request_fields import Day, RequestModel, ResponseModel, Text

TASK = "props"
MAX_DAYS = 7  # most days in one request: each day's inputs are built separately
MIN_PLAYERS_PER_SIDE = 5  # fewest players of a side that make a line-up
TAIL_PROBABILITY = 0.1  # chance that the outcome lies below `low`, and that it lies above `high`
MAX_LINE = 1e6  # of any quantity; the model's own is checked with the request
MIN_AMERICAN_ODDS = 100  # American odds of an even-money bet; no odds lie nearer to 0
ODDS_DESCRIPTION = "American odds, at most −100 or at least +100"
Pick = Literal["over", "under", "pass", "no_line", "withheld"]
PICKS: dict[int, Pick] = {1: "over", -1: "under", 0: "pass"}

EXAMPLE: JsonDict = {
    "show_edge": False,
    "rows": [
        {
            "player_id": "1054",
            "date": "2024-02-10",
            "season": "2023-24",
            "season_type": "Regular Season",
            "team": "Frostwick",
            "opponent": "Alderport",
            "home": True,
            "line": 17.5,
            "open_line": 15.5,
            "over_price": -105.0,
            "under_price": -112.5,
        }
    ],
}


class Row(RequestModel):
    """A player in a game that is not yet played."""

    player_id: Text = Field(description="the player, spelt as in the history; an unknown one counts as new")
    date: Day = Field(description="day of the game, as the history dates it")
    season: Text = Field(description="the season, spelt as in the history")
    season_type: Text | None = Field(None, description="regular season, playoffs or another part of it")
    game_id: Text | None = Field(None, description="the game; built from its day and teams if not given")
    team: Text = Field(description="the player's team, spelt as in the history")
    opponent: Text = Field(description="the other team, likewise")
    home: bool = Field(description="true if the player's team plays at home")
    line: float | None = Field(None, gt=0, le=MAX_LINE, description="the current line, in units of the quantity")
    open_line: float | None = Field(
        None, gt=0, le=MAX_LINE, description="the opening line; the current line if not given"
    )
    over_price: float | None = Field(None, ge=-1e6, le=1e6, description=f"price of the over ({ODDS_DESCRIPTION})")
    under_price: float | None = Field(None, ge=-1e6, le=1e6, description=f"price of the under ({ODDS_DESCRIPTION})")
    n_books: int | None = Field(None, ge=1, le=1000, description="number of books that the line summarises")
    own_columns: OwnValues = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_odds(self) -> "Row":
        for name in ("over_price", "under_price"):
            price: float | None = getattr(self, name)
            if price is not None and abs(price) < MIN_AMERICAN_ODDS:
                raise ValueError(f"{name} is {price}; give {ODDS_DESCRIPTION}")
        if self.team == self.opponent:
            raise ValueError(f"{self.team!r} plays against itself; name two teams")
        return self


class Request(RequestModel):
    """Players on one day, or on a few."""

    model_config = RequestModel.model_config | {"json_schema_extra": {"examples": [EXAMPLE]}}

    show_edge: bool = Field(False, description="give edges and picks even if the report shows no lead over the market")
    rows: list[Row] = Field(min_length=1, max_length=500, description="one row per player and day")

    @model_validator(mode="after")
    def _check_rows(self) -> "Request":
        keys = [(row.player_id, row.date) for row in self.rows]
        if len(set(keys)) < len(keys):
            player, day = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"player {player!r} is posted more than once for {day:%Y-%m-%d}; post each player once")
        if len(days := {row.date for row in self.rows}) > MAX_DAYS:
            raise ValueError(f"the rows cover {len(days)} days; post at most {MAX_DAYS} in one request")
        return self


Slate = list[tuple[list[Row], pd.DataFrame]]  # for each day, its rows as posted and as prepared
RowKey = tuple[str, datetime]  # a row's player and date


class Outlook(ResponseModel):
    """The prediction for a player in a game, in units of the predicted quantity."""

    player_id: str = Field(description="as posted")
    date: str = Field(description="as posted")
    forecast: float = Field(description="the median: above the line exactly if the over is likelier than the under")
    mean: float = Field(description="the mean of the distribution")
    spread: float = Field(ge=0, description="its standard deviation")
    low: float = Field(description="at most one outcome in ten lies below it")
    high: float = Field(description="at most one outcome in ten lies above it")
    line: float | None = Field(description="as posted")
    p_over: float | None = Field(description="chance of more than the line; p_over, p_push and p_under sum to 1")
    p_push: float | None = Field(description="chance of exactly the line, which is refunded")
    p_under: float | None = Field(description="chance of less than the line")
    edge: float | None = Field(description="forecast − line; null without a line, or if withheld")
    pick: Pick = Field(description="a bet if the edge is at least min_edge in either direction; withheld with the edge")
    past_games: int = Field(ge=0, description="earlier games that the history has of this player")


class Answer(ResponseModel):
    """The predictions, row by row as posted."""

    model: str = Field(description="the version that answered")
    quantity: str = Field(description="what is predicted")
    min_edge: float = Field(description="distance from the line from which a pick is made")
    rows: list[Outlook] = Field(description="in the order of the request")
    edge_withheld: str | None = Field(description="why no edges and picks are given; null if they are given")
    warnings: list[str] = Field(description="what is unusual about the rows; empty if nothing is")


@dataclass(frozen=True)
class Model:
    """The predictor, the settings of the prepare stage, the least edge of a pick, and the lead over the market."""

    predictor: Predictor
    card_settings: props.Settings
    min_edge: float
    missing_lead: str | None = None  # why no edge over the line should be believed


def load(files: VerifiedFiles) -> Model:
    """Return the props model of a commit. Raises UserError if its calibrator gives no distribution."""
    params = files.read_params()
    market_settings = predictor.extract_settings(params, market.Settings, "evaluate", TASK)
    card_settings = _choose_sport(files, predictor.extract_settings(params, props.Settings, "prepare", TASK))
    fitted_predictor = predictor.load_predictor(files, TASK)
    if not {"whole", "level"} <= set(fitted_predictor.state):
        raise UserError("props needs a calibrator that gives a distribution; set tasks.props.calibrator to residuals.")
    missing_lead = explain_missing_lead(files, TASK, PROFIT)
    return Model(fitted_predictor, card_settings, market_settings.edges[0], missing_lead)


def answer(model: Model, request: Request) -> Answer:
    """Return the prediction for every posted row, made from the row and from strictly earlier days.

    A row that is in the history, or earlier than its end, is answered as if the history ended before its day. Posted
    rows do not influence each other, except through who plays if the decision is made at the off.
    """
    return answer_slates(model, [request], [prepare_slate(model, request)])[0]


def answer_slates(model: Model, requests: Sequence[Request], slates: Sequence[Slate]) -> list[Answer]:
    """Return the answers to several slates from their prepared rows; each is the one that the slate gets alone."""
    cards = [day for slate in slates for day in slate]
    outlooks = iter(_predict_cards(model, cards))
    answers = []
    for request, slate in zip(requests, slates, strict=True):
        by_row = {key: outlook for _ in slate for key, outlook in next(outlooks).items()}
        rows = [by_row[row.player_id, row.date] for row in request.rows]
        warnings = [warning for _, card in slate for warning in model.predictor.list_warnings(card)]
        edge_withheld = None if request.show_edge else model.missing_lead
        answers.append(
            Answer(
                model=model.predictor.version,
                quantity=model.card_settings.quantity,
                min_edge=model.min_edge,
                rows=[_withhold_edge(row) for row in rows] if edge_withheld else rows,
                edge_withheld=edge_withheld,
                warnings=list(dict.fromkeys(warnings)),
            )
        )
    return answers


def _withhold_edge(outlook: Outlook) -> Outlook:
    """Return a prediction without its edge and its pick."""
    return outlook.model_copy(update={"edge": None, "pick": outlook.pick if outlook.line is None else "withheld"})


def prepare_slate(model: Model, request: Request) -> Slate:
    """Return the rows of each day as posted and as prepared. Raises UserError for rows that cannot be answered."""
    apply_to_parts(partial(_check_row, model), request.rows, "/rows")
    by_day: dict[Any, list[Row]] = {}
    for row in request.rows:
        by_day.setdefault(row.date, []).append(row)
    cards = [prepare_card(model, posted) for posted in by_day.values()]
    for card in cards:
        require_line_ups(model.predictor, card)
    return list(zip(by_day.values(), cards, strict=True))


def prepare_card(model: Model, posted: list[Row]) -> pd.DataFrame:
    """Return rows of one day as the prepare stage would make them, by game, team and player."""
    raw = _build_raw_rows(posted, model.predictor.list_own_kinds())
    return props.prepare_upcoming_games(raw, model.predictor.get_past, model.card_settings)


def log_rows(model: Model, request: Request, answer: Answer) -> list[dict[str, Any]]:
    """Return one row per posted row in the form of the table `production`; the log adds the model and the time."""
    return [
        build_log_row(row.player_id, row.date, row.forecast, row.line, posted.over_price, posted.under_price)
        for posted, row in zip(request.rows, answer.rows, strict=True)
    ]


def build_log_row(
    player_id: str,
    day: str,
    predicted: float,
    line: float | None,
    over_price: float | None,
    under_price: float | None,
    over_book: str | None = None,
    under_book: str | None = None,
) -> dict[str, Any]:
    """Return the row of the log for a player and day: what was predicted, and the line and prices that were seen."""
    line_type = None if line is None else "actual"
    row = {"player_id": player_id, "date": day, "predicted": predicted, "line": line, "line_type": line_type}
    prices = {"over_price": over_price, "under_price": under_price}
    return row | prices | {"over_book": over_book, "under_book": under_book}


def _choose_sport(files: VerifiedFiles, settings: props.Settings) -> props.Settings:
    """Return the settings with the sport and the quantity that prepare found, which its quality report names."""
    if props.AUTO not in (settings.sport, settings.quantity):
        return settings
    quality = files.read_json(f"metrics/{TASK}/quality.json")
    sport = quality.get("sport", "basketball")  # the only one that was found by itself before it was named
    return settings.choose(sport, quality.get("quantity", settings.quantity))


def _predict_cards(model: Model, cards: Sequence[tuple[list[Row], pd.DataFrame]]) -> list[dict[RowKey, Outlook]]:
    """Return the predictions of each card; cards of different days share their look-ups in the history.

    Two cards of one day never do, since who plays in a game may be an input.
    """
    days = [card["time"].iloc[0] for _, card in cards]
    turns = [days[:index].count(day) for index, day in enumerate(days)]
    outlooks: dict[int, dict[RowKey, Outlook]] = {}
    for turn in sorted(set(turns)):
        indexes = [index for index, own_turn in enumerate(turns) if own_turn == turn]
        outlooks |= zip(indexes, _predict_days(model, [cards[index] for index in indexes]), strict=True)
    return [outlooks[index] for index in range(len(cards))]


def _predict_days(model: Model, cards: Sequence[tuple[list[Row], pd.DataFrame]]) -> list[dict[RowKey, Outlook]]:
    """Return the predictions of cards of different days."""
    rows = pd.concat([card for _, card in cards], ignore_index=True)
    predictions, past_games = model.predictor.predict_batches(rows), model.predictor.count_past_rows(rows)
    ends = np.cumsum([len(card) for _, card in cards]).tolist()
    return [
        _build_outlooks(
            model,
            posted,
            card,
            {name: values[end - len(card) : end] for name, values in predictions.items()},
            past_games[end - len(card) : end],
        )
        for (posted, card), end in zip(cards, ends, strict=True)
    ]


def _build_outlooks(
    model: Model, posted: list[Row], rows: pd.DataFrame, predictions: Mapping[str, Floats], past_games: Ints
) -> dict[RowKey, Outlook]:
    """Return the prediction for each posted row of one day, from these rows as prepared and as predicted."""
    is_integer = bool(model.predictor.state["whole"])
    distribution = predictions["mean"], predictions["spread"], is_integer
    line = rows["line"].to_numpy(float)
    chances = compute_line_probabilities(line, *distribution)
    picks = pick_by_edge(predictions[""], line, model.min_edge)
    bounds = _compute_tail_bounds(model.card_settings.find_highest_value(), *distribution)
    by_player = {player: position for position, player in enumerate(rows["entity"])}
    return {
        (row.player_id, row.date): Outlook(
            player_id=row.player_id,
            date=f"{row.date:%Y-%m-%d}",
            **_extract_numbers(
                ["forecast", "mean", "spread", "low", "high"], [predictions[""], *distribution[:2], *bounds], index
            ),
            **_extract_numbers(["line", "edge"], [line, predictions[""] - line], index),
            **_extract_numbers(["p_over", "p_push", "p_under"], list(chances), index),
            pick="no_line" if row.line is None else PICKS[int(picks[index])],
            past_games=int(past_games[index]),
        )
        for row in posted
        for index in [by_player[row.player_id]]
    }


def _extract_numbers(names: list[str], values: list[Floats], index: int) -> dict[str, Any]:
    """Return the numbers of one row by name, None for missing ones."""
    numbers = {name: float(column[index]) for name, column in zip(names, values, strict=True)}
    return {name: None if np.isnan(value) else value for name, value in numbers.items()}


def _compute_tail_bounds(highest: float, mean: Floats, spread: Floats, is_integer: bool) -> tuple[Floats, Floats]:
    """Return the bounds below and above which at most one outcome in ten lies."""
    if not is_integer:
        return mean + ndtri(TAIL_PROBABILITY) * spread, mean - ndtri(TAIL_PROBABILITY) * spread
    cumulative = compute_cdf(np.arange(highest + 1)[None, :], mean[:, None], spread[:, None], True)
    return (cumulative <= TAIL_PROBABILITY).sum(axis=1).astype(float), (cumulative < 1 - TAIL_PROBABILITY).sum(
        axis=1
    ).astype(float)


def _check_row(model: Model, row: Row) -> None:
    """Raise UserError for a line above what the quantity can be in a game, and for own columns that are unknown."""
    check_own_values(row.own_columns, model.predictor.list_own_kinds())
    highest, quantity = model.card_settings.find_highest_value(), model.card_settings.quantity
    for name, line in (("line", row.line), ("open_line", row.open_line)):
        if line is not None and line > highest:
            raise UserError(
                f"{row.player_id}: {name} is {line:g}, and {quantity} in a game are at most {highest:g}; post a "
                "line of this quantity."
            )


def require_line_ups(fitted_predictor: Predictor, rows: pd.DataFrame) -> None:
    """Raise UserError for an incomplete side if line-ups are an input: players not posted would count as absent."""
    if not fitted_predictor.settings.lineups or "side_usual" not in fitted_predictor.present:
        return
    size = rows.groupby(["game_id", "team"]).size()
    opponents = pd.MultiIndex.from_frame(rows[["game_id", "opponent"]])
    if (size < MIN_PLAYERS_PER_SIDE).any() or not opponents.isin(size.index).all():
        raise UserError("line-ups are an input of this model; post all who play, on both sides of each game.")


def described(model: Model, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a request with the own columns that the model knows."""
    describe_own_values(schema["$defs"]["Row"], model.predictor.list_own_kinds())
    return schema


def _build_raw_rows(posted: list[Row], own_kinds: Mapping[str, str]) -> pd.DataFrame:
    raw = pd.DataFrame(
        [row.model_dump(exclude={"own_columns"}) | check_own_values(row.own_columns, own_kinds) for row in posted]
    )
    team_pairs = [" ".join(sorted((row.team, row.opponent))) for row in posted]
    game_ids = raw["date"].map(lambda day: f"{day:%Y%m%d} ") + pd.Series(team_pairs)
    open_lines = raw["open_line"].astype(float)
    return raw.assign(
        game_id=raw["game_id"].where(raw["game_id"].notna(), game_ids),
        home=raw["home"].astype(float),
        open_line=open_lines.where(open_lines.notna(), raw["line"].astype(float)),
    ).astype({"date": "datetime64[us]"})
