"""Race cards: the service's chances bit for bit, bets at the best price, and one row of the log a runner."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.prepare import runners
from tests.own_fixtures import add_own_columns, get_posted_own
from tests.pipeline_copy import change
from tests.predict.page_commands import run_page_command
from tests.service import running_service
from trueline.core.errors import UserError
from trueline.core.runtime.params import parse_settings
from trueline.predict.card import Card
from trueline.predict.predict_card import PredictedCard, predict_card, predict_with_model
from trueline.predict.predict_settings import PredictSettings
from trueline.predict.proven_lead import Lead
from trueline.predict.tasks import racing as race_predictions
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.loaded_models import LoadedModel
from trueline.service.model_loading import load_task_model
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.tasks import racing as service

RESULTS = [
    "won",
    "placed",
    "place",
    "run_time_s",
    "sectional_s",
    "margin_lengths",
    "dead_heat",
    "effort",
    "benchmark_price",
]
LIMITS: dict[str, Any] = {
    "kelly_fraction": 0.5,
    "cap": 0.02,
    "group_cap": 0.03,
    "min_edge": 0.0,
    "max_model_age_days": None,
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the pipeline ran; tests must not change it."""
    folder = running_service.repository(tmp_path_factory.mktemp("cards"), "racing", own_table="runners")
    card = folder / "data/sample/cards/racing.csv"
    add_own_columns(pd.read_csv(card)).to_csv(card, index=False)
    return folder


@pytest.fixture(scope="module")
def loaded(repository: Path) -> LoadedModel:
    """The workspace's model."""
    return load_task_model("racing", open_workspace(repository))


@pytest.fixture(scope="module")
def source(repository: Path) -> pd.DataFrame:
    """The source's sound runners of the last two days that have results."""
    prepared = running_service.table(repository, "prepared", "racing")
    rows = runners.read(str(repository / "data/sample/racing"))
    days = prepared["time"].dt.normalize()
    recent = prepared.loc[days >= days.max() - pd.Timedelta(days=1), "group"]
    return rows[rows["race_id"].isin(recent) & (rows["scratched"] == 0)].reset_index(drop=True)


@pytest.fixture(scope="module")
def card(source: pd.DataFrame) -> pd.DataFrame:
    """A card of the races of these days, shuffled, without their results."""
    return source.drop(columns=RESULTS).sample(frac=1, random_state=5).reset_index(drop=True)


def predicted(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, folder: Path, moment: str = "", **options: Any
) -> PredictedCard:
    """Return the predictions of a card that is written to a file."""
    file = folder / "card.parquet"
    card.to_parquet(file)
    time = pd.Timestamp(moment) if moment else card["start_time"].min() - pd.Timedelta(hours=1)
    return predict_with_model(repository, loaded, file, time, **options)


@pytest.fixture(scope="module")
def answer(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> PredictedCard:
    """The predictions of the card, an hour before its first race."""
    return predicted(repository, loaded, card, tmp_path_factory.mktemp("answer"))


def requests(repository: Path, card: pd.DataFrame) -> Iterator[tuple[str, service.Request]]:
    """Yield each race of a card as it is posted to the service."""
    prepared = running_service.table(repository, "prepared", "racing").set_index("row_id")
    for race_id, race in card.groupby("race_id"):
        rows = running_service.records(race)
        known = prepared.loc[[f"{race_id}:{row['box']}" for row in rows]]
        posted = [
            {name: row[name] for name in ("runner", "box", "weight_kg", "trainer", "early_speed")}
            | {"price": row["bsp"], "own_columns": get_posted_own(own, "before")}
            for row, own in zip(rows, running_service.records(known), strict=True)
        ]
        fields = {name: rows[0][name] for name in ("race_id", "venue", "race_no", "distance_m", "grade")}
        start = rows[0]["start_time"].isoformat()
        fields |= {"start_time": start, "runners": posted, "show_edge": True}
        yield str(race_id), service.Request.model_validate(fields)


def test_a_card_s_chances_and_log_are_those_of_the_service_bit_for_bit(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, answer: PredictedCard
) -> None:
    by_runner = answer.table.set_index(["race_id", "box"])
    logged = {(row["race_id"], row["box"]): row for row in answer.log_rows}
    for race_id, request in requests(repository, card):
        posted = service.answer(loaded.model, request)
        for chance in posted.runners:
            row: Any = by_runner.loc[(race_id, chance.box)]
            assert row["win_chance"] == chance.probability
            assert (row["fair_odds"], row["rank"]) == (chance.fair_odds, chance.rank)
            assert row["place_chance"] == chance.place_probability
            assert row["market_chance"] == chance.market_probability
            assert row["expected_value"] == chance.edge
        for served_row in service.log_rows(loaded.model, request, posted):
            logged_row = logged[race_id, served_row["box"]]
            assert {name: logged_row[name] for name in served_row} == served_row


def test_a_card_s_chances_are_those_of_the_batch_bit_for_bit(repository: Path, answer: PredictedCard) -> None:
    prepared = running_service.table(repository, "prepared", "racing")
    batch = pd.Series(running_service.batch(repository, "racing")[""], prepared["row_id"])
    row_ids = answer.table["race_id"] + ":" + answer.table["box"].astype(str)
    np.testing.assert_array_equal(answer.table["win_chance"], batch.loc[row_ids])


def test_rows_come_as_the_card_gives_them(card: pd.DataFrame, answer: PredictedCard) -> None:
    for name in ("race_id", "runner", "box", "start_time"):
        assert answer.table[name].tolist() == card[name].tolist()
    assert set(answer.table["model"]) == {answer.version}


def test_past_starts_are_those_before_the_race(repository: Path, answer: PredictedCard) -> None:
    prepared = running_service.table(repository, "prepared", "racing")
    for row in answer.table.sample(12, random_state=1).to_dict("records"):
        earlier = (prepared["entity"] == row["runner"].upper()) & (prepared["time"] < row["start_time"])
        assert row["past_starts"] == earlier.sum()


def test_a_race_that_has_started_is_marked_and_a_card_of_such_races_is_refused(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, answer: PredictedCard, tmp_path: Path
) -> None:
    moment = card["start_time"].median()
    table = predicted(repository, loaded, card, tmp_path, str(moment)).table
    started = table["start_time"] <= moment
    assert 0 < started.sum() < len(table)
    assert set(table.loc[started, "reason"]) == {"the race has started"}
    assert table.loc[started, "win_chance"].isna().all()
    assert (table.loc[started, "stake"] == 0).all()
    expected = answer.table.loc[~started, "win_chance"]
    np.testing.assert_array_equal(table.loc[~started, "win_chance"], expected)
    with pytest.raises(UserError, match="every event of the card has started"):
        predicted(repository, loaded, card, tmp_path, "2026-01-01")


def test_a_runner_without_past_is_marked_with_the_nearest_names_and_not_bet_on(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, tmp_path: Path
) -> None:
    misspelt = card.assign(runner=card["runner"].where(card.index != 3, card["runner"].iloc[3] + "x"))
    row = predicted(repository, loaded, misspelt, tmp_path).table.iloc[3]
    assert card["runner"].iloc[3].upper() in row["note"]
    assert (row["past_starts"], row["pick"], row["reason"], row["stake"]) == (0, "pass", "unknown runner", 0)


@pytest.mark.parametrize(("column", "problem"), [("early_speed", "the card has no"), ("hood", "has no column")])
def test_a_card_without_a_column_of_which_inputs_are_made_is_refused(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, column: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"{problem} '?{column}"):
        predicted(repository, loaded, card.drop(columns=column), tmp_path)


def test_a_card_without_prices_is_predicted_all_the_same_without_bets(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, answer: PredictedCard, tmp_path: Path
) -> None:
    table = predicted(repository, loaded, card.drop(columns=["bsp", "place_bsp"]), tmp_path).table
    np.testing.assert_array_equal(table["win_chance"], answer.table["win_chance"])
    assert set(table["reason"]) == {"no price"}
    assert table["market_chance"].isna().all()


def test_a_model_whose_training_ended_too_long_ago_is_refused(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, tmp_path: Path
) -> None:
    later = card.assign(start_time=card["start_time"] + pd.Timedelta(days=75))
    with pytest.raises(UserError, match=r"7\d days later.*max_model_age_days \(60\)"):
        predicted(repository, loaded, later, tmp_path)


def test_of_several_bookmakers_the_best_price_counts_and_its_book_is_named(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, answer: PredictedCard, tmp_path: Path
) -> None:
    prices = np.random.default_rng(0).uniform(0.8, 1.2, (2, len(card))) * card["bsp"].to_numpy()
    books = [card.assign(bsp=prices[number], book=book) for number, book in enumerate(["Alpha Bets", "beta"])]
    table = predicted(repository, loaded, pd.concat(books, ignore_index=True), tmp_path).table
    assert table["runner"].tolist() == card["runner"].tolist()
    np.testing.assert_array_equal(table["price"], prices.max(axis=0))
    assert table["book"].tolist() == np.array(["Alpha Bets", "beta"])[prices.argmax(axis=0)].tolist()
    np.testing.assert_array_equal(table["win_chance"], answer.table["win_chance"])


def test_without_a_card_the_races_without_result_in_the_source_are_predicted(
    repository: Path, loaded: LoadedModel, source: pd.DataFrame, answer: PredictedCard, tmp_path: Path
) -> None:
    unsettled = source["race_id"].isin(source["race_id"].unique()[-2:])
    source.assign(**{name: source[name].mask(unsettled) for name in RESULTS}).to_parquet(tmp_path / "runners.parquet")
    shutil.copy(repository / "params.yaml", tmp_path)
    change(tmp_path, tasks__racing__source=str(tmp_path))
    moment = source["start_time"].min() - pd.Timedelta(minutes=5)
    table = predict_with_model(tmp_path, loaded, None, moment).table
    assert table["runner"].tolist() == source.loc[unsettled, "runner"].tolist()
    chances = answer.table.set_index(["race_id", "box"])["win_chance"]
    np.testing.assert_array_equal(table["win_chance"], chances.loc[pd.MultiIndex.from_frame(table[["race_id", "box"]])])
    source.to_parquet(tmp_path / "runners.parquet")
    with pytest.raises(UserError, match="every race of the source has a result"):
        predict_with_model(tmp_path, loaded, None, moment)


def test_bets_follow_their_expected_value_and_stakes_their_limits_where_the_lead_is_proved(
    loaded: LoadedModel, card: pd.DataFrame
) -> None:
    settings, lead = PredictSettings(**LIMITS), Lead(True, "the gain is positive")
    moment = card["start_time"].min() - pd.Timedelta(hours=1)
    table = race_predictions.predict(loaded, Card(card, False, moment, settings, lead)).table
    value = table["win_chance"] * (1 + (table["price"] - 1) * 0.95) - 1
    np.testing.assert_allclose(table["expected_value"], value)
    bets = table[table["pick"] == "bet"]
    assert bets.index.tolist() == table.index[value > 0].tolist()
    assert (bets["stake"] > 0).all()
    assert (table.loc[table["pick"] == "pass", "stake"] == 0).all()
    assert bets["stake"].max() <= 0.02
    assert table.groupby("race_id")["stake"].sum().max() <= 0.03 + 1e-12
    unproved = Card(card, False, moment, settings, Lead(False, "the gain is nothing"))
    table = race_predictions.predict(loaded, unproved).table
    assert (table["stake"] == 0).all()
    assert set(table.loc[table["pick"] == "bet", "stake_reason"]) == {"the gain is nothing"}


def test_predicting_twice_logs_once_and_a_moved_price_is_logged_anew(
    repository: Path, loaded: LoadedModel, card: pd.DataFrame, answer: PredictedCard, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    first = predicted(repository, loaded, card, tmp_path, log_folder=log)
    assert (first.logged, len(read_log(log / "racing"))) == (len(card), len(card))
    again = predicted(repository, loaded, card, tmp_path, log_folder=log)
    assert (again.logged, len(read_log(log / "racing"))) == (0, len(card))
    moved = card.assign(bsp=card["bsp"].where(card.index != 0, 3.05))
    assert predicted(repository, loaded, moved, tmp_path, log_folder=log).logged == 1
    assert predicted(repository, loaded, card, tmp_path, log_folder=log).logged == 1, "it moved back"
    assert {row["model_hash"] for row in read_log(log / "racing")} == {loaded.model_hash}


def test_a_model_of_another_task_is_refused(repository: Path) -> None:
    moment = pd.Timestamp("2024-01-01")
    with pytest.raises(UserError, match="is a model of props, not of racing"):
        predict_card(repository, "racing", None, moment, "props-model#prod")
    with pytest.raises(UserError, match="did you mean 'racing'"):
        predict_card(repository, "racin", None, moment)


def test_settings_come_from_params_with_what_differs_by_task(repository: Path) -> None:
    params = yaml.safe_load((repository / "params.yaml").read_text())
    assert parse_settings(params, PredictSettings, "predict", "racing").group_cap == 0.05
    assert parse_settings(params, PredictSettings, "predict", "props").group_cap == 0.1


def test_the_command_of_the_page_predicts_the_shipped_card(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = run_page_command("racing", repository, tmp_path, monkeypatch)
    np.testing.assert_allclose(table.groupby("race_id")["win_chance"].sum(), 1)
    assert (table["note"].isna() == (table["past_starts"] > 0)).all(), "the history of the test is a part of the sample"
