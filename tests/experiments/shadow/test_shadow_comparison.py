"""compare-shadow: same requests, paired; a verdict only on outcomes that are known and new to both models."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.experiments import git_fixtures
from trueline.core.errors import UserError
from trueline.core.tables import table_schema
from trueline.experiments.shadow import shadow_comparison, shadow_log, shadow_outcomes
from trueline.experiments.shadow.shadow_comparison import compare_answers

OURS, THEIRS = "props-model@v1.0.0:aaaa1111", "workspace:bbbb2222"
SEED = 3
Rows = list[dict[str, Any]]


def log(
    folder: Path, task: str, requests: Sequence[tuple[Rows, Rows]], models: tuple[str, str] = (OURS, THEIRS)
) -> None:
    """Write down what both answered, as the service does; rows of the shadow may be missing."""
    for arm, role in enumerate(("champion", "shadow")):
        place = folder / "predictions" / task / ("" if role == "champion" else "shadow")
        place.mkdir(parents=True, exist_ok=True)
        told = [
            {"role": role, "request": f"{models}-{number}", "place": at, "model": models[arm],
             "created_at": f"2030-01-01T00:{number // 60:02}:{number % 60:02}"} | row
            for number, both in enumerate(requests) for at, row in enumerate(both[arm])
        ]  # fmt: skip
        with (place / "1-0.jsonl").open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in told)


def players(number: int, error: tuple[float, float], days: int = 60) -> tuple[list[tuple[Rows, Rows]], pd.DataFrame]:
    """Return requests of a player each, predicted with errors of two sizes, and the prepared rows."""
    random = np.random.default_rng(SEED)
    table = pd.DataFrame(
        {
            "row_id": [f"p{n}:2030-02-{n % days:02}" for n in range(number)],
            "group": [f"2030-02-{n % days:02}" for n in range(number)],
            "target": random.normal(15, 5, number),
        }
    )
    requests = []
    for row in table.to_dict("records"):
        player, _, day = row["row_id"].partition(":")
        key = {"player_id": player, "date": day, "line": 15.5}
        one, other = (row["target"] + size * random.normal() for size in error)
        requests.append(([key | {"predicted": one}], [key | {"predicted": other}]))
    return requests, table


def workspace(folder: Path, task: str, table: pd.DataFrame, learned: Sequence[str] = ()) -> None:
    """Write the prepared table, the folds and a dvc.lock whose model's hash begins with bbbb2222."""
    (folder / "data/prepared").mkdir(parents=True)
    (folder / "data/folds").mkdir(parents=True)
    table_schema.write_table(table, folder / f"data/prepared/{task}.parquet")
    folds = pd.DataFrame(
        {"row_id": table["row_id"], "final": table["row_id"].isin(learned).map({True: "fit", False: None})}
    )
    table_schema.write_table(folds, folder / f"data/folds/{task}.parquet")
    told = (folder / f"data/folds/{task}.parquet").read_bytes()
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": {f"train@{task}": {"cmd": "", "outs": [
        {"path": f"models/{task}/final", "md5": "bbbb2222" + "0" * 24},
        {"path": f"data/folds/{task}.parquet", "md5": hashlib.md5(told).hexdigest()},
    ]}}}))  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(task: str = "props") -> dict[str, Any]:
    return compare_answers(task, Path("predictions"), None, SEED)


SAME = (THEIRS, THEIRS)


def test_differences_are_those_of_the_same_rows(here: Path) -> None:
    def row(player: str, predicted: float, line: float | None = 10.0) -> dict[str, Any]:
        return {"player_id": player, "date": "2030-02-01", "predicted": predicted, "line": line}

    log(here, "props", [
        ([row("a", 11.0), row("b", 12.0)], [row("a", 11.5), row("b", 9.0)]),
        ([row("c", 9.0, None)], [row("c", 9.0, None)]),
        ([row("d", 50.0)], []),
        ([row("e", 1.0)], [row("e", 1.0)]),
    ])  # fmt: skip
    found = asked()
    assert (found["requests"], found["rows"], found["alone"]) == (3, 4, 1)
    told = found["predictions"]
    assert (told["mean"], told["mean_absolute"], told["largest"], told["identical"]) == (-0.625, 0.875, 3.0, 0.5)
    assert found["decisions"] == {"what": "side of the line", "differ": 1, "of": 3}
    assert found["verdict"] is None
    assert found["sentences"][-1] == (
        "No verdict is possible: no outcome of what was asked is known. "
        "How much two models disagree does not say which is right."
    )


@pytest.mark.parametrize(("error", "said"), [((3.0, 1.0), "better"), ((1.0, 3.0), "worse"), ((2.0, 2.0), "undecided")])
def test_the_challenger_is_judged_on_outcomes_by_blocks(here: Path, error: tuple[float, float], said: str) -> None:
    requests, table = players(600, error)
    log(here, "props", requests, SAME)
    workspace(here, "props", table)
    found = asked()
    assert found["verdict"] == said
    loss = found["loss"]
    truth = table["target"].to_numpy()
    own = [
        np.mean([abs(both[arm][0]["predicted"] - y) for both, y in zip(requests, truth, strict=True)]) for arm in (0, 1)
    ]
    assert loss["champion"] == pytest.approx(own[0])
    assert loss["challenger"] == pytest.approx(own[1])
    assert loss["difference"]["value"] == pytest.approx(own[1] - own[0])
    assert loss["difference"]["n"] == 60
    assert f"The challenger is {said}" in found["sentences"][-1]


def test_rows_of_days_that_a_model_had_learned_from_are_not_judged(here: Path) -> None:
    requests, table = players(600, (3.0, 1.0))
    log(here, "props", requests, SAME)
    workspace(here, "props", table, learned=["p1:2030-02-01"])
    found = asked()
    assert (found["known"], found["learned"], found["loss"]["difference"]["n"]) == (600, 10, 59)


def test_where_everything_was_learned_from_there_is_no_verdict(here: Path) -> None:
    requests, table = players(100, (3.0, 1.0))
    log(here, "props", requests, SAME)
    workspace(here, "props", table, learned=list(table["row_id"]))
    found = asked()
    assert found["verdict"] is None
    assert "had learned from every row" in found["sentences"][-1]


def test_a_version_whose_lessons_nobody_knows_is_not_judged(here: Path) -> None:
    requests, table = players(100, (3.0, 1.0))
    git_fixtures.start(here)
    log(here, "props", requests)
    workspace(here, "props", table)
    found = asked()
    assert (found["verdict"], found["known"]) == (None, 100)
    assert "git has no tag props-model@v1.0.0" in found["sentences"][-1]
    (here / "dvc.lock").write_text("{}")
    shutil.rmtree(here / "predictions")
    log(here, "props", requests, SAME)
    assert "the workspace's model is not bbbb2222 any more" in asked()["why"]


def test_what_a_promoted_version_learned_from_is_read_from_its_commit(here: Path) -> None:
    requests, table = players(600, (3.0, 1.0))
    workspace(here, "props", table, learned=["p2:2030-02-02"])
    folds = (here / "data/folds/props.parquet").read_bytes()
    md5 = hashlib.md5(folds).hexdigest()
    cached = here / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(folds)
    (here / ".dvc/config").write_text("[core]\n    analytics = false\n")
    git_fixtures.start(here, {"dvc.lock": (here / "dvc.lock").read_text()})
    git_fixtures.git(here, "tag", "props-model@v1.0.0")
    log(here, "props", requests, (OURS, OURS))
    found = asked()
    assert (found["verdict"], found["learned"]) == ("better", 10)


def test_only_the_latest_two_versions_are_compared(here: Path) -> None:
    requests, _ = players(5, (1.0, 1.0))
    log(here, "props", requests[:2], ("old:1", "older:2"))
    log(here, "props", requests)
    found = asked()
    assert (found["champion"], found["challenger"], found["requests"]) == (OURS, THEIRS, 5)
    assert found["others"] == [{"versions": ["old:1", "older:2"], "requests": 2}]


def test_a_torn_line_or_a_request_with_a_row_missing_counts_for_nothing(here: Path) -> None:
    requests, _ = players(4, (1.0, 1.0))
    one = [(requests[0][0] + requests[1][0], requests[0][1])]
    log(here, "props", [*one, requests[2], requests[3]])
    file = here / "predictions/props/shadow/1-0.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    found = asked()
    assert (found["requests"], found["rows"]) == (1, 1)


def test_a_race_is_judged_whole(here: Path) -> None:
    def runner(race: int, box: int, chance: float) -> dict[str, Any]:
        return {"race_id": f"r{race}", "box": box, "predicted": chance}

    races = range(40)
    table = pd.DataFrame(
        [
            {"row_id": f"r{race}:{box}", "group": f"r{race}", "target": float(box == 1)}
            for race in races
            for box in (1, 2)
        ]
    )
    requests = [
        ([runner(race, 1, 0.5), runner(race, 2, 0.5)], [runner(race, 1, 0.8), runner(race, 2, 0.2)]) for race in races
    ]
    requests[7] = ([runner(7, 1, 1.0)], [runner(7, 1, 1.0)])
    log(here, "racing", requests, SAME)
    workspace(here, "racing", table)
    found = asked("racing")
    assert (found["verdict"], found["loss"]["rows"]) == ("better", 39)
    assert found["loss"]["difference"]["value"] == pytest.approx(np.log(0.5) - np.log(0.8))
    assert found["decisions"] == {"what": "favourite", "differ": 0, "of": 40}


def test_events_are_found_by_their_text_or_their_name_and_judged_by_tags(here: Path) -> None:
    names = [f"Tea and talk {number}" for number in range(40)]
    table = pd.DataFrame(
        {
            "row_id": [f"ev{n}" for n in range(40)], "group": [f"ev{n}" for n in range(40)], "name": names,
            "description": "Cakes too.", "location": "Hall", "target:tea": 1.0, "target:chess": 0.0,
        }
    )  # fmt: skip

    def row(n: int, tea: float) -> dict[str, Any]:
        text = {"name": f"<b>{names[n]}</b>", "description": "Cakes  too." if n % 2 else "Changed", "location": "Hall"}
        known = {"id": f"ev{n}"} if n % 4 == 0 else {"id": None}
        return {**known, **text, "predicted": {"tea": tea, "chess": 0.5}, "given": ["tea"] if tea > 0.5 else []}

    log(here, "events", [([row(n, 0.4)], [row(n, 0.9)]) for n in range(40)], SAME)
    workspace(here, "events", table)
    found = asked("events")
    assert (found["known"], found["verdict"]) == (30, "better")  # a changed text without an id is nobody's
    assert found["loss"]["difference"]["value"] == pytest.approx((np.log(0.4) - np.log(0.9)) / 2)
    assert found["decisions"] == {"what": "tags given", "differ": 40, "of": 40}
    assert found["predictions"]["by_tag"][0] == {"tag": "tea", "mean": 0.5, "mean_absolute": 0.5}


def test_of_a_row_that_was_asked_for_again_the_last_answer_counts(here: Path) -> None:
    requests, table = players(1, (1.0, 1.0))
    again = [[row | {"predicted": 99.0} for row in rows] for rows in requests[0]]
    log(here, "props", [*requests, (again[0], again[1])], SAME)
    rows = shadow_log.read_shadow_log(Path("predictions"), "props").rows
    ((place, both),) = shadow_outcomes.match_rows("props", rows, table)
    assert (place, both[0]["predicted"]) == (0, 99.0)


def test_few_blocks_leave_it_undecided(here: Path) -> None:
    requests, table = players(60, (3.0, 0.1), days=6)
    log(here, "props", requests, SAME)
    workspace(here, "props", table)
    found = asked()
    assert found["verdict"] == "undecided"
    assert "too few blocks" in found["sentences"][-1]


def test_a_log_without_a_shadow_and_outcomes_that_are_not_there_are_refused(here: Path) -> None:
    with pytest.raises(UserError, match="start the service with --shadow props-model#staging"):
        asked()
    requests, _ = players(3, (1.0, 1.0))
    log(here, "props", requests)
    with pytest.raises(UserError, match="--outcomes nowhere"):
        compare_answers("props", Path("predictions"), Path("nowhere.parquet"), SEED)


def test_the_service_writes_what_this_reads() -> None:
    from trueline.service.shadow.challenger_process import SHADOW_LOG_FOLDER
    from trueline.service.shadow.shadow_traffic import pair_rows

    assert SHADOW_LOG_FOLDER == shadow_log.SHADOW_FOLDER
    assert pair_rows([{"a": 1}, {"a": 2}], "x", "shadow") == [
        {"role": "shadow", "request": "x", "place": place, "a": place + 1} for place in (0, 1)
    ]
    assert shadow_comparison.LOG_FOLDER == "predictions"
