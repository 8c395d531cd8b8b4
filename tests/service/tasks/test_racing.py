"""Races over HTTP: the batch's chances bit for bit, from the card and the history before it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fastapi.testclient import TestClient

from stages.features import racing as features
from stages.prepare.racing import COLUMNS
from tests.own_fixtures import get_posted_own
from tests.pipeline_copy import ROOT
from tests.service import running_service
from tests.service.generated_client import GeneratedClient
from tests.service.service_process import start_service
from trueline.core.errors import UserError
from trueline.core.history.own_inputs import build_inputs
from trueline.core.history.past import Past
from trueline.core.runtime.params import expand_params
from trueline.core.stats.group_ops import Floats
from trueline.service.app import create_app
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.batches import racing as batches
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.online_history import OnlineHistory
from trueline.service.settings import Settings
from trueline.service.tasks import racing

POSTED = 24  # races: of each, the newest ones and some sampled
CARD = ["race_no", "distance_m", "venue", "grade"]
RUNNER = ["weight_kg", "trainer", "early_speed"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the pipeline ran; tests must not change it."""
    return running_service.repository(tmp_path_factory.mktemp("races"), "racing", own_table="runners")


@pytest.fixture(scope="module")
def client(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service that answers for races, with a log of its own."""
    log = str(tmp_path_factory.mktemp("log"))
    settings = Settings(root=str(repository), tasks=("racing",), log=log, deadline_seconds=120.0)
    with TestClient(create_app(settings)) as found:
        yield found


@pytest.fixture(scope="module")
def model(client: TestClient) -> racing.Model:
    """The model that the client's service answers with."""
    found: racing.Model = client.app.state.service.loaded["racing"].model  # type: ignore[attr-defined]
    return found


@pytest.fixture(scope="module")
def prepared(repository: Path) -> pd.DataFrame:
    """The prepared rows, which are the history."""
    return running_service.table(repository, "prepared", "racing")


def request(rows: pd.DataFrame, price: bool = True, known: tuple[str, ...] = ("before",)) -> dict[str, Any]:
    """Return the request for a race, made from its prepared rows; `known` are the own columns that are posted."""
    found = running_service.records(rows)
    race = found[0]
    runners = [
        {"runner": one["entity"].title(), "box": int(one["box"]), "price": one["bsp"] if price else None}
        | {name: one[name] for name in RUNNER}
        | {"own_columns": get_posted_own(one, *known)}
        for one in found
    ]
    card = {name: race[name] for name in CARD} | {"race_no": int(race["race_no"])}
    return card | {"race_id": race["group"], "start_time": race["time"].isoformat(), "runners": runners}


def asked(client: TestClient, race: dict[str, Any]) -> Any:
    """Return the answer to a request."""
    answer = client.post("/predict/racing", json=race)
    assert answer.status_code == 200, answer.text
    return answer.json()


def chances(answer: Any) -> Floats:
    """Return the probabilities of an answer."""
    return np.array([one["probability"] for one in answer["runners"]])


def races(rows: pd.DataFrame, number: int) -> list[pd.DataFrame]:
    """Return the last races and some sampled from before them."""
    names = rows["group"].unique()
    sampled = np.random.default_rng(0).choice(names[:-number], number // 2, replace=False)
    return [rows[rows["group"] == name] for name in (*sampled, *names[-number // 2 :])]


def last(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the last race."""
    return next(iter(races(rows, 2)[1:]))


def test_score_rows_get_the_batch_s_chances_bit_for_bit(
    client: TestClient, repository: Path, prepared: pd.DataFrame
) -> None:
    batch = running_service.batch(repository, "racing")
    chosen = races(prepared[running_service.scored(repository, "racing")], POSTED)
    for race in chosen:
        answer = asked(client, request(race))
        np.testing.assert_array_equal(chances(answer), batch[""][race.index], strict=True)
        place_chances = [one["place_probability"] for one in answer["runners"]]
        np.testing.assert_array_equal(place_chances, batch["place"][race.index])
        assert sum(place_chances) == pytest.approx(3)
    assert len(chosen) == POSTED


def test_chances_sum_to_one_fair_odds_are_their_inverse_and_ranks_follow(
    client: TestClient, prepared: pd.DataFrame
) -> None:
    for race in races(prepared, 10):
        runners = asked(client, request(race))["runners"]
        p = np.array([one["probability"] for one in runners])
        assert abs(p.sum() - 1) <= 1e-12
        np.testing.assert_array_equal([one["fair_odds"] for one in runners], 1 / p)
        assert [one["rank"] for one in runners] == [1 + int((p > own).sum()) for own in p]
        assert [one["box"] for one in runners] == race["box"].tolist()


def test_the_market_s_chance_is_prepare_s_and_the_edge_is_what_the_price_pays_after_commission(
    client: TestClient, prepared: pd.DataFrame
) -> None:
    race = last(prepared)
    runners = asked(client, request(race) | {"show_edge": True})["runners"]
    np.testing.assert_array_equal([one["market_probability"] for one in runners], race["soft_label"])
    for one, price in zip(runners, race["bsp"], strict=True):
        assert one["edge"] == pytest.approx(one["probability"] * (1 + (price - 1) * 0.95) - 1)
    half = request(race) | {"show_edge": True}
    half["runners"][0]["price"] = None
    runners = asked(client, half)["runners"]
    assert [one["edge"] is None for one in runners] == [True] + [False] * (len(runners) - 1)
    assert {one["market_probability"] for one in runners} == {None}


def test_without_a_lead_over_the_market_no_edge_is_given_and_the_reason_is(
    client: TestClient, prepared: pd.DataFrame
) -> None:
    answer = asked(client, request(last(prepared)))
    assert answer["edge_withheld"].startswith("metrics/racing/report.json of this version does not say")
    assert {one["edge"] for one in answer["runners"]} == {None}
    assert asked(client, request(last(prepared)) | {"show_edge": True})["edge_withheld"] is None


def test_what_is_unusual_about_a_race_is_said_and_past_starts_are_counted(
    client: TestClient, prepared: pd.DataFrame
) -> None:
    race = last(prepared)
    answer = asked(client, request(race))
    earlier = prepared[prepared["time"] < race["time"].iloc[0]]
    assert [one["past_starts"] for one in answer["runners"]] == [
        int((earlier["entity"] == name).sum()) for name in race["entity"]
    ]
    assert answer["warnings"] == []
    odd = request(race) | {"venue": "Nowhere", "distance_m": 99_000.0, "start_time": "2099-01-01T12:00:00"}
    odd["runners"][0] |= {"runner": "Newcomer", "trainer": "Z. Unknown"}
    answer = asked(client, odd)
    assert answer["runners"][0]["past_starts"] == 0
    assert any(one.startswith("venue 'nowhere' is not in the history") for one in map(str.lower, answer["warnings"]))
    assert any(one.startswith("trainer 'z. unknown' is not in") for one in map(str.lower, answer["warnings"]))
    assert any(one.startswith("distance_m 99000 is outside what the history has: ") for one in answer["warnings"])
    assert any(one.startswith("The history ends on ") for one in answer["warnings"])


def test_a_price_changes_no_chance_where_the_decision_is_made_before_the_off(
    client: TestClient, prepared: pd.DataFrame
) -> None:
    race = last(prepared)
    assert np.array_equal(chances(asked(client, request(race))), chances(asked(client, request(race, price=False))))


def test_neither_the_race_s_own_outcome_nor_the_future_plays_a_role(
    model: racing.Model, prepared: pd.DataFrame
) -> None:
    race = races(prepared, 10)[7]
    asked_for = posted(request(race))
    honest = racing.answer(model, asked_for)
    since, random = prepared["time"] >= race["time"].iloc[0], np.random.default_rng(1)
    known_later = ("won", "placed", "target", "soft_label", "log_odds", "surprise", "bsp", "run_time_s")
    tampered = prepared.copy()
    for name in known_later:
        tampered.loc[since, name] = random.random(int(since.sum()))
    assert since.sum() > len(race)
    for history in (tampered, prepared[~since], prepared[prepared["group"] != race["group"].iloc[0]]):
        columns = [name for name in prepared if name not in ("benchmark_price",)]
        predictor = replace(model.predictor, archive=OnlineHistory(history[columns]))
        assert racing.answer(replace(model, predictor=predictor), asked_for) == honest


def test_runners_may_come_in_any_order(client: TestClient, prepared: pd.DataFrame) -> None:
    race = request(last(prepared))
    turned = race | {"runners": race["runners"][::-1]}
    assert asked(client, turned)["runners"] == asked(client, race)["runners"][::-1]


def test_what_the_history_never_saw_is_missing_and_no_error(client: TestClient, prepared: pd.DataFrame) -> None:
    race = request(last(prepared))
    strange = race | {"venue": "Nowhere", "grade": "Unheard of", "distance_m": 1234.5, "race_no": None}
    strange["runners"] = [one | {"runner": f"New {one['box']}", "trainer": "Nobody"} for one in race["runners"]]
    bare = strange | {"runners": [{"runner": one["runner"], "box": one["box"]} for one in strange["runners"]]}
    for odd in (strange, bare, race | {"start_time": "1950-01-01"}, race | {"start_time": "2150-07-01T12:00:00+10:00"}):
        assert abs(chances(asked(client, odd)).sum() - 1) <= 1e-12


def test_a_start_with_an_offset_is_the_moment_that_it_means(client: TestClient, prepared: pd.DataFrame) -> None:
    race = request(last(prepared))
    start = pd.Timestamp(race["start_time"])
    elsewhere = (start + pd.Timedelta(hours=10)).isoformat() + "+10:00"
    assert asked(client, race | {"start_time": elsewhere}) == asked(client, race)


def test_a_race_without_an_id_is_named_by_its_start_and_course(client: TestClient, prepared: pd.DataFrame) -> None:
    race = request(last(prepared)) | {"race_id": None}
    assert asked(client, race)["race_id"] == "2024-04-29T18:36 Dunmere 507"


def test_prices_at_the_off_make_the_batch_s_inputs_bit_for_bit(model: racing.Model, prepared: pd.DataFrame) -> None:
    params = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))["features"]["racing"] | {
        "decision": "at_start"
    }
    own_columns = list(model.predictor.own_columns)
    usable = [column for column in (*COLUMNS, *own_columns) if column.name in prepared and not column.evaluation_only]
    present = [column.name for column in usable if column.known != "after"]
    settings = features.Settings(**params)
    predictor = replace(model.predictor, settings=settings, present=present)
    history = prepared[[column.name for column in usable]]
    whole = build_inputs(features, prepared[present], Past(history), settings, own_columns)
    for race in races(prepared, 6):
        body = posted(request(race, known=("before", "at_start")))
        found = predictor.build_inputs(racing.prepare_card(replace(model, predictor=predictor), body))
        assert {"price", "own:crowd", "own:bias:entity_surprise", "own:jockey:changed", "own:effort:mean"} <= set(found)
        for name in whole:
            expected = whole[name].loc[race.index]
            assert found[name].astype(object).equals(expected.astype(object).reset_index(drop=True)), name


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "one runner": ({"runners": [{"runner": "A", "box": 1}]}, "2"),
    "too many": ({"runners": [{"runner": f"A{box}", "box": box} for box in range(31)]}, "30"),
    "a runner twice": ({"runners": [{"runner": "a  b", "box": 1}, {"runner": "A B", "box": 2}]}, "A B"),
    "a box twice": ({"runners": [{"runner": "A", "box": 1}, {"runner": "B", "box": 1}]}, "box 1"),
    "a box that does not exist": ({"runners": [{"runner": "A", "box": 1}, {"runner": "B", "box": 99}]}, "box out of"),
    "an unknown field": ({"colour": "red"}, "colour"),
    "no name": ({"runners": [{"runner": "  ", "box": 1}, {"runner": "B", "box": 2}]}, "runner"),
    "a number as text": ({"distance_m": "321"}, "distance_m"),
    "a moment as a number": ({"start_time": 1714418640}, "start_time"),
    "a day without its dashes": ({"start_time": "20240429"}, "start_time"),
    "a year that no clock holds": ({"start_time": "0001-01-01T00:00:00+14:00"}, "start_time"),
    "no venue": ({"venue": None}, "venue"),
    "an unknown own column": ({"own_columns": {"jokey": "A. Reed"}}, "no own column 'jokey'; did you mean 'jockey'?"),
    "an own column that is known later": ({"own_columns": {"effort": 1.0}}, "no own column 'effort'"),
    "a category as a number": (
        {"own_columns": {"jockey": 7}},
        "jockey is '7.0'; it is a category, so post a string or null",
    ),
    "a number as a flag": ({"own_columns": {"official_rating": True}}, "official_rating is 'True'; it is a number"),
    "a flag as a number": ({"own_columns": {"hood": 1}}, "hood is '1.0'; it is a flag, so post a boolean"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_faulty_request_is_rejected_in_a_sentence(client: TestClient, name: str) -> None:
    change, expected = REJECTED[name]
    answer = client.post("/predict/racing", json=racing.EXAMPLE | change)
    assert answer.status_code == 422, answer.text
    assert expected in answer.json()["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_rejected(client: TestClient, number: str) -> None:
    body = json.dumps(racing.EXAMPLE | {"distance_m": 12345.0}).replace("12345.0", number)
    answer = client.post("/predict/racing", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


def test_the_example_is_of_the_sample_and_is_answered(client: TestClient) -> None:
    assert len(asked(client, racing.EXAMPLE)["runners"]) == 8
    runners = pd.read_parquet(ROOT / "data/sample/racing/runners.parquet")
    example: Any = racing.EXAMPLE
    race = runners[runners["race_id"] == example["race_id"]].rename(columns={"bsp": "price"}).sort_values("box")
    for name in ("runner", "box", "price", *RUNNER):
        assert [one[name] for one in example["runners"]] == race[name].tolist()
    assert {example["start_time"].removesuffix("Z")} == {time.isoformat() for time in race["start_time"]}
    assert all({example[name]} == set(race[name]) for name in CARD)


def test_schemathesis_finds_nothing(client: TestClient) -> None:
    running_service.schema_holds(client, "/predict/racing")
    running_service.schema_holds(client, "/predict/racing/races")


def test_every_field_says_what_it_is() -> None:
    parts = (racing.Request, racing.Runner, racing.Answer, racing.Chance, batches.Batch, batches.BatchAnswer)
    for part in parts:
        assert all(field.description for field in part.model_fields.values()), part


def test_every_runner_is_logged_with_its_chance(client: TestClient, prepared: pd.DataFrame) -> None:
    race = request(last(prepared))
    answer = asked(client, race)
    rows = read_log(client.app.state.service.settings.log_folder / "racing")[-len(race["runners"]) :]  # type: ignore[attr-defined]
    assert [row["predicted"] for row in rows] == [one["probability"] for one in answer["runners"]]
    assert {row["race_id"] for row in rows} == {race["race_id"]}
    assert {row["model"] for row in rows} == {answer["model"]}
    assert [row["price"] for row in rows] == [one["price"] for one in race["runners"]]


def test_a_calibrator_without_the_final_fold_is_rejected(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = open_workspace(repository)
    monkeypatch.setattr(type(files), "read_json", lambda *_: {"calibrator": "race_softmax", "folds": {"test_0": {}}})
    with pytest.raises(UserError, match="fold 'final'"):
        racing.load(files)


def posted(race: dict[str, Any]) -> racing.Request:
    """Return a request as the service reads it."""
    return racing.Request.model_validate_json(json.dumps(race))


def ask_batch(client: TestClient, batch: list[dict[str, Any]]) -> Any:
    """Return the answers to several races in one request."""
    answer = client.post("/predict/racing/races", json={"races": batch})
    assert answer.status_code == 200, answer.text
    return answer.json()["races"]


def test_races_of_a_batch_get_what_they_get_alone_bit_for_bit_and_are_logged(
    client: TestClient, prepared: pd.DataFrame
) -> None:
    batch = [request(race) for race in races(prepared, 8)]
    batch[2] |= {"venue": "Nowhere", "show_edge": True}
    batch[3]["runners"][0] |= {"price": None, "trainer": None}
    alone = [asked(client, race) for race in batch]
    assert ask_batch(client, batch) == alone
    assert ask_batch(client, batch[::-1]) == alone[::-1]
    assert ask_batch(client, batch[:1]) == alone[:1]
    runners = sum(len(race["runners"]) for race in batch[:1])
    rows = read_log(client.app.state.service.settings.log_folder / "racing")[-runners:]  # type: ignore[attr-defined]
    assert [row["predicted"] for row in rows] == [one["probability"] for one in alone[0]["runners"]]
    assert {row["race_id"] for row in rows} == {batch[0]["race_id"]}


def test_every_fault_of_a_batch_of_races_is_named_with_its_place(client: TestClient, prepared: pd.DataFrame) -> None:
    batch = [request(race) for race in races(prepared, 6)]
    batch[1]["runners"][1]["own_columns"] = {"jokey": "A. Reed"}
    batch[1]["runners"][2]["own_columns"] = {"hood": 3.0}
    batch[4]["runners"][0]["box"] = 99
    problem = client.post("/predict/racing/races", json={"races": batch}).json()
    assert [fault["pointer"] for fault in problem["errors"]] == ["/races/1/runners/1", "/races/1/runners/2", "/races/4"]
    assert problem["errors"][0]["detail"] == problem["detail"]
    batch[1]["runners"][1] |= {"box": "one", "runner": ""}
    problem = client.post("/predict/racing/races", json={"races": batch}).json()
    assert [fault["pointer"] for fault in problem["errors"]] == [
        "/races/1/runners/1/runner",
        "/races/1/runners/1/box",
    ]
    twice = client.post("/predict/racing/races", json={"races": batch[:1] * 2})
    assert "is posted 2 times; post it once" in twice.json()["detail"]


def test_a_generated_client_gets_typed_races_and_batches(repository: Path, tmp_path: Path) -> None:
    with start_service(repository, "--tasks", "racing", "--log", "") as service:
        client = GeneratedClient(service, tmp_path, "racing_client")
        assert {"predict_racing", "predict_racing_races"} <= client.list_functions()
        status, race = client.post("predict_racing", "RacingRequest", racing.EXAMPLE)
        assert (status, type(race).__name__, type(race.runners[0]).__name__) == (200, "RacingAnswer", "RacingChance")
        status, batch = client.post("predict_racing_races", "RacingBatch", {"races": [racing.EXAMPLE]})
        assert (status, type(batch).__name__, batch.races) == (200, "RacingBatchAnswer", [race])
        faulty: Any = racing.EXAMPLE
        faulty = faulty | {"runners": [faulty["runners"][0], faulty["runners"][1] | {"box": 99}]}
        status, problem = client.post("predict_racing_races", "RacingBatch", {"races": [faulty]})
        assert (status, type(problem).__name__, problem.errors[0].pointer) == (422, "Problem", "/races/0")
