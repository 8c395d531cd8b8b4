"""Texts to tag: chosen from a card, tagged by a person, and taken by prepare as another part of the source."""

import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.prepare import __main__ as prepare_stage
from stages.prepare import events, listings
from stages.prepare.events.near_duplicates import find_near_duplicate_clusters
from tests.pipeline_copy import ROOT, change
from tests.service import trained_repo
from trueline.core.errors import UserError
from trueline.core.runtime.params import parse_settings
from trueline.core.tables import table_schema
from trueline.core.texts_to_ask import compute_doubt
from trueline.predict import __main__ as command
from trueline.predict.predict_card import load_model
from trueline.predict.tag_requests import ask_with_model

MOMENT = pd.Timestamp("2025-09-01")
SAMPLE: list[dict[str, Any]] = json.loads((ROOT / "data/sample/events/events.json").read_text())
ID_COUNTS = Counter(event["id"] for event in SAMPLE)
EVENTS = [event for event in SAMPLE if event["id"] and event["name"] and ID_COUNTS[event["id"]] == 1]
TAGGED, CARD = EVENTS[:160], EVENTS[160:]
TRUTH = {event["id"]: event["tags"] for event in EVENTS}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with a model of the events, whose source holds some of them, and a card with the others."""
    folder = trained_repo.repository(tmp_path)
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "my/events").mkdir(parents=True)
    (folder / "my/events/events.json").write_text(json.dumps(TAGGED))
    change(folder, tasks__events__source="my/events")
    untagged = [{name: value for name, value in event.items() if name != "tags"} for event in CARD]
    (folder / "my/card.json").write_text(json.dumps(untagged))
    seal_prepared(folder)
    return folder


def seal_prepared(folder: Path) -> pd.DataFrame:
    """Prepare the source, and enter what comes out and the settings in the dvc.lock."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    prepared, _ = events.prepare(
        listings.read(str(folder / "my/events")), parse_settings(params, events.Settings, "prepare", "events")
    )
    (folder / "data/prepared").mkdir(exist_ok=True)
    table_schema.write_table(prepared, folder / "data/prepared/events.parquet")
    sections = {f"prepare.{name}": params["prepare"][name] for name in ("defaults", "events")}
    trained_repo.seal(folder, trained_repo.PARAMS | sections, (*trained_repo.OUTS, "data/prepared/events.parquet"))
    return prepared


def fill_in_tags(file: Path) -> pd.DataFrame:
    """Write the true tags into a CSV as a person does, and return it."""
    sheet = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert (sheet["tags"] == "").all()
    sheet["tags"] = ["; ".join(TRUTH[event_id]) for event_id in sheet["id"]]
    sheet.to_csv(file, index=False)
    return sheet


def ask(folder: Path, count: int, card: str | None = "my/card.json") -> tuple[pd.DataFrame, list[str]]:
    loaded = load_model(folder, "events", None)
    return ask_with_model(folder, loaded, folder / card if card else None, MOMENT, count)


def test_what_is_asked_for_and_tagged_goes_back_into_the_source_as_the_page_says(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking, returning, _ = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/asking.md").read_text(), re.S)
    monkeypatch.chdir(repository)
    arguments = asking.split()[4:]
    assert asking.split()[:4] == ["python", "-m", "trueline", "predict"]
    command.main(arguments)
    assert "20 texts to tag are in my/texts.csv" in capsys.readouterr().out
    assert not (repository / "predictions").exists()
    sheet = fill_in_tags(repository / "my/texts.csv")
    *moves, last = [line.split() for line in returning.splitlines()]
    for move, file, target in moves:
        assert move == "mv"
        Path(file).rename(target)
    assert last == ["dvc", "repro"]  # of which prepare is the first stage
    writes = {name: repository / f"{name}.out" for name in prepare_stage.WRITES}
    prepare_stage.main("events", {}, writes)
    quality = json.loads(writes["quality"].read_text())
    assert quality["rows_in"] == len(TAGGED) + len(sheet)
    prepared = table_schema.read_table(writes["prepared"]).set_index("row_id")
    for event_id in sheet["id"]:
        row = prepared.loc[event_id]
        tags = {name.removeprefix("target:") for name in row.index if name.startswith("target:") and row[name] == 1}
        assert tags == set(TRUTH[event_id]), event_id
    seal_prepared(repository)
    command.main(arguments)
    assert set(pd.read_csv("my/texts.csv", dtype=str)["id"]).isdisjoint(sheet["id"])


def test_no_near_duplicates_are_asked_for_and_the_reasons_are_the_models(repository: Path) -> None:
    sheet, notes = ask(repository, 1000)
    assert 10 < len(sheet) < len(CARD)
    assert notes[0] == f"{len(sheet)} texts, as all others are near-duplicates of tagged or asked ones"
    texts = [f"{event['name']} {event['description']}" for event in TAGGED]
    texts += (sheet["name"] + " " + sheet["description"].fillna("")).tolist()
    cluster = find_near_duplicate_clusters(texts, [f"{number:04}" for number in range(len(texts))], 0.4, 2)
    new_clusters = cluster[len(TAGGED) :]
    assert len(set(new_clusters)) == len(sheet)
    assert set(new_clusters).isdisjoint(cluster[: len(TAGGED)])
    model = load_model(repository, "events", None).model
    texts_of_rows = sheet[["name", "description", "location"]].fillna("")
    fields = [(*row, "") for row in texts_of_rows.itertuples(index=False, name=None)]
    doubt = compute_doubt(model.compute_chances(fields), np.array(model.thresholds))
    np.testing.assert_allclose(sheet["asked_doubt"], doubt, atol=1e-4)
    product = (sheet["asked_doubt"] * sheet["asked_likeness"]).to_numpy()
    assert (np.diff(product) < 1e-3).all()
    first_tag, chance = sheet["asked_about"].iloc[0].split("; ")[0].rsplit(" ", 1)
    assert f"{model.get_chances(*fields[0])[model.tags.index(first_tag)]:.2f}" == chance


def test_the_sheet_has_the_names_that_the_source_has(repository: Path) -> None:
    renamed = [{"title" if name == "name" else name: value for name, value in event.items()} for event in TAGGED]
    renamed = [{"labels" if name == "tags" else name: value for name, value in event.items()} for event in renamed]
    (repository / "my/events/events.json").write_text(json.dumps(renamed))
    sheet, _ = ask(repository, 3)
    assert list(sheet)[:5] == ["description", "id", "location", "title", "labels"]
    change(repository, prepare__events__tag_columns=["tea", "open"])
    flags = [{**event, "tea": 1, "open": 0} for event in TAGGED]
    (repository / "my/events/events.json").write_text(json.dumps(flags))
    seal_prepared(repository)
    sheet, _ = ask(repository, 3)
    assert (sheet[["tea", "open"]] == "").all(axis=None)


def test_without_a_card_the_untagged_events_of_the_source_are_asked_for(repository: Path) -> None:
    untagged = [{**event, "tags": None} for event in CARD[:20]]
    (repository / "my/events/events.json").write_text(json.dumps([*TAGGED, *untagged]))
    seal_prepared(repository)
    sheet, notes = ask(repository, 5, card=None)
    assert len(sheet) == 5
    assert set(sheet["id"]) <= {event["id"] for event in untagged}
    assert "at the same ids" in notes[-1]


def test_what_cannot_be_asked_for_is_refused(repository: Path) -> None:
    (repository / "my/known.json").write_text(
        json.dumps([{**event, "id": f"new{event['id']}"} for event in TAGGED[:5]])
    )
    with pytest.raises(UserError, match="every text of the card is a near-duplicate of a tagged one"):
        ask(repository, 3, card="my/known.json")
    for count in ("0", "-3", "all"):
        with pytest.raises(SystemExit):
            command.main(["events", "--ask", count, "--out", "sheet.csv"])


def test_a_task_without_texts_is_refused() -> None:
    @dataclass
    class RacingModel:
        task: str = "racing"

    with pytest.raises(UserError, match="racing has no texts to tag"):
        ask_with_model(ROOT, RacingModel(), None, MOMENT, 5)  # type: ignore[arg-type]
