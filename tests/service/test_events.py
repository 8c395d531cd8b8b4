"""Events over HTTP: the batch's predictions bit for bit, from the text as it was typed."""

import json
from dataclasses import replace
from pathlib import Path
from threading import current_thread
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fastapi.testclient import TestClient

from stages.features import events as features
from stages.prepare import events as prepare
from stages.train import tfidf_linear
from tests.service import trained_repo
from trueline.core.errors import UserError
from trueline.core.history.past import Past
from trueline.core.runtime.params import parse_settings
from trueline.core.tables.source_settings import OwnColumn
from trueline.service.app import create_app
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.settings import Settings as ServiceSettings
from trueline.service.tasks.events import EXAMPLE, FEW, MAX_CACHED_TEXTS, MAX_EVENTS, Event

ROOT = Path(__file__).parent.parent.parent


def sample() -> list[dict[str, Any]]:
    """Return the raw events of the sample as a caller has them."""
    raw = json.loads((ROOT / "data/sample/events/events.json").read_text())
    return [{name: one[name] or "" for name in ("id", "name", "description", "location")} for one in raw]


def asked(client: TestClient, *events: dict[str, Any], **options: Any) -> Any:
    """Return the answer to events."""
    answer = client.post("/predict/events", json={"events": list(events), **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_sample_gets_the_batch_s_chances_and_tags_bit_for_bit_whether_alone_or_together(client: TestClient) -> None:
    batch = trained_repo.batch().set_index("row_id")
    known = {one["id"]: one for one in sample() if one["id"] in batch.index and one["name"]}
    tags = [str(name).removeprefix("tuned:") for name in batch if str(name).count(":") == 1 and "tuned" in str(name)]
    together = asked(client, *known.values(), top=100)["events"]
    assert len(together) == len(known) > 200
    for tagged, (name, event) in zip(together, known.items(), strict=True):
        expected = batch.loc[name]
        assert {one["tag"]: one["chance"] for one in tagged["top"]} == {tag: expected[f"tuned:{tag}"] for tag in tags}
        assert set(tagged["tags"]) == {tag for tag in tags if expected[f"tuned:{tag}:given"] == 1}
        if event["id"] in list(known)[:20]:
            assert asked(client, event, top=100)["events"] == [tagged]


def test_with_word_vectors_events_get_the_batch_s_chances_bit_for_bit_and_no_file_beside_the_model(
    tmp_path: Path,
) -> None:
    batch = trained_repo.batch(has_vectors=True).set_index("row_id")
    folder = trained_repo.repository(tmp_path / "repository", has_vectors=True)
    known = {one["id"]: one for one in sample() if one["id"] in batch.index and one["name"]}
    plain = trained_repo.batch().set_index("row_id")
    settings = ServiceSettings(root=str(folder), tasks=("events",), log=str(tmp_path / "log"))
    with TestClient(create_app(settings)) as informed_client:
        together = asked(informed_client, *known.values(), top=100)["events"]
        assert asked(informed_client, known[next(iter(known))], top=100)["events"] == together[:1]
        unknown = {"name": "aardvark bagel", "description": "children film garden"}
        assert all("learned" not in warning for warning in asked(informed_client, unknown)["events"][0]["warnings"])
    for tagged, name in zip(together, known, strict=True):
        for one in tagged["top"]:
            assert one["chance"] == batch.loc[name, f"tuned:{one['tag']}"]
    assert not batch.loc[list(known)].filter(like="tuned:").equals(plain.loc[list(known)].filter(like="tuned:"))


def test_a_text_asked_twice_gets_the_same_answer_and_both_are_logged(client: TestClient, tmp_path: Path) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    before = len(read_log(service.settings.log_folder / "events"))
    first, second = asked(client, EXAMPLE | {"name": "Seeds again"}), asked(client, EXAMPLE | {"name": "Seeds again"})
    assert first == second
    rows = read_log(service.settings.log_folder / "events")
    assert len(rows) == before + 2
    assert rows[-1]["predicted"] == rows[-2]["predicted"]
    assert rows[-1]["created_at"] >= rows[-2]["created_at"]


def test_a_text_that_came_before_is_not_computed_again(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    model = client.app.state.service.loaded["events"].model  # type: ignore[attr-defined]
    former, new = EXAMPLE | {"name": "Seeds thrice"}, EXAMPLE | {"name": "Never asked"}
    first = asked(client, former)
    computed: list[Any] = []
    compute_chances = model.compute_chances

    def compute_and_note(events: Any) -> Any:
        computed.extend(events)
        return compute_chances(events)

    monkeypatch.setattr(model, "compute_chances", compute_and_note)
    assert asked(client, new, former, new)["events"][1] == first["events"][0]
    assert [event[0] for event in computed] == ["Never asked"]


def test_the_oldest_texts_make_room_for_new_ones(client: TestClient) -> None:
    model = replace(client.app.state.service.loaded["events"].model)  # type: ignore[attr-defined]
    events = [(f"tea {number}", "", "", "") for number in range(MAX_CACHED_TEXTS + 5)]
    assert len(model.list_chances(events)) == len(events)
    assert list(model._cached_chances) == events[5:]


def test_a_long_text_is_answered_and_not_remembered(client: TestClient) -> None:
    model = client.app.state.service.loaded["events"].model  # type: ignore[attr-defined]
    before = len(model._cached_chances)
    long = {"name": "Jazz", "description": "saxophone " * 2000}
    assert asked(client, long) == asked(client, long)
    assert len(model._cached_chances) == before


def test_the_log_has_every_tag_s_chance_the_texts_and_the_model(client: TestClient) -> None:
    answer = asked(client, EXAMPLE, top=2)
    row = read_log(client.app.state.service.settings.log_folder / "events")[-1]  # type: ignore[attr-defined]
    assert {name: row[name] for name in EXAMPLE} == EXAMPLE
    assert row["given"] == answer["events"][0]["tags"]
    assert row["model"] == answer["model"] == client.get("/health").json()["models"]["events"]["version"]
    assert len(row["predicted"]) == len(trained_repo.fitted()[0].tags) > 2
    assert {one["tag"]: one["chance"] for one in answer["events"][0]["top"]}.items() <= row["predicted"].items()


def test_top_is_how_many_tags_are_returned_the_likeliest_first(client: TestClient) -> None:
    for top in (1, 3, 100):
        likeliest = asked(client, EXAMPLE, top=top)["events"][0]["top"]
        assert len(likeliest) == min(top, len(trained_repo.fitted()[0].tags))
        assert [one["chance"] for one in likeliest] == sorted((one["chance"] for one in likeliest), reverse=True)


def test_only_the_requested_tags_are_returned(client: TestClient) -> None:
    tags = trained_repo.fitted()[0].tags
    tagged = asked(client, EXAMPLE, tags=[tags[3], tags[1]], top=9)["events"][0]
    assert {one["tag"] for one in tagged["top"]} == {tags[1], tags[3]}
    assert set(tagged["tags"]) <= {tags[1], tags[3]}


def test_a_tag_may_be_requested_in_any_spelling(client: TestClient) -> None:
    tag = trained_repo.fitted()[0].tags[1]
    tagged = asked(client, EXAMPLE, tags=[f" {tag.upper()}", tag], top=9)["events"][0]
    assert [one["tag"] for one in tagged["top"]] == [tag]


def test_an_unknown_tag_is_named_with_the_nearest_known_one(client: TestClient) -> None:
    tag = trained_repo.fitted()[0].tags[0]
    rejected = client.post("/predict/events", json={"events": [EXAMPLE], "tags": [tag + "x"]})
    assert rejected.status_code == 422
    assert f"knows no tag '{tag}x'; did you mean '{tag}'?" in rejected.json()["detail"]


@pytest.mark.parametrize("name", [" ", "🎉", "<b>", "\x00", "ひらがな", "a" * 1000])
def test_odd_names_are_answered(client: TestClient, name: str) -> None:
    assert all(0 <= one["chance"] <= 1 for one in asked(client, {"name": name})["events"][0]["top"])


@pytest.mark.parametrize(("events", "beside"), [(1, False), (FEW - 1, False), (FEW, True), (MAX_EVENTS, True)])
def test_many_events_are_answered_beside_the_others_however_short_they_are(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, events: int, beside: bool
) -> None:
    endpoint = client.app.state.service.endpoints["events"]  # type: ignore[attr-defined]
    answered, threads = endpoint.answer_body, list[str]()

    def seen(*arguments: Any) -> Any:
        threads.append(current_thread().name)
        return answered(*arguments)

    monkeypatch.setattr(endpoint, "answer_body", seen)
    asked(client, *[{"name": "a"}] * events, top=1)
    assert [name.startswith("compute") for name in threads] == [beside]


def test_no_more_events_are_taken_than_the_schema_says(client: TestClient) -> None:
    assert len(asked(client, *[{"name": "Jazz"}] * MAX_EVENTS, top=1)["events"]) == MAX_EVENTS
    rejected = client.post("/predict/events", json={"events": [{"name": "Jazz"}] * (MAX_EVENTS + 1)})
    assert (rejected.status_code, "at most 1000" in rejected.json()["detail"]) == (422, True)


def test_own_columns_are_the_words_that_they_are_in_training_and_others_are_rejected(client: TestClient) -> None:
    declared = {
        "host": OwnColumn(kind="category", known="before"),
        "ticket_price": OwnColumn(kind="number", known="before"),
    }
    trained, _ = trained_repo.fitted()
    model = replace(client.app.state.service.loaded["events"].model, trained=trained)  # type: ignore[attr-defined]
    model.own_kinds = {name: own.kind for name, own in declared.items()}
    event = {"name": "Chess & tea", "description": "Bring a board", "location": "Wharf"}
    raw = pd.DataFrame(
        [event | {"id": "1", "tags": list(trained.tags), "host": "The <b>Library</b>", "ticket_price": 5}]
    )
    settings = parse_settings(
        yaml.safe_load((ROOT / "params.yaml").read_text()), prepare.Settings, "prepare", "events"
    ).model_copy(update={"own_columns": declared})
    rows, _ = prepare.prepare(raw, settings)
    inputs = features.build(rows, Past(rows), features.Settings(**trained_repo.PARAMS["features.events"]))
    posted = Event(**event, own_columns={"ticket_price": 5, "host": "The <b>Library</b>"})
    words = model.format_own_columns(posted)
    assert inputs["text"][0].startswith(f"{words} xxname Chess")
    chances = model.calibrator.apply(model.state, tfidf_linear.score(trained, inputs), np.zeros(1, dtype=np.int64))
    assert model.get_chances(*event.values(), words) == tuple(chances[""][0].tolist())
    assert model.get_chances(*event.values(), words) != model.get_chances(*event.values())
    with pytest.raises(UserError, match="ticket_price is 'five'; it is a number, so post a number or null"):
        model.format_own_columns(Event(**event, own_columns={"ticket_price": "five"}))
    answer = client.post("/predict/events", json={"events": [event | {"own_columns": {"host": "A"}}]})
    assert answer.status_code == 422
    assert "no own column 'host'" in answer.json()["detail"]


def test_an_event_in_another_language_is_answered_with_a_warning_and_an_ordinary_one_without(
    client: TestClient,
) -> None:
    events = [EXAMPLE, {"name": "Blasmusik", "description": "Abends spielen unsere Musikanten am See."}]
    answer = client.post("/predict/events", json={"events": events}).json()["events"]
    assert answer[0]["warnings"] == []
    assert len(answer[1]["warnings"]) == 1
    assert answer[1]["warnings"][0].startswith("The model has learned from")
