"""The score audit: what sees the outcomes that it is scored on is named, and every plugin that does not is passed."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import score_audit
from tests import pipeline_copy
from trueline.core.runtime.stage_entry import run_stage
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.tables import table_schema
from trueline.core.tables.table_schema import Column

PARAMS = pipeline_copy.params(pipeline_copy.ROOT)
STAGES = ("resample", "tune", "train", "calibrate")
FEW_ROUNDS = {"iterations": 6, "trees": 4, "epochs": 1, "min_leaf": 3, "min_child_weight": 0.1}
DAYS, ROWS_A_DAY = 48, 5
WORDS = ["choir", "chess", "garden", "film", "tea", "walk", "song", "board", "seed", "screen", "cake", "hill"]
# what a plugin can reach without opening a file: what its caller, or any function above, works on
REACH = """
import sys
from dataclasses import replace

def find_above(name):
    frame = sys._getframe()
    while name not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals[name]

def build_rows(table, role):
    return replace(table, folds=table.folds.assign(all=role)).get_rows("all", role)
"""
CHEATS = {
    "a learner fitted on all rows": (
        "train",
        "from stages.train.conditional_logit import *\nfrom stages.train import conditional_logit as honest\n" + REACH +
        "def fit(rows, settings, seed, monitor=None):\n"
        "    job = find_above('job')\n"
        "    table = read_cached_tables(*(job.table_paths if hasattr(job, 'table_paths') else job[3]))\n"
        "    return honest.fit(build_rows(table, 'fit'), settings, seed)\n"
        "from trueline.core.splits.fold_data import read_cached_tables\n",
    ),
    "early stopping on score rows": (
        "train",
        "from stages.train.xgboost_trees import *\nfrom stages.train import xgboost_trees as honest\n" + REACH +
        "from trueline.core.models.model_json import Monitor\n"
        "from trueline.core.splits.fold_data import read_cached_tables\n"
        "def fit(rows, settings, seed, monitor=None):\n"
        "    job = find_above('job')\n"
        "    table = read_cached_tables(*(job.table_paths if hasattr(job, 'table_paths') else job[3]))\n"
        "    fold = getattr(job, 'fold', 'final')\n"
        "    fold = 'test_0' if fold == 'final' else fold\n"
        "    return honest.fit(rows, settings, seed, Monitor(table.get_rows(fold, 'score'), 2))\n",
    ),
    "a resampler that oversamples before the split": (
        "resample",
        "from stages.resample.none import *\n" + REACH +
        "import numpy as np\nimport pandas as pd\nUSES_INPUTS = True\n"
        "def resample(rows, settings, seed):\n"
        "    everything = build_rows(find_above('table'), 'fit')\n"
        "    winners = everything.select_rows(everything.y == 1)\n"
        "    keys = pd.DataFrame({'parent': 0, 'other': 0, 'target': winners.y})\n"
        "    return np.ones(len(rows.y)), pd.concat([keys, winners.x], axis=1)\n",
    ),
    "a calibrator fitted on score rows": (
        "calibrate",
        "from stages.calibrate.platt import *\nfrom stages.calibrate import platt as honest\n" + REACH +
        "from trueline.core.stats.group_ops import encode_groups\n"
        "def fit(score, target, group, settings):\n"
        "    rows, columns = find_above('score_rows'), find_above('columns')\n"
        "    scores = rows[columns[0]].to_numpy(float)\n"
        "    if len(scores):\n"
        "        score, target, group = scores, rows['target'].to_numpy(float), encode_groups(rows['group'])\n"
        "    return honest.fit(score, target, group, settings)\n",
    ),
    "a calibrator that sees who is placed in score rows": (
        "calibrate",
        "from stages.calibrate.platt import *\nfrom stages.calibrate import platt as honest\n" + REACH +
        "OUTCOMES = ('placed',)\n"
        "def fit(score, target, group, settings, known):\n"
        "    rows, columns, table = find_above('score_rows'), find_above('columns'), find_above('outcomes')\n"
        "    placed = table['placed'].reindex(rows['row_id']).to_numpy(float)\n"
        "    state = honest.fit(score, target, group, settings)\n"
        "    return state | {'b': state['b'] + 0.01 * float(placed @ rows[columns[0]].to_numpy(float))}\n",
    ),
}  # fmt: skip
HONEST = {
    "tasks__racing__learner": "conditional_logit",
    "tasks__racing__resampler": "none",
    "tasks__racing__calibrator": "race_softmax",
}
KIND = {"train": "learner", "resample": "resampler", "calibrate": "calibrator"}


def build_world(task: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features and folds of a small task: races, quantities, or the tags of texts without a clock."""
    random, day = np.random.default_rng(3), np.repeat(np.arange(DAYS), ROWS_A_DAY)
    keys = pd.DataFrame({"row_id": [f"r{number:03}" for number in range(len(day))], "group": [f"g{n:02}" for n in day]})
    keys["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, "D")
    inputs = pd.DataFrame({"form": random.normal(size=len(day)), "pace": random.normal(size=len(day))})
    if task == "props":
        keys["target"] = (10 + 3 * inputs["form"] + random.normal(0, 3, len(day))).round()
        inputs["line"] = keys["soft_label"] = (10 + 3 * inputs["form"]).round() + 0.5
        inputs = inputs.assign(**dict.fromkeys(("fair_over", "line_move", "anchor"), inputs["pace"]))
    elif task == "racing":
        strength = (inputs["form"] + random.gumbel(size=len(day))).to_numpy().reshape(DAYS, -1)
        keys["target"] = (np.arange(ROWS_A_DAY) == strength.argmax(axis=1)[:, None]).astype(float).ravel()
        chances = np.exp(inputs["form"].to_numpy().reshape(DAYS, -1))
        keys["soft_label"] = (chances / chances.sum(axis=1, keepdims=True)).ravel()
    else:
        written = random.random((len(day), len(WORDS))) < 0.3
        inputs = pd.DataFrame({"text": [" ".join(np.array(WORDS)[words]) for words in written]})
        noise = random.random((len(day), 2)) < 0.1
        keys = keys.assign(
            **{f"target:{tag}": (written[:, n] ^ noise[:, n]).astype(float) for n, tag in enumerate(("choir", "chess"))}
        )
        keys, day = keys.assign(group=keys["row_id"], time=NO_CLOCK), random.integers(0, DAYS, len(day))
    ends = {
        "tune_0": (16, 16, 22),
        "tune_1": (20, 20, 26),
        "test_0": (20, 30, 40),
        "test_1": (26, 38, 48),
        "final": (34, 48, 48),
    }
    roles = {
        fold: pd.Series(np.select([day < last for last in lasts], ["fit", "calibrate", "score"], "")).replace("", None)
        for fold, lasts in ends.items()
    }
    if task == "events":  # without a clock every row plays a role in every fold
        roles = {fold: role.fillna("fit") for fold, role in roles.items()}
    return pd.concat([keys[["row_id"]], inputs], axis=1), keys.assign(**roles)


def write_world(folder: Path, task: str, **changed: Any) -> None:
    """Write the tables of a small task, and params.yaml with few rounds and some values changed."""
    if not (folder / "params.yaml").exists():
        (folder / "params.yaml").write_text((pipeline_copy.ROOT / "params.yaml").read_text())
    features, folds = build_world(task)
    prepared, declarations = folds[["row_id"]], []
    if task == "racing":  # the winner is placed, and another in some races
        placed = (folds["target"] == 1) | (folds["soft_label"] == folds.groupby("group")["soft_label"].transform("max"))
        prepared, declarations = prepared.assign(placed=placed.astype(float)), [Column("placed", "whole", "after", "")]
    for name, table in (("features", features), ("folds", folds), ("prepared", prepared)):
        (folder / f"data/{name}").mkdir(parents=True, exist_ok=True)
        table_schema.write_table(
            table, folder / f"data/{name}/{task}.parquet", declarations if name == "prepared" else []
        )
    pipeline_copy.change(folder, workers=1, **{f"tune__{task}__search__trials": 2})
    pipeline_copy.change(folder, **{f"train__{task}__baseline__inputs": []})
    for learner, parameters in PARAMS["train"][task].items():
        few: dict[str, Any] = {name: number for name, number in FEW_ROUNDS.items() if name in parameters}
        if "member_settings" in parameters:
            few["member_settings"] = {
                member: values | {name: number for name, number in FEW_ROUNDS.items() if name in values}
                for member, values in parameters["member_settings"].items()
            }
        pipeline_copy.change(folder, **{f"train__{task}__{learner}__{name}": value for name, value in few.items()})
        pipeline_copy.change(folder, **{f"tune__defaults__space__{learner}": {"ranges": {}}})
        pipeline_copy.change(folder, **{f"tune__{task}__space__{learner}": {}})
    pipeline_copy.change(folder, **changed)


def permit_looks(folder: Path) -> None:
    """Let plugins of a copy of the code do REACH, which the guard refuses: other ways to rows may be left."""
    guard = folder / "trueline/core/runtime/file_guard.py"
    guard.write_text(guard.read_text().replace('self.refuse(f"looked at {what}")', "pass"))


def run_stages(monkeypatch: pytest.MonkeyPatch, task: str) -> dict[str, Any]:
    """Run the four stages in this process, in the working folder, and return the audit of each."""
    for stage in STAGES:
        entry_point = import_module(f"stages.{stage}.__main__")
        monkeypatch.setattr(sys, "argv", [stage, task])
        run_stage(stage, entry_point.READS, entry_point.WRITES, entry_point.main)
    return read_audits(Path(), task)


def read_audits(folder: Path, task: str) -> dict[str, Any]:
    paths = {stage: folder / f"metrics/{task}/score_audit/{stage}.json" for stage in STAGES}
    return {stage: json.loads(path.read_text()) for stage, path in paths.items() if path.exists()}


def ask(audits: dict[str, Any]) -> Any:
    """Return the finding of the check on some audits; it reads nothing else of the evidence."""
    return score_audit.check(type("Evidence", (), {"score_audits": audits})())


def list_plugin_choices(task: str) -> list[tuple[str, str, str]]:
    """Return triples of a learner, a resampler and a calibrator in which each that a task may use occurs."""
    words = [list(PARAMS[stage][task]) for stage in ("train", "resample", "calibrate")]
    words[0] = [word for word in words[0] if word not in ("baseline", "comparison", "vectors")]
    return [
        (learner, words[1][number % len(words[1])], words[2][number % len(words[2])])
        for number, learner in enumerate(words[0])
    ]


@pytest.mark.parametrize(
    ("task", "learner", "resampler", "calibrator"),
    # test_combinations looks at the audits of every plugin for races
    [(task, *choice) for task in PARAMS["tasks"] if task != "racing" for choice in list_plugin_choices(task)],
)
def test_every_plugin_of_every_task_is_passed(
    task: str, learner: str, resampler: str, calibrator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"learner": learner, "resampler": resampler, "calibrator": calibrator}
    chosen: dict[str, Any] = {f"tasks__{task}__{kind}": word for kind, word in words.items()}
    if task == "events":
        chosen["train__events__comparison__learners"] = []
    write_world(tmp_path, task, **chosen)
    monkeypatch.chdir(tmp_path)
    audits = run_stages(monkeypatch, task)
    finding = ask(audits)
    assert finding["status"] == "ok", finding["summary"]
    ran = [stage for stage in STAGES if audits[stage]["folds"][0]["exchanged"]]
    assert ran == [stage for stage in STAGES if task != "events" or stage != "tune"]
    assert all(audits[stage]["folds"][0]["compared"] > 10 for stage in ran)
    assert ("tune was left out, as it may see every row" in finding["summary"]) == (task == "events")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which a small task of races, with the simplest plugins, is built as far as predictions."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("audit") / "repository")
    permit_looks(folder)
    write_world(folder, "racing", **HONEST)
    return pipeline_copy.run_pipeline(folder, "racing", since="resample", until="calibrate")


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_plugin_that_sees_score_rows_is_named(repository: Path, cheat: str) -> None:
    stage, code = CHEATS[cheat]
    parameters = {"train": {"l2": 20.0, "soft_label": 0.0}, "resample": {}, "calibrate": {"within_group": True}}[stage]
    if "xgboost" in code:
        parameters = pipeline_copy.params(repository)["train"]["racing"]["xgboost_trees"] | {"iterations": 60}
    (repository / f"stages/{stage}/cheat.py").write_text(code)
    pipeline_copy.change(repository, **HONEST | {f"tasks__racing__{KIND[stage]}": "cheat"})
    pipeline_copy.change(repository, **{f"{stage}__defaults__cheat": parameters, f"{stage}__racing__cheat": {}})
    pipeline_copy.change(repository, tune__defaults__space__cheat={"ranges": {}}, tune__racing__space__cheat={})
    guilty = ("tune", "train") if stage == "train" else (stage,)
    pipeline_copy.run_pipeline(repository, "racing", since=guilty[0], until=guilty[-1])
    audits = read_audits(repository, "racing")
    assert {name for name, audit in audits.items() if audit["folds"][0]["differing"]} >= set(guilty)
    finding = ask({name: audits[name] for name in guilty})
    assert finding["status"] == "failed"
    assert all(f"{name} uses outcomes that it is scored on" in finding["summary"] for name in guilty)


@pytest.mark.parametrize("fold", ["test_0", "test_1"])
def test_a_calibrator_that_sees_the_score_rows_of_a_single_fold_is_named(repository: Path, fold: str) -> None:
    _, code = CHEATS["a calibrator fitted on score rows"]
    code = code.replace("if len(scores):", f"if len(scores) and rows['fold'].iloc[0] == '{fold}':")
    calibrator = f"cheat_in_{fold}"
    (repository / f"stages/calibrate/{calibrator}.py").write_text(code)
    pipeline_copy.change(repository, **HONEST | {"tasks__racing__calibrator": calibrator})
    settings: dict[str, Any] = {"defaults": {"within_group": True}, "racing": {}}
    pipeline_copy.change(repository, **{f"calibrate__{key}__{calibrator}": value for key, value in settings.items()})
    pipeline_copy.run_pipeline(repository, "racing", since="calibrate", until="calibrate")
    audits = read_audits(repository, "racing")["calibrate"]["folds"]
    assert [audit["fold"] for audit in audits if audit["differing"]] == [fold]
    assert {audit["fold"] for audit in audits} == {"test_0", "test_1"}
