"""compare-shadow: the same requests, paired; a verdict only on outcomes that are known and new to both models."""

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
    """Write the log of both models as the service does; the shadow may lack rows."""
    for arm, role in enumerate(("champion", "shadow")):
        log_folder = folder / "predictions" / task / ("" if role == "champion" else "shadow")
        log_folder.mkdir(parents=True, exist_ok=True)
        rows = [
            {"role": role, "request": f"{models}-{number}", "place": position, "model": models[arm],
             "created_at": f"2030-01-01T00:{number // 60:02}:{number % 60:02}"} | row
            for number, answers in enumerate(requests) for position, row in enumerate(answers[arm])
        ]  # fmt: skip
        with (log_folder / "1-0.jsonl").open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def players(number: int, error: tuple[float, float], days: int = 60) -> tuple[list[tuple[Rows, Rows]], pd.DataFrame]:
    """Return requests of one player each, predicted with errors of two sizes, and the prepared rows."""
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
    """Write the prepared table, the folds and a dvc.lock in which the model's hash starts with bbbb2222."""
    (folder / "data/prepared").mkdir(parents=True)
    (folder / "data/folds").mkdir(parents=True)
    table_schema.write_table(table, folder / f"data/prepared/{task}.parquet")
    folds = pd.DataFrame(
        {"row_id": table["row_id"], "final": table["row_id"].isin(learned).map({True: "fit", False: None})}
    )
    table_schema.write_table(folds, folder / f"data/folds/{task}.parquet")
    content = (folder / f"data/folds/{task}.parquet").read_bytes()
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": {f"train@{task}": {"cmd": "", "outs": [
        {"path": f"models/{task}/final", "md5": "bbbb2222" + "0" * 24},
        {"path": f"data/folds/{task}.parquet", "md5": hashlib.md5(content).hexdigest()},
    ]}}}))  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compare(task: str = "props") -> dict[str, Any]:
    return compare_answers(task, Path("predictions"), None, SEED)


SAME = (THEIRS, THEIRS)


def test_differences_are_those_of_the_same_rows(folder: Path) -> None:
    def row(player: str, predicted: float, line: float | None = 10.0) -> dict[str, Any]:
        return {"player_id": player, "date": "2030-02-01", "predicted": predicted, "line": line}

    log(folder, "props", [
        ([row("a", 11.0), row("b", 12.0)], [row("a", 11.5), row("b", 9.0)]),
        ([row("c", 9.0, None)], [row("c", 9.0, None)]),
        ([row("d", 50.0)], []),
        ([row("e", 1.0)], [row("e", 1.0)]),
    ])  # fmt: skip
    comparison = compare()
    assert (comparison["requests"], comparison["rows"], comparison["alone"]) == (3, 4, 1)
    predictions = comparison["predictions"]
    assert (predictions["mean"], predictions["mean_absolute"], predictions["largest"], predictions["identical"]) == (
        -0.625,
        0.875,
        3.0,
        0.5,
    )
    assert comparison["decisions"] == {"what": "side of the line", "differ": 1, "of": 3}
    assert comparison["verdict"] is None
    assert comparison["sentences"][-1] == (
        "No verdict is possible: no outcome of what was asked is known. "
        "How much two models disagree does not say which is right."
    )


@pytest.mark.parametrize(
    ("error", "verdict"), [((3.0, 1.0), "better"), ((1.0, 3.0), "worse"), ((2.0, 2.0), "undecided")]
)
def test_the_challenger_is_judged_on_outcomes_by_blocks(folder: Path, error: tuple[float, float], verdict: str) -> None:
    requests, table = players(600, error)
    log(folder, "props", requests, SAME)
    workspace(folder, "props", table)
    comparison = compare()
    assert comparison["verdict"] == verdict
    loss = comparison["loss"]
    truth = table["target"].to_numpy()
    losses = [
        np.mean([abs(answers[arm][0]["predicted"] - y) for answers, y in zip(requests, truth, strict=True)])
        for arm in (0, 1)
    ]
    assert loss["champion"] == pytest.approx(losses[0])
    assert loss["challenger"] == pytest.approx(losses[1])
    assert loss["difference"]["value"] == pytest.approx(losses[1] - losses[0])
    assert loss["difference"]["n"] == 60
    assert f"The challenger is {verdict}" in comparison["sentences"][-1]


def test_rows_of_days_that_a_model_had_learned_from_are_not_judged(folder: Path) -> None:
    requests, table = players(600, (3.0, 1.0))
    log(folder, "props", requests, SAME)
    workspace(folder, "props", table, learned=["p1:2030-02-01"])
    comparison = compare()
    assert (comparison["known"], comparison["learned"], comparison["loss"]["difference"]["n"]) == (600, 10, 59)


def test_where_everything_was_learned_from_there_is_no_verdict(folder: Path) -> None:
    requests, table = players(100, (3.0, 1.0))
    log(folder, "props", requests, SAME)
    workspace(folder, "props", table, learned=list(table["row_id"]))
    comparison = compare()
    assert comparison["verdict"] is None
    assert "had learned from every row" in comparison["sentences"][-1]


def test_a_version_whose_training_rows_are_unknown_is_not_judged(folder: Path) -> None:
    requests, table = players(100, (3.0, 1.0))
    git_fixtures.start(folder)
    log(folder, "props", requests)
    workspace(folder, "props", table)
    comparison = compare()
    assert (comparison["verdict"], comparison["known"]) == (None, 100)
    assert "git has no tag props-model@v1.0.0" in comparison["sentences"][-1]
    (folder / "dvc.lock").write_text("{}")
    shutil.rmtree(folder / "predictions")
    log(folder, "props", requests, SAME)
    assert "the workspace's model is no longer bbbb2222" in compare()["why"]


def test_what_a_promoted_version_learned_from_is_read_from_its_commit(folder: Path) -> None:
    requests, table = players(600, (3.0, 1.0))
    workspace(folder, "props", table, learned=["p2:2030-02-02"])
    folds = (folder / "data/folds/props.parquet").read_bytes()
    md5 = hashlib.md5(folds).hexdigest()
    cached = folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(folds)
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    git_fixtures.start(folder, {"dvc.lock": (folder / "dvc.lock").read_text()})
    git_fixtures.git(folder, "tag", "props-model@v1.0.0")
    log(folder, "props", requests, (OURS, OURS))
    comparison = compare()
    assert (comparison["verdict"], comparison["learned"]) == ("better", 10)


def test_only_the_latest_two_versions_are_compared(folder: Path) -> None:
    requests, _ = players(5, (1.0, 1.0))
    log(folder, "props", requests[:2], ("old:1", "older:2"))
    log(folder, "props", requests)
    comparison = compare()
    assert (comparison["champion"], comparison["challenger"], comparison["requests"]) == (OURS, THEIRS, 5)
    assert comparison["others"] == [{"versions": ["old:1", "older:2"], "requests": 2}]


def test_a_torn_line_or_a_request_with_a_row_missing_counts_for_nothing(folder: Path) -> None:
    requests, _ = players(4, (1.0, 1.0))
    one = [(requests[0][0] + requests[1][0], requests[0][1])]
    log(folder, "props", [*one, requests[2], requests[3]])
    file = folder / "predictions/props/shadow/1-0.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    comparison = compare()
    assert (comparison["requests"], comparison["rows"]) == (1, 1)


def test_a_race_is_judged_whole(folder: Path) -> None:
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
    log(folder, "racing", requests, SAME)
    workspace(folder, "racing", table)
    comparison = compare("racing")
    assert (comparison["verdict"], comparison["loss"]["rows"]) == ("better", 39)
    assert comparison["loss"]["difference"]["value"] == pytest.approx(np.log(0.5) - np.log(0.8))
    assert comparison["decisions"] == {"what": "favourite", "differ": 0, "of": 40}


def test_events_are_found_by_their_text_or_their_name_and_judged_by_tags(folder: Path) -> None:
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

    log(folder, "events", [([row(n, 0.4)], [row(n, 0.9)]) for n in range(40)], SAME)
    workspace(folder, "events", table)
    comparison = compare("events")
    assert (comparison["known"], comparison["verdict"]) == (30, "better")  # a changed text without an id matches no row
    assert comparison["loss"]["difference"]["value"] == pytest.approx((np.log(0.4) - np.log(0.9)) / 2)
    assert comparison["decisions"] == {"what": "tags given", "differ": 40, "of": 40}
    assert comparison["predictions"]["by_tag"][0] == {"tag": "tea", "mean": 0.5, "mean_absolute": 0.5}


def test_of_a_row_that_was_asked_for_again_the_last_answer_counts(folder: Path) -> None:
    requests, table = players(1, (1.0, 1.0))
    again = [[row | {"predicted": 99.0} for row in rows] for rows in requests[0]]
    log(folder, "props", [*requests, (again[0], again[1])], SAME)
    rows = shadow_log.read_shadow_log(Path("predictions"), "props").rows
    ((position, pair),) = shadow_outcomes.match_rows("props", rows, table)
    assert (position, pair[0]["predicted"]) == (0, 99.0)


def test_few_blocks_leave_it_undecided(folder: Path) -> None:
    requests, table = players(60, (3.0, 0.1), days=6)
    log(folder, "props", requests, SAME)
    workspace(folder, "props", table)
    comparison = compare()
    assert comparison["verdict"] == "undecided"
    assert "too few blocks" in comparison["sentences"][-1]


def test_a_log_without_a_shadow_and_outcomes_that_are_not_there_are_rejected(folder: Path) -> None:
    with pytest.raises(UserError, match="start the service with --shadow props-model#staging"):
        compare()
    requests, _ = players(3, (1.0, 1.0))
    log(folder, "props", requests)
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
