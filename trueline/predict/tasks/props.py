"""props: what players will do in games to come, and the chances of every line that is quoted on them."""

from typing import Any

import numpy as np
import pandas as pd

from stages.evaluate import market
from stages.prepare import props
from stages.prepare.props.quote_times import DAY_END_OFFSET
from trueline.core.betting.american_odds import compute_break_even_rate, convert_to_american_odds
from trueline.core.betting.grading import pick_by_edge, pick_by_probability
from trueline.core.staking import (
    compute_expected_value,
    compute_stakes,
    convert_to_decimal_price,
    limit_group_stakes,
)
from trueline.core.stats.count_distribution import compute_line_probabilities, compute_quantile
from trueline.core.stats.group_ops import Floats, encode_groups
from trueline.core.tables import table_schema
from trueline.core.tables.table_schema import OWN_PREFIX
from trueline.predict.card import Card, CardPredictions, LogRows
from trueline.predict.entity_names import describe_unknown_names
from trueline.predict.event_starts import flag_started, require_upcoming
from trueline.predict.line_bets import list_lines
from trueline.predict.model_checks import require_needed_columns, require_recent_training
from trueline.predict.stake_reasons import explain_missing_stake
from trueline.service.loaded_models import LoadedModel
from trueline.service.predictor import Predictor, extract_settings
from trueline.service.tasks.props import PICKS, build_log_row, require_line_ups

PRICES = ("over_price", "under_price")
QUANTILES = {"q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9}
CARD_COLUMNS = ["player_id", "player", "date", "game_id", "team", "opponent"]
GAME_KEY = ["player_id", "date", "game_id"]
LINE_COLUMNS = ["line", "open_line", "over_price", "under_price", "n_books"]
SHOWN_COLUMNS = ["quantity", "forecast", "mean", "spread", *QUANTILES, "line", "line_kind"]
SHOWN_COLUMNS += ["over_price", "over_book", "under_price", "under_book", "over_chance", "push_chance", "under_chance"]
SHOWN_COLUMNS += ["fair_over", "fair_under", "market_over_chance", "edge", "edge_over", "over_value", "under_value"]
SHOWN_COLUMNS += ["pick", "reason", "expected_value", "stake", "stake_reason", "past_games", "note"]
LOG_KEY = ("player_id", "date")


def predict(loaded: LoadedModel, card: Card) -> CardPredictions:
    """Return the predictions of a slate: per player and game one row for each line that is quoted, or one without.

    Raises UserError if every game has started, the training ended too long ago, or the slate lacks a column that the
    model needs.
    """
    model, predictor, files = loaded.model, loaded.model.predictor, loaded.files
    players = _list_players(loaded)
    slate = props.read_slate(card.raw, players, model.card_settings, card.moment, card.is_source)
    times = slate.rows["start_time"].fillna(slate.rows["date"])
    is_started = flag_started(times, card.moment, DAY_END_OFFSET)
    require_upcoming(times, is_started, card.moment)
    games = slate.rows[~is_started]
    require_recent_training(files, loaded.task, games["date"], card.settings.max_model_age_days)
    require_needed_columns(files, loaded.task, predictor, _list_absent(slate, predictor))
    predicted = _predict_games(games, loaded)
    predicted["note"] = predicted["player_id"].map(_describe_players(predicted, players))
    market_settings = extract_settings(files.read_params(), market.Settings, "evaluate", loaded.task)
    lines = list_lines(slate.rows, slate.quotes, market_settings.devig)
    rows = lines.merge(predicted.drop(columns=GAME_KEY), left_on="game_row", right_index=True, how="left")
    rows = rows.assign(**{name: slate.rows[name].loc[rows["game_row"]].to_numpy() for name in ("player_id", "date")})
    rows = _add_bets(rows, card, market_settings, bool(predictor.state["whole"]))
    rows["reason"] = rows["reason"].mask(rows["game_row"].isin(is_started.index[is_started]), "the game has started")
    rows["quantity"] = model.card_settings.quantity
    given_columns = slate.as_given.reindex(columns=[name for name in CARD_COLUMNS if name in slate.as_given])
    shown = (
        given_columns.loc[rows["game_row"]].reset_index(drop=True).assign(date=rows["date"]).join(rows[SHOWN_COLUMNS])
    )
    notes = [f"{int(is_started.sum())} players are in games that have started"] if is_started.any() else []
    return CardPredictions(shown, _build_log_rows(rows), LOG_KEY, [*slate.notes, *notes])


def _list_players(loaded: LoadedModel) -> pd.DataFrame:
    """Return the id and the newest name of every player of the history; the name is missing if it tells none."""
    history = table_schema.read_table(loaded.files.resolve_path(f"data/prepared/{loaded.task}.parquet"))
    players = history.reindex(columns=["entity", "player"]).drop_duplicates("entity", keep="last")
    return players.rename(columns={"entity": "player_id"})


def _list_absent(slate: props.Slate, predictor: Predictor) -> dict[str, tuple[str, ...]]:
    """Return the columns that the slate lacks, or has no value of, each with the prepared columns made of it."""
    own_made = {column.name.removeprefix(OWN_PREFIX): (column.name,) for column in predictor.own_columns}
    names = [*(column.name for column in props.GAME_COLUMNS if column.known == "before"), *LINE_COLUMNS]
    prepared_by_name = {name: (name,) for name in names} | own_made
    return {
        name: columns
        for name, columns in prepared_by_name.items()
        if slate.rows.reindex(columns=[name])[name].isna().all()
    }


def _predict_games(games: pd.DataFrame, loaded: LoadedModel) -> pd.DataFrame:
    """Return the distribution of each player's quantity, labelled as `games`, with the keys of the history."""
    model, predictor = loaded.model, loaded.model.predictor
    prepared = props.prepare_upcoming_games(games, predictor.get_past, model.card_settings)
    require_line_ups(predictor, prepared)
    outputs = predictor.predict_batches(prepared)
    mean, spread, is_integer = outputs["mean"], outputs["spread"], bool(predictor.state["whole"])
    columns: dict[str, Any] = {name or "forecast": values for name, values in outputs.items()}
    columns |= {name: compute_quantile(share, mean, spread, is_integer) for name, share in QUANTILES.items()}
    columns["past_games"] = predictor.get_past(prepared).count(None, "entity")
    keys = prepared[["entity", "time", "game_id"]].set_axis(GAME_KEY, axis=1)
    predicted = keys.assign(**columns).set_index(GAME_KEY)
    return predicted.loc[pd.MultiIndex.from_frame(games[GAME_KEY])].reset_index().set_axis(games.index)


def _describe_players(predicted: pd.DataFrame, players: pd.DataFrame) -> dict[str, str]:
    """Return a sentence for each player without past, with the nearest names of the history, or ids if it has none."""
    ids = predicted.loc[predicted["past_games"] == 0, "player_id"].drop_duplicates()
    known_ids = players["player_id"].tolist()
    names = [*players["player"].dropna().tolist(), *known_ids]
    return describe_unknown_names({name: name for name in ids}, names, "player")


def _add_bets(rows: pd.DataFrame, card: Card, settings: market.Settings, is_integer: bool) -> pd.DataFrame:
    """Add the chances of each line, fair odds, expected values, picks and stakes, and the reasons for these."""
    line, mean, spread, forecast = (rows[name].to_numpy(float) for name in ("line", "mean", "spread", "forecast"))
    over, push, under = compute_line_probabilities(line, mean, spread, is_integer)
    decided = np.where(over + under > 0, over + under, np.nan)
    flat_odds = settings.find_flat_odds()
    paid = [rows[name].astype(float).fillna(np.nan if flat_odds is None else flat_odds) for name in PRICES]
    prices = [convert_to_decimal_price(odds) for odds in paid]
    values = [compute_expected_value(*bet, push) for bet in zip((over, under), prices, strict=True)]
    direction = np.where(
        rows["line_kind"] == "alternate",
        pick_by_probability(over, under, *(compute_break_even_rate(odds) for odds in paid)),
        pick_by_edge(forecast, line, settings.edges[0]),
    )
    direction = np.where(rows["note"].notna(), 0, direction)
    win, price, value = (
        np.where(direction > 0, of_over, of_under) for of_over, of_under in ((over, under), prices, values)
    )
    rows = rows.assign(
        over_chance=over,
        push_chance=push,
        under_chance=under,
        fair_over=convert_to_american_odds(over / decided),
        fair_under=convert_to_american_odds(under / decided),
        edge=forecast - line,
        edge_over=over / decided - rows["market_over_chance"],
        over_value=values[0],
        under_value=values[1],
        pick=[
            PICKS[sign] if has_line else "no_line" for sign, has_line in zip(direction, ~np.isnan(line), strict=True)
        ],
        expected_value=np.where(direction != 0, value, np.nan),
    )
    rows["reason"] = [_explain_pick(row, settings.edges[0]) for row in rows.to_dict("records")]
    return _add_stakes(rows, win, price, push, card)


def _explain_pick(row: dict[Any, Any], min_edge: float) -> str:
    if isinstance(row["note"], str):
        return "unknown player"
    if row["pick"] == "no_line":
        return "no line"
    if row["line_kind"] == "alternate":
        return "no side is likelier than its price needs" if row["pick"] == "pass" else "likelier than its price needs"
    return f"edge {row['edge']:+.2f} is {'below' if row['pick'] == 'pass' else 'at least'} {min_edge:g}"


def _add_stakes(rows: pd.DataFrame, win: Floats, price: Floats, push: Floats, card: Card) -> pd.DataFrame:
    """Add the stake of each pick; of the lines on one player only the pick with the highest expected value has one."""
    limits, value = card.settings, rows["expected_value"]
    order = value.sort_values(ascending=False, kind="stable")
    best = rows.loc[order.index].drop_duplicates("game_row").index
    is_best = pd.Series(rows.index.isin(best), rows.index)
    stakes = compute_stakes(win, price, push, fraction=limits.kelly_fraction, cap=limits.cap, min_edge=limits.min_edge)
    stakes = np.where(is_best & ~np.isnan(stakes), stakes, 0.0) * card.lead.is_proved
    rows = rows.assign(stake=limit_group_stakes(stakes, encode_groups(rows["date"]), limits.group_cap))
    rows["stake_reason"] = [
        explain_missing_stake(float(stake), number, card, bool(best)) if pick in ("over", "under") else None
        for pick, stake, number, best in zip(rows["pick"], rows["stake"], value, is_best, strict=True)
    ]
    return rows


def _build_log_rows(rows: pd.DataFrame) -> LogRows:
    """Return one row of the log for each player and game that is predicted, with its main line."""
    main = rows[rows["line_kind"].ne("alternate") & rows["forecast"].notna()]
    present = main.astype(object).where(main.notna(), None)
    prices = ("line", "over_price", "under_price", "over_book", "under_book")
    return [
        build_log_row(row["player_id"], f"{row['date']:%Y-%m-%d}", row["forecast"], *(row[name] for name in prices))
        for row in present.to_dict("records")
    ]
