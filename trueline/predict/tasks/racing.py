"""racing: the win chances of a card's runners, with fair odds, the market's chances, and bets at the best prices."""

import numpy as np
import pandas as pd

from stages.evaluate import race
from stages.evaluate.race.value_bets import flag_value_bets
from stages.prepare import racing
from trueline.core.errors import UserError
from trueline.core.staking import compute_expected_value, compute_race_stakes, deduct_commission, limit_group_stakes
from trueline.core.stats.group_ops import encode_groups
from trueline.core.tables.raw_tables import RawTable
from trueline.core.tables.table_schema import OWN_PREFIX, coerce_types
from trueline.predict.card import Card, CardPredictions, LogRows
from trueline.predict.entity_names import describe_unknown_names
from trueline.predict.event_starts import flag_started, require_upcoming
from trueline.predict.model_checks import require_needed_columns, require_recent_training
from trueline.predict.stake_reasons import explain_missing_stake
from trueline.service.loaded_models import LoadedModel
from trueline.service.predictor import Predictor, extract_settings
from trueline.service.tasks.racing import build_log_row

CARD_COLUMNS = ["race_id", "start_time", "venue", "race_no", "box", "runner"]
MADE_OF_PRICE = ("bsp", "soft_label", "log_odds")  # prepared columns
LOG_KEY = ("race_id", "runner", "box")


def predict(loaded: LoadedModel, card: Card) -> CardPredictions:
    """Return the predictions of a race card, one row per runner; for a race that has started there are none.

    A runner may have a row for each bookmaker: the best price counts. Raises UserError if every race has started, the
    training ended too long ago, the card lacks a column that the model needs, or a race is unsound.
    """
    model, predictor, files = loaded.model, loaded.model.predictor, loaded.files
    source = racing.read_race_card(card.raw, model.card_settings)
    if card.is_source:
        source = racing.select_unsettled_races(source)
        if source.rows.empty:
            raise UserError("racing: every race of the source has a result; name a card with the races to predict.")
    table = _select_best_prices(source)
    prepared = racing.prepare_race_card(table, model.card_settings)
    is_started = flag_started(prepared["time"], card.moment)
    require_upcoming(prepared["time"], is_started, card.moment)
    rows = prepared[~is_started].reset_index(drop=True)
    require_recent_training(files, loaded.task, rows["time"], card.settings.max_model_age_days)
    require_needed_columns(files, loaded.task, predictor, _list_absent(source, predictor))
    outputs = {f"{name or 'win'}_chance": values for name, values in predictor.predict_batches(rows).items()}
    rows = rows.assign(**outputs, past_starts=predictor.get_past(rows).count(None, "entity"))
    rows["note"] = rows["entity"].map(_describe_runners(rows, predictor))
    margin = extract_settings(files.read_params(), race.Settings, "evaluate", loaded.task).margin
    rows = _add_bets(rows, card, model.commission, margin)
    shown = _join_to_card(table, rows, list(outputs), set(prepared.loc[is_started, "row_id"]))
    notes = [f"{int(is_started.sum())} runners are in races that have started"] if is_started.any() else []
    return CardPredictions(shown, _build_log_rows(shown), LOG_KEY, [*source.notes, *notes])


def _select_best_prices(source: RawTable) -> pd.DataFrame:
    """Return the rows with one row per runner, that of the best price, in the order in which the runners come."""
    if "book" not in source.rows:
        return source.rows.drop_duplicates().assign(book=None)
    runner = source.rows.groupby(["race_id", "runner", "box"], dropna=False, sort=False).ngroup()
    prices = pd.to_numeric(source.rows.get("bsp", pd.Series(np.nan, runner.index)), errors="coerce")
    ranked = source.rows.assign(runner_no=runner, best=prices).sort_values(
        ["runner_no", "best"], ascending=[True, False]
    )
    return ranked.drop_duplicates("runner_no").drop(columns=["runner_no", "best"])


def _list_absent(source: RawTable, predictor: Predictor) -> dict[str, tuple[str, ...]]:
    """Return the columns that the card lacks, or has no value of, each with the prepared columns made of it."""
    own_made = {column.name.removeprefix(OWN_PREFIX): (column.name,) for column in predictor.own_columns}
    prepared_by_name = (
        {column.name: (column.name,) for column in racing.RAW_COLUMNS} | {"bsp": MADE_OF_PRICE} | own_made
    )
    present = [str(name) for name in source.rows if source.rows[name].notna().any()]
    return {name: columns for name, columns in prepared_by_name.items() if name not in present}


def _describe_runners(rows: pd.DataFrame, predictor: Predictor) -> dict[str, str]:
    names = rows.loc[rows["past_starts"] == 0, "entity"].drop_duplicates()
    return describe_unknown_names({name: name for name in names}, predictor.archive.list_texts("entity"), "runner")


def _add_bets(rows: pd.DataFrame, card: Card, commission: float, margin: float) -> pd.DataFrame:
    """Add fair odds, the market's chance, expected values, picks and stakes, and the reasons for these."""
    win, price = rows["win_chance"].to_numpy(float), rows["bsp"].to_numpy(float)
    net_price, race_code, limits = deduct_commission(price, commission), encode_groups(rows["group"]), card.settings
    value = compute_expected_value(win, net_price)
    is_known = rows["note"].isna().to_numpy()
    is_bet = flag_value_bets(win, price, commission, margin) & is_known
    stakes = compute_race_stakes(
        win,
        np.where(is_bet, net_price, np.nan),
        race_code,
        fraction=limits.kelly_fraction,
        cap=limits.cap,
        min_edge=limits.min_edge,
    )
    stake = np.nan_to_num(limit_group_stakes(stakes, race_code, limits.group_cap)) * card.lead.is_proved
    with np.errstate(divide="ignore"):
        fair_odds = 1 / win
    return rows.assign(
        rank=rows.groupby("group")["win_chance"].rank(method="min", ascending=False).astype(int),
        fair_odds=fair_odds,
        price=price,
        market_chance=rows["soft_label"],
        edge=win - rows["soft_label"],
        expected_value=value,
        pick=np.where(is_bet, "bet", "pass"),
        reason=[
            _explain_pick(bool(has_past), number, margin)
            for has_past, number in zip(is_known, value.tolist(), strict=True)
        ],
        stake=stake,
        stake_reason=pd.Series(
            [
                explain_missing_stake(amount, number, card) if bet else None
                for bet, amount, number in zip(is_bet, stake.tolist(), value.tolist(), strict=True)
            ],
            rows.index,
            dtype="object",
        ),
    )


def _explain_pick(is_known: bool, value: float, margin: float) -> str:
    if not is_known:
        return "unknown runner"
    if np.isnan(value):
        return "no price"
    relation = "above" if value > margin else "not above"
    return f"expected value {value:+.3f} is {relation} {margin:g}"


def _join_to_card(table: pd.DataFrame, rows: pd.DataFrame, outputs: list[str], started: set[str]) -> pd.DataFrame:
    """Return the runners as the card gives them, in its order, with what is predicted of them."""
    typed = coerce_types(table, [column for column in racing.RAW_COLUMNS if column.name in table], "racing")
    is_running = ~(typed.get("scratched", pd.Series(0.0, table.index)) == 1)
    row_ids = racing.build_row_ids(typed[is_running]).reindex(table.index)
    columns = [*outputs, "rank", "fair_odds", "price", "market_chance", "edge", "expected_value", "pick", "reason"]
    predicted = rows.set_index("row_id")[[*columns, "stake", "stake_reason", "past_starts", "note"]]
    shown = table[[name for name in CARD_COLUMNS if name in table]].assign(book=table["book"])
    shown["start_time"] = typed["start_time"]
    shown = shown.join(predicted.reindex(row_ids).set_axis(table.index))
    reasons = pd.Series("scratched", table.index, dtype="object").mask(is_running)
    reasons = reasons.mask(row_ids.isin(started), "the race has started")
    is_set_aside = reasons.notna()
    return shown.assign(
        pick=shown["pick"].mask(is_set_aside, "pass"),
        reason=shown["reason"].mask(is_set_aside, reasons),
        stake=shown["stake"].mask(is_set_aside, 0.0),
    ).reset_index(drop=True)


def _build_log_rows(shown: pd.DataFrame) -> LogRows:
    rows = shown[shown["win_chance"].notna()].astype(object).where(shown.notna(), None)
    return [
        build_log_row(
            (str(row["race_id"]), row["start_time"], str(row["runner"]), int(row["box"])),
            (row["win_chance"], row.get("place_chance")),
            row["price"],
            row["book"],
        )
        for row in rows.to_dict("records")
    ]
