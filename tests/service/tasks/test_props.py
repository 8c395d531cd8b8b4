"""Players over HTTP: the batch's forecasts bit for bit, from the schedule, the line and the history before it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fastapi.testclient import TestClient

from stages.diagnose.checks import gap
from stages.features import props as features
from stages.prepare import box_scores
from stages.prepare import props as prepare
from stages.prepare.props import COLUMNS
from tests.own_fixtures import get_posted_own
from tests.pipeline_copy import ROOT
from tests.service import running_service
from tests.service.generated_client import GeneratedClient
from tests.service.service_process import start_service
from trueline.core.errors import UserError
from trueline.core.history.own_inputs import build_inputs
from trueline.core.history.past import Past
from trueline.core.runtime.params import expand_params
from trueline.core.scorer_description import load_description
from trueline.core.stats import count_distribution
from trueline.service.app import create_app
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.online_history import OnlineHistory
from trueline.service.settings import Settings
from trueline.service.tasks import props

POSTED = 8  # game days
AS_TOLD = ["game_id", "season", "season_type", "team", "opponent", "line", "open_line", "over_price", "under_price"]
LAW = ["forecast", "mean", "spread"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the pipeline ran; tests must not change it."""
    return running_service.repository(tmp_path_factory.mktemp("games"), "props", own_table="games")


@pytest.fixture(scope="module")
def client(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service that answers for players, with a log of its own."""
    log = str(tmp_path_factory.mktemp("log"))
    settings = Settings(root=str(repository), tasks=("props",), log=log, deadline_seconds=120.0)
    with TestClient(create_app(settings)) as found:
        yield found


@pytest.fixture(scope="module")
def model(client: TestClient) -> props.Model:
    """The model that the client's service answers with."""
    found: props.Model = client.app.state.service.loaded["props"].model  # type: ignore[attr-defined]
    return found


@pytest.fixture(scope="module")
def prepared(repository: Path) -> pd.DataFrame:
    """The prepared rows, which are the history."""
    return running_service.table(repository, "prepared", "props")


def request(rows: pd.DataFrame, known: tuple[str, ...] = ("before",)) -> dict[str, Any]:
    """Return the request for players, made from their prepared rows; `known` are the own columns that are posted."""
    found = [
        {"player_id": one["entity"], "date": f"{one['time']:%Y-%m-%d}", "home": one["home"] == 1}
        | {name: one[name] for name in AS_TOLD}
        | {"n_books": None if one["n_books"] is None else int(one["n_books"])}
        | {"own_columns": get_posted_own(one, *known)}
        for one in running_service.records(rows)
    ]
    return {"rows": found, "show_edge": True}


def posted(rows: pd.DataFrame, known: tuple[str, ...] = ("before",)) -> props.Request:
    """Return a request as the service reads it."""
    return props.Request.model_validate_json(json.dumps(request(rows, known)))


def asked(client: TestClient, body: dict[str, Any]) -> Any:
    """Return the answer to a request."""
    answer = client.post("/predict/props", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def days(rows: pd.DataFrame, number: int) -> list[pd.DataFrame]:
    """Return the rows of the last days and of some sampled from before them."""
    times = rows["time"].unique()
    sampled = np.random.default_rng(0).choice(times[: -number // 2], number // 2, replace=False)
    return [rows[rows["time"] == time] for time in (*sampled, *times[-number // 2 :])]


def test_score_rows_get_the_batch_s_forecasts_bit_for_bit(
    client: TestClient, repository: Path, prepared: pd.DataFrame
) -> None:
    batch = running_service.batch(repository, "props")
    expected = np.column_stack([batch[""], batch["mean"], batch["spread"]])
    chosen = days(prepared[running_service.scored(repository, "props")], POSTED)
    for day in chosen:
        outlooks = asked(client, request(day))["rows"]
        forecasts = [[one[name] for name in LAW] for one in outlooks]
        np.testing.assert_array_equal(forecasts, expected[day.index], strict=True)
        alone = asked(client, request(day.iloc[-1:]))["rows"]
        assert alone == outlooks[-1:], "players do not see each other"
    assert len(chosen) == POSTED


def test_rows_of_several_days_in_any_order_get_what_they_get_alone(client: TestClient, prepared: pd.DataFrame) -> None:
    several = [day.head(4) for day in days(prepared, 4)]
    alone = [one for day in several for one in asked(client, request(day))["rows"]]
    together = pd.concat(several)
    assert asked(client, request(together))["rows"] == alone
    assert asked(client, request(together.iloc[::-1]))["rows"] == alone[::-1]


def test_chances_are_those_of_the_line_and_sum_to_one(client: TestClient, prepared: pd.DataFrame) -> None:
    body = request(days(prepared, 2)[0])
    for place, row in enumerate(body["rows"]):
        row["line"] = [None, 12.0, 12.5][place % 3]
    answer = asked(client, body)
    for row, one in zip(body["rows"], answer["rows"], strict=True):
        if row["line"] is None:
            assert one["pick"] == "no_line"
            assert {one[name] for name in ("line", "edge", "p_over", "p_push", "p_under")} == {None}
            continue
        line, mean, spread = (np.array([number]) for number in (row["line"], one["mean"], one["spread"]))
        over, push, under = count_distribution.compute_line_probabilities(line, mean, spread, True)
        assert [one[name] for name in ("p_over", "p_push", "p_under")] == [over[0], push[0], under[0]]
        assert abs(one["p_over"] + one["p_push"] + one["p_under"] - 1) <= 1e-12
        assert (one["p_push"] > 0) == (row["line"] == 12.0)
        assert one["edge"] == one["forecast"] - row["line"]
        far = "over" if one["edge"] >= answer["min_edge"] else "under" if one["edge"] <= -answer["min_edge"] else "pass"
        assert one["pick"] == far
        assert one["low"] < one["mean"] < one["high"]
    assert {one["pick"] for one in answer["rows"]} == {"over", "under", "pass", "no_line"}


def test_one_outcome_of_ten_lies_beyond_either_end() -> None:
    mean, spread = np.array([3.0, 20.0]), np.array([2.0, 6.0])
    low, high = props._compute_tail_bounds(150, mean, spread, True)
    for end, least, most in ((low - 1, 0, 0.1), (high, 0.9, 1), (low, 0.1, 1), (high - 1, 0, 0.9)):
        at_most = count_distribution.compute_cdf(end, mean, spread, True)
        assert ((at_most >= least) & (at_most <= most)).all()
    np.testing.assert_allclose(
        count_distribution.compute_cdf(props._compute_tail_bounds(0, mean, spread, False)[0], mean, spread, False),
        0.1,
    )


def test_neither_the_row_s_own_outcome_nor_the_future_plays_a_role(model: props.Model, prepared: pd.DataFrame) -> None:
    day = days(prepared, 2)[0]
    honest = props.answer(model, posted(day))
    since, random = prepared["time"] >= day["time"].iloc[0], np.random.default_rng(1)
    declared = (*COLUMNS, *model.predictor.own_columns)
    usable = [column for column in declared if column.name in prepared and not column.evaluation_only]
    tampered = prepared.copy()
    for column in usable:
        if column.known == "after":
            tampered.loc[since, column.name] = random.random(int(since.sum()))
    assert since.sum() > len(day)
    for history in (tampered, prepared[~since], prepared[prepared["time"] != day["time"].iloc[0]]):
        archive = OnlineHistory(history[[column.name for column in usable]])
        assert props.answer(replace(model, predictor=replace(model.predictor, archive=archive)), posted(day)) == honest


def test_a_line_may_be_as_high_as_the_quantity_of_the_sport_can_be(
    model: props.Model, client: TestClient, prepared: pd.DataFrame
) -> None:
    row = posted(days(prepared, 1)[0].head(1)).rows[0].model_copy(update={"line": 300.5})
    yards = replace(model, card_settings=model.card_settings.choose("american_football", "receiving_yards"))
    answer = props.answer(yards, props.Request(rows=[row], show_edge=True))
    assert (answer.quantity, answer.rows[0].line, answer.rows[0].pick) == ("receiving_yards", 300.5, "under")
    with pytest.raises(UserError, match=r"line is 300\.5, and points in a game are at most 150"):
        props.answer(model, props.Request(rows=[row], show_edge=True))
    told = row.model_dump(mode="json") | {"date": f"{row.date:%Y-%m-%d}"}
    assert client.post("/predict/props", json={"rows": [told]}).status_code == 422


def test_the_sport_and_the_quantity_are_those_that_prepare_found(model: props.Model) -> None:
    assert (model.card_settings.sport, model.card_settings.quantity) == ("basketball", "points")


def test_what_the_history_never_saw_is_missing_and_no_error(client: TestClient) -> None:
    row = {"player_id": "nobody", "season": "2050", "team": "New", "opponent": "Newer", "home": False}
    for date in ("1950-01-01", "2024-02-10", "2150-01-01"):
        outlook = asked(client, {"rows": [row | {"date": date}]})["rows"][0]
        assert outlook["pick"] == "no_line"
        assert outlook["mean"] > 0


@pytest.mark.parametrize("market", ["line", "residual"])
def test_lines_and_line_ups_at_the_off_make_the_batch_s_inputs_bit_for_bit(
    model: props.Model, prepared: pd.DataFrame, market: str
) -> None:
    params = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))["features"]["props"]
    settings = features.Settings(**params | {"decision": "at_start", "market": market})
    own_columns, known = list(model.predictor.own_columns), ("before", "at_start")
    usable = [column for column in (*COLUMNS, *own_columns) if column.name in prepared and not column.evaluation_only]
    present = [column.name for column in usable if column.known != "after"]
    predictor = replace(model.predictor, settings=settings, present=present)
    history = prepared[[column.name for column in usable]]
    whole = build_inputs(features, prepared[present], Past(history), settings, own_columns)
    assert {"own:crowd", "own:bias:entity_surplus", "own:jockey:changed", "own:effort:mean"} <= set(whole)
    for day in days(prepared[prepared["open_line"].notna() | prepared["line"].isna()], 4):
        day = prepared[prepared["time"] == day["time"].iloc[0]]
        rows = props.prepare_card(replace(model, predictor=predictor), posted(day, known).rows)
        found = predictor.build_inputs(rows).set_axis(rows["row_id"]).loc[day["row_id"]]
        first = (day["open_line"].notna() | day["line"].isna()).to_numpy()
        for name in whole:
            pair = found[name].astype(object)[first], whole[name].astype(object).loc[day.index][first]
            assert pair[0].reset_index(drop=True).equals(pair[1].reset_index(drop=True)), name
        with pytest.raises(UserError, match="all who play"):
            props.answer(replace(model, predictor=predictor), posted(day.head(1), known))


def test_derived_columns_are_those_that_prepare_makes(model: props.Model, prepared: pd.DataFrame) -> None:
    day = days(prepared, 2)[1]
    rows = props.prepare_card(model, posted(day).rows).set_index("row_id").loc[day["row_id"]]
    for name in ("last_5", "last_10", "season_mean", "usual", "usual_minutes", "side_usual", "side_minutes"):
        np.testing.assert_array_equal(rows[name], day[name], err_msg=name)
    assert rows["role"].fillna("").tolist() == day["role"].fillna("").tolist()


EXAMPLE: Any = props.EXAMPLE
ROW: dict[str, Any] = EXAMPLE["rows"][0]
REJECTED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no rows": ([], "1"),
    "too many": ([ROW | {"player_id": f"p{number}"} for number in range(501)], "500"),
    "a player twice": ([ROW, ROW], "1054"),
    "a player twice, but for a space": ([ROW, ROW | {"player_id": " 1054"}], "1054"),
    "many days": ([ROW | {"date": f"2024-02-{day:02}"} for day in range(1, 9)], "8 days"),
    "a team against itself": ([ROW | {"team": "Alderport"}], "itself"),
    "odds that do not exist": ([ROW | {"over_price": 50.0}], "over_price"),
    "an unknown field": ([ROW | {"minutes": 30.0}], "minutes"),
    "an outcome": ([ROW | {"points": 30.0}], "points"),
    "no name": ([ROW | {"player_id": " "}], "player_id"),
    "a moment for a day": ([ROW | {"date": "2024-02-10T19:00:00"}], "date"),
    "a day as a number": ([ROW | {"date": 20240210}], "date"),
    "digits for a day": ([ROW | {"date": "0"}], "date"),
    "odds of nothing": ([ROW | {"over_price": 0.0}], "over_price"),
    "home as a word": ([ROW | {"home": "yes"}], "home"),
    "a line below zero": ([ROW | {"line": -1.0}], "line"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_faulty_request_is_rejected_in_a_sentence(client: TestClient, name: str) -> None:
    rows, expected = REJECTED[name]
    answer = client.post("/predict/props", json={"rows": rows})
    assert answer.status_code == 422, answer.text
    assert expected in answer.json()["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_rejected(client: TestClient, number: str) -> None:
    body = json.dumps({"rows": [ROW | {"line": 77.25}]}).replace("77.25", number)
    answer = client.post("/predict/props", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


def test_the_example_is_of_the_sample_and_is_answered(client: TestClient, prepared: pd.DataFrame) -> None:
    assert asked(client, EXAMPLE)["rows"][0]["pick"] == "withheld"  # the sample's report shows no lead over the lines
    assert asked(client, EXAMPLE | {"show_edge": True})["rows"][0]["pick"] in ("over", "under", "pass")
    row = prepared[prepared["row_id"] == f"{ROW['player_id']}:{ROW['date']}"]
    fields = request(row)["rows"][0]
    assert {name: fields[name] for name in ROW if name != "under_price"} == {
        name: value for name, value in ROW.items() if name != "under_price"
    }


def test_schemathesis_finds_nothing(client: TestClient) -> None:
    running_service.schema_holds(client, "/predict/props")
    running_service.schema_holds(client, "/predict/props/slates")


def test_every_field_says_what_it_is() -> None:
    for part in (props.Request, props.Row, props.Answer, props.Outlook):
        assert all(field.description for field in part.model_fields.values()), part


def test_the_log_is_a_table_production_that_prepare_takes_and_the_gap_report_reads(
    client: TestClient, repository: Path, prepared: pd.DataFrame, tmp_path: Path
) -> None:
    folder = client.app.state.service.settings.log_folder / "props"  # type: ignore[attr-defined]
    before = len(read_log(folder))
    chosen = days(prepared, 8)
    forecasts = {}
    for day in chosen:
        for one in asked(client, request(day))["rows"]:
            forecasts[f"{one['player_id']}:{one['date']}"] = one["forecast"]
    for table in ("games", "lines"):
        shutil.copy(repository / f"data/sample/props/{table}.parquet", tmp_path)
    (tmp_path / "production.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in read_log(folder)[before:]))
    raw = box_scores.read(str(tmp_path))
    params = expand_params(yaml.safe_load((repository / "params.yaml").read_text()))
    rows, quality = prepare.prepare(raw, prepare.Settings(**params["prepare"]["props"]))
    assert not quality["set_aside"]["production"]
    logged = rows.set_index("row_id")["production"].dropna()
    assert logged.to_dict() == forecasts
    lined = rows.set_index("row_id").loc[logged.index]
    assert lined["production_line"].equals(lined["line"].rename("production_line"))
    both = pd.DataFrame({"entity": rows["entity"], "day": rows["time"], "target": rows["target"]})
    both = both.assign(backtest=rows["production"], backtest_line=rows["line"])
    both = both.join(rows.filter(like="production"))
    measure: Any = load_description("market").gap
    report = gap.build_gap_report(both, gap.Settings(**params["diagnose"]["props"]["gap"]), 0, measure)
    assert report["rows"]["production"] == int((lined["line"].notna()).sum()) > 0
    assert report["gap"]["hit_rate"]["value"] == 0
    assert report["creation"]["known"] == 1


def test_a_calibrator_without_a_distribution_is_rejected(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = open_workspace(repository)
    monkeypatch.setattr(type(files), "read_json", lambda *_: {"calibrator": "none", "folds": {"final": {"tuned": {}}}})
    with pytest.raises((UserError, KeyError)):
        props.load(files)


def test_slates_of_a_batch_get_what_they_get_alone_bit_for_bit(client: TestClient, prepared: pd.DataFrame) -> None:
    first, second, third = days(prepared, 4)[1:]
    batch = [request(day) for day in (first.head(5), pd.concat([second.head(3), third.head(2)]), first.tail(4), third)]
    batch[1] |= {"show_edge": False}
    alone = [asked(client, slate) for slate in batch]
    for slates, expected in ((batch, alone), (batch[::-1], alone[::-1])):
        answer = client.post("/predict/props/slates", json={"slates": slates})
        assert answer.status_code == 200, answer.text
        assert answer.json()["slates"] == expected


def test_every_fault_of_a_batch_of_slates_is_named_with_its_place(client: TestClient, prepared: pd.DataFrame) -> None:
    batch = [request(day.head(3)) for day in days(prepared, 4)]
    batch[1]["rows"][0]["line"] = 5000.0
    batch[1]["rows"][2]["own_columns"] = {"jokey": "A. Reed"}
    batch[3]["rows"][1]["line"] = 5000.0
    problem = client.post("/predict/props/slates", json={"slates": batch}).json()
    pointers = ["/slates/1/rows/0", "/slates/1/rows/2", "/slates/3/rows/1"]
    assert [fault["pointer"] for fault in problem["errors"]] == pointers
    assert problem["errors"][0]["detail"] == problem["detail"]


def test_without_a_lead_over_the_market_no_edge_and_no_pick_is_given_and_the_reason_is(
    client: TestClient, prepared: pd.DataFrame
) -> None:
    body = request(days(prepared, 2)[0]) | {"show_edge": False}
    body["rows"][0]["line"], body["rows"][1]["line"] = None, 12.5
    answer = asked(client, body)
    assert answer["edge_withheld"].startswith("metrics/props/report.json of this version does not say")
    assert {one["edge"] for one in answer["rows"]} == {None}
    assert [one["pick"] for one in answer["rows"]][:2] == ["no_line", "withheld"]
    assert answer["rows"][1]["p_over"] is not None
    assert asked(client, body | {"show_edge": True})["edge_withheld"] is None


def test_a_generated_client_gets_typed_slates_and_batches(repository: Path, tmp_path: Path) -> None:
    with start_service(repository, "--tasks", "props", "--log", "") as service:
        client = GeneratedClient(service, tmp_path, "props_client")
        assert {"predict_props", "predict_props_slates"} <= client.list_functions()
        status, slate = client.post("predict_props", "PropsRequest", props.EXAMPLE)
        assert (status, type(slate).__name__, type(slate.rows[0]).__name__) == (200, "PropsAnswer", "PropsOutlook")
        status, batch = client.post("predict_props_slates", "PropsBatch", {"slates": [props.EXAMPLE, props.EXAMPLE]})
        assert (status, type(batch).__name__, batch.slates) == (200, "PropsBatchAnswer", [slate, slate])
