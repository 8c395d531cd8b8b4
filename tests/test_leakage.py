"""Nothing looks where it may not: features see the past, models see fit rows, and the stages refuse whoever cheats."""

import ast
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests import pipeline_copy
from trueline.core.runtime.plugins import list_plugins
from trueline.core.splits import walk_forward
from trueline.core.splits.fold_data import read_fold_tables
from trueline.core.tables import table_schema

CHEAT = """
import pandas as pd
from stages.features import _honest
from stages.features._honest import Settings

def build(current, past, settings):
    return _honest.build(current, past, settings).assign({cheats})
"""
SPY = """
import json
from pathlib import Path
from stages.features import _honest
from stages.features._honest import Settings

def build(current, past, settings):
    seen = {"current": list(current.columns), "past": [name for name in NAMES if past.has_column(name)]}
    Path("../seen.json").write_text(json.dumps(seen))  # a temporary file, which a plugin may make
    return _honest.build(current, past, settings)
"""
ROW_OPENING_PLUGIN = """
import pandas as pd
from pathlib import Path
from stages.STAGE import _honest
from stages.STAGE._honest import *

def FUNCTION(*args, **kwargs):
    try:
        pd.read_parquet(Path(__file__).parents[2] / "data/prepared/TASK.parquet")
    except Exception:
        pass
    return _honest.FUNCTION(*args, **kwargs)
"""
PLUGIN_FUNCTIONS = [  # a stage, the folder of its plugins, which of them the task uses, the function that opens a file
    *(("features", "features", None, "build"), ("resample", "resample", "resampler", "resample")),
    *(("tune", "train", "learner", "fit"), ("train", "train", "learner", "score")),
    ("calibrate", "calibrate", "calibrator", "fit"),
]
TABLE = "past._totals._table"  # what no honest plugin would touch: it needs a private name of a private name
LEAKS = {
    "ends_when": f"len({TABLE})",
    "mean_of_all": f'{TABLE}.groupby("WHOSE")["OUTCOME"].transform("mean")',
    "mean_up_to_now": f'{TABLE}.groupby("WHOSE")["OUTCOME"].expanding().mean().droplevel(0).sort_index()',
    "next_outcome": f'{TABLE}.groupby("WHOSE")["OUTCOME"].shift(-1)',
    "this_outcome": f'{TABLE}["OUTCOME"]',
}
WHOSE = {"props": "entity", "racing": "entity", "events": "location"}  # what comes again
OUTCOME = {"props": "target", "racing": "target", "events": "target:film"}
# what nobody knows before the end, and would explain most of the rest
TOLD = {"props": "minutes", "racing": "won", "events": "target:outdoor"}
EVALUATION_ONLY = {
    "props": [
        *("known_before", "known_at_start", "open_from", "open_until", "quoted_from", "quoted_until"),
        *(f"production{part}" for part in ("", "_model", "_line", "_line_type", "_at")),
    ],
    "racing": ["benchmark_price"],
    "events": [],
}
DATED = {
    "first_day": None, "first_test": 0.5, "last_test": None, "test_days": 20, "calibrate_days": 20,
    "calibrate_rows": None, "tune_folds": 1, "tune_days": 15, "window_days": None,
    "embargo_days": 0, "label_delay_days": 0,
}  # fmt: skip
READING = {"open", "read", "read_text", "read_bytes", "load", "exec", "eval", "__import__", "import_module"}


@pytest.fixture(scope="module", params=pipeline_copy.tasks())
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small task run as far as train, with synthetic rows among the fit rows where the task can have them."""
    task = request.param
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("leakage") / "repository")
    pipeline_copy.quicken(folder, task)
    pipeline_copy.shrink(folder, task)
    if task == "events":
        give_days(folder / "data/sample/events/events.json")
        # the network is slow, and is handed the same rows as the learner that it is compared with
        pipeline_copy.change(folder, folds__events=DATED, train__events__comparison__learners=[])
    if task == "racing":
        pipeline_copy.change(folder, tasks__racing__resampler="smote_nc", train__racing__catboost_trees__soft_label=0.0)
    return pipeline_copy.run_pipeline(folder, task, until="train"), task


@pytest.fixture
def project(trained: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """A copy of the trained task to do harm in."""
    folder, task = trained
    return shutil.copytree(folder, tmp_path / "repository"), task


def build_with(folder: Path, task: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run the stage features with another plugin in the place of the task's own, which it may still call."""
    plugin_file = folder / f"stages/features/{task}.py"
    if not plugin_file.with_name("_honest.py").exists():
        plugin_file.rename(plugin_file.with_name("_honest.py"))
    for path in (features(folder, task), folder / f"metrics/{task}/leaks.json"):
        path.unlink(missing_ok=True)
    plugin_file.write_text(code)
    return pipeline_copy.run(folder, "features", task)


def nothing_written(folder: Path, task: str) -> bool:
    return not (features(folder, task).exists() or (folder / f"metrics/{task}/leaks.json").exists())


def prepared(folder: Path, task: str) -> Path:
    return folder / f"data/prepared/{task}.parquet"


def features(folder: Path, task: str) -> Path:
    return folder / f"data/features/{task}.parquet"


def scores(folder: Path, task: str) -> pd.DataFrame:
    return table_schema.read_table(folder / f"data/scores/{task}.parquet")


def other_winners(sample: Path, last: pd.Timestamp) -> None:
    """Have every race after a day won by the next in it."""
    path = sample / "runners.parquet"
    raw = pd.read_parquet(path)
    told = raw.columns[raw.columns.get_loc("won") :].drop(["scratched", "dead_heat"])
    future = (raw["start_time"] > last) & (raw["scratched"] != 1)
    raw.loc[future, told] = rolled(raw[future].groupby("race_id")[list(told)])
    raw.to_parquet(path)


def other_games(sample: Path, last: pd.Timestamp) -> None:
    """Have everybody play the game of the next in his team after a day, and books ask for more."""
    games, lines = (pd.read_parquet(sample / f"{name}.parquet") for name in ("games", "lines"))
    told = list(games.columns[games.columns.get_loc("minutes") :])
    future = games["date"] > last
    games.loc[future, told] = rolled(games[future].groupby(["game_id", "team"])[told])
    games.to_parquet(sample / "games.parquet")
    lines.assign(line=lines["line"] + (lines["date"] > last)).to_parquet(sample / "lines.parquet")


def give_days(path: Path) -> None:
    """Date the events in order of their names, so that those of a series are near each other."""
    events = sorted(json.loads(path.read_text()), key=lambda event: (event["name"], event["id"]))
    day = [str(np.datetime64("2024-01-01") + number // 2) for number in range(len(events))]
    path.write_text(json.dumps([event | {"date": date} for event, date in zip(events, day, strict=True)]))


def other_tags(sample: Path, last: pd.Timestamp) -> None:
    """Have every event after a day bear the tags of the next."""
    path = sample / "events.json"
    events = json.loads(path.read_text())
    future = [event for event in events if pd.Timestamp(event["date"]) > last]
    tags = [event["tags"] for event in future]
    for event, other in zip(future, tags[1:] + tags[:1], strict=True):
        event["tags"] = other
    path.write_text(json.dumps(events))


def rolled(groups: Any) -> Any:
    return groups.transform(lambda values: np.roll(values, 1))


FUTURES = {"props": other_games, "racing": other_winners, "events": other_tags}


def of_fold(table: pd.DataFrame, fold: str) -> pd.DataFrame:
    return table[table["fold"] == fold].drop(columns=walk_forward.list_target_columns(table)).reset_index(drop=True)


def test_outcomes_of_the_present_are_not_there_to_be_used(project: tuple[Path, str]) -> None:
    folder, task = project
    done = build_with(folder, task, CHEAT.format(cheats=f'cheat=current["{OUTCOME[task]}"]'))
    assert done.returncode == 1
    assert f"KeyError: '{OUTCOME[task]}'" in done.stderr
    assert nothing_written(folder, task)


@pytest.mark.parametrize(("stage", "plugin_folder", "role", "function"), PLUGIN_FUNCTIONS)
def test_a_plugin_that_opens_the_rows_itself_is_named_with_the_file_and_its_stage_writes_nothing(
    project: tuple[Path, str], stage: str, plugin_folder: str, role: str | None, function: str
) -> None:
    folder, task = project
    if task != "racing":
        pytest.skip("the guard does not depend on the task")
    word = pipeline_copy.params(folder)["tasks"][task][role] if role else task
    plugin_file = folder / f"stages/{plugin_folder}/{word}.py"
    plugin_file.rename(plugin_file.with_name("_honest.py"))
    plugin_file.write_text(
        ROW_OPENING_PLUGIN.replace("STAGE", plugin_folder).replace("FUNCTION", function).replace("TASK", task)
    )
    pipeline_copy.change(folder, workers=2)
    before = {path: path.read_bytes() for place in ("data", "models") for path in (folder / place).rglob("*.*")}
    done = pipeline_copy.run(folder, stage, task)
    assert done.returncode == 1
    named = f"{stage} {task}: the {plugin_folder} plugin {word!r}"
    opened = f"{named} opened data/prepared/{task}.parquet; a plugin gets its rows"
    # joblib's resource tracker may add a warning of its own when the workers have ended
    assert any(line.startswith(opened) for line in done.stderr.splitlines()), done.stderr
    assert before == {path: path.read_bytes() for place in ("data", "models") for path in (folder / place).rglob("*.*")}


@pytest.mark.parametrize("decision", ["before", "at_start"])
def test_a_tool_is_handed_what_is_known_at_the_decision_and_never_the_benchmark(
    project: tuple[Path, str], decision: str
) -> None:
    folder, task = project
    columns = table_schema.read_declarations(prepared(folder, task))
    honest = set(table_schema.read_table(features(folder, task)).columns)
    pipeline_copy.change(folder, **{f"features__{task}__decision": decision})
    done = build_with(folder, task, SPY.replace("NAMES", repr([column.name for column in columns])))
    assert done.returncode == 0, done.stderr
    seen = json.loads((folder / "../seen.json").read_text())
    usable = [column for column in columns if not column.evaluation_only]
    assert seen["current"] == [column.name for column in usable if column.known in ("before", decision)]
    assert seen["past"] == [column.name for column in usable]
    made = set(table_schema.read_table(features(folder, task)).columns)
    more = decision == "at_start" and any(column.known == "at_start" for column in usable)
    assert made > honest if more else made == honest
    audit = json.loads((folder / f"metrics/{task}/leaks.json").read_text())
    assert audit["leaking"] == []
    assert audit["decision"] == decision
    assert audit["audited"] == len(made) - 1


def test_the_benchmark_cannot_be_used_present_or_past(project: tuple[Path, str]) -> None:
    folder, task = project
    names = [column.name for column in table_schema.read_declarations(prepared(folder, task)) if column.evaluation_only]
    for name in names[::3]:  # a build takes seconds, and the test above compares what a plugin sees of all of them
        present = build_with(folder, task, CHEAT.format(cheats=f'cheat=current["{name}"]'))
        assert present.returncode == 1
        assert f"KeyError: '{name}'" in present.stderr
        past = build_with(folder, task, CHEAT.format(cheats=f'cheat=past.mean("{name}", "entity")'))
        assert past.returncode == 1
        assert past.stderr.startswith(f"features {task}: column '{name}' is not in the table")
        assert nothing_written(folder, task)
    assert names == EVALUATION_ONLY[task]


def test_features_that_know_too_much_are_named_and_nothing_is_written(project: tuple[Path, str]) -> None:
    folder, task = project
    cheats = ", ".join(f"{name}={formula}" for name, formula in LEAKS.items())
    cheats = cheats.replace("WHOSE", WHOSE[task]).replace("OUTCOME", OUTCOME[task])
    done = build_with(folder, task, CHEAT.format(cheats=cheats))
    assert done.returncode == 1
    assert done.stderr.startswith(f"features {task}: {', '.join(sorted(LEAKS))} change")  # and no honest one
    assert len(done.stderr.splitlines()) == 1
    assert nothing_written(folder, task)


def test_an_outcome_like_the_minutes_of_the_same_game_is_not_there_and_is_named_if_taken_by_force(
    project: tuple[Path, str],
) -> None:
    folder, task = project
    after = [column for column in table_schema.read_declarations(prepared(folder, task)) if column.known == "after"]
    known = table_schema.read_table(prepared(folder, task)).notna().any()
    names = [c.name for c in after if c.kind != "text" and not c.evaluation_only and known[c.name]]
    assert TOLD[task] in names
    asked = build_with(folder, task, CHEAT.format(cheats=f'cheat=current["{TOLD[task]}"]'))
    assert asked.returncode == 1
    assert f"KeyError: '{TOLD[task]}'" in asked.stderr
    assert nothing_written(folder, task)
    for forced in ([TOLD[task]], names):
        cheats = ", ".join(f'"now_{name}": {TABLE}["{name}"]' for name in forced)
        done = build_with(folder, task, CHEAT.format(cheats=f"**{{{cheats}}}"))
        assert done.returncode == 1
        told = ", ".join(sorted(f"now_{name}" for name in forced))
        assert done.stderr.startswith(
            f"features {task}: {told} change when values that are not yet known change, which is a leak"
        )
        assert nothing_written(folder, task)


@pytest.mark.parametrize(
    "file", sorted((pipeline_copy.ROOT / "stages/features").glob("[a-z]*.py")), ids=lambda file: file.stem
)
def test_no_features_plugin_reads_a_file_or_reaches_into_the_past(file: Path) -> None:
    tree = ast.parse(file.read_text())
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    allowed = {"collections", "dataclasses", "typing", "math", "re", "numpy", "pandas", "pydantic", "trueline"}
    assert {module.split(".")[0] for module in modules} <= allowed
    assert all(module.startswith("trueline.core.") for module in modules if module.startswith("trueline"))
    assert not {
        "trueline.core.tables.table_schema",
        "trueline.core.tables.raw_sources",
        "trueline.core.splits.fold_data",
        "trueline.core.runtime.atomic_outputs",
    } & set(modules)
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not {name for name in used if name in READING or name.startswith(("read_", "_totals", "__"))}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global | ast.Nonlocal)]


@pytest.mark.parametrize("word", list_plugins("resample"))
def test_resampling_touches_fit_rows_and_nothing_else(project: tuple[Path, str], word: str) -> None:
    folder, task = project
    if word not in pipeline_copy.params(folder)["resample"][task]:
        pytest.skip(f"{task} has no settings for {word}")
    pipeline_copy.change(folder, **{f"tasks__{task}__resampler": word})
    assert pipeline_copy.run(folder, "resample", task).returncode == 0
    resampled = folder / f"data/resampled/{task}"
    weights, synthetic = (table_schema.read_table(resampled / f"{name}.parquet") for name in ("weights", "synthetic"))
    table = read_fold_tables(features(folder, task), folder / f"data/folds/{task}.parquet", resampled)
    assert weights["row_id"].equals(table.folds["row_id"])
    assert set(synthetic["fold"]) <= set(walk_forward.list_folds(table.folds))
    for fold in walk_forward.list_folds(table.folds):
        fitted = table.folds[fold] == "fit"
        assert weights[fold].notna().equals(fitted)
        assert (weights.loc[fitted, fold] >= 0).all()
        made = synthetic[synthetic["fold"] == fold]
        assert set(made["parent"]) | set(made["other"]) <= set(table.folds.loc[fitted, "row_id"])
        assert (table.get_rows(fold, "calibrate").table_position >= 0).all()
        assert (table.get_rows(fold, "score").table_position >= 0).all()
        assert (table.get_resampled_rows(fold).table_position < 0).sum() == len(made)
    assert bool(len(synthetic)) == (word == "smote_nc")


def test_scores_are_of_natural_rows_in_the_role_that_their_fold_gives_them(trained: tuple[Path, str]) -> None:
    folder, task = trained
    table, plan = scores(folder, task), table_schema.read_table(folder / f"data/folds/{task}.parquet")
    assert set(table["role"]) == {"calibrate", "score"}
    assert not table.duplicated(["fold", "row_id"]).any()
    for fold in [*walk_forward.list_folds(plan, "test"), "final"]:
        role = plan.set_index("row_id")[fold]
        scored = table[table["fold"] == fold].set_index("row_id")["role"]
        assert scored.equals(role.loc[scored.index].astype(scored.dtype).rename("role"))
        assert len(scored) == role.isin(["calibrate", "score"]).sum()
    assert not set(table["fold"]) - set(walk_forward.list_folds(plan, "test")) - {"final"}


def test_what_happened_after_the_last_fit_day_cannot_move_a_score(project: tuple[Path, str]) -> None:
    folder, task = project
    before, path = scores(folder, task), folder / f"data/folds/{task}.parquet"
    plan = table_schema.read_table(path)
    later = plan.index[plan["time"] > plan.loc[plan["test_0"] == "fit", "time"].max()]
    shuffled = np.random.default_rng(0).permutation(later)
    told = [name for name in walk_forward.list_key_columns(plan) if name not in walk_forward.KEY_COLUMNS]
    plan.loc[later, told] = plan.loc[shuffled, told].to_numpy()
    table_schema.write_table(plan, path)
    assert pipeline_copy.run(folder, "train", task).returncode == 0
    after = scores(folder, task)
    pd.testing.assert_frame_equal(of_fold(before, "test_0"), of_fold(after, "test_0"), check_exact=True)
    assert not of_fold(before, "test_1").equals(of_fold(after, "test_1"))  # a later fold learned the nonsense


def test_another_future_leaves_the_scores_before_it_bit_for_bit(project: tuple[Path, str]) -> None:
    folder, task = project
    before, plan = scores(folder, task), table_schema.read_table(folder / f"data/folds/{task}.parquet")
    FUTURES[task](folder / f"data/sample/{task}", plan.loc[plan["test_0"] == "score", "time"].max())
    pipeline_copy.run_pipeline(folder, task, until="train")
    after = scores(folder, task)
    pd.testing.assert_frame_equal(of_fold(before, "test_0"), of_fold(after, "test_0"), check_exact=True)
    last = walk_forward.list_folds(plan, "test")[-1]
    assert not of_fold(before, last).equals(of_fold(after, last))


def test_the_order_of_the_raw_rows_does_not_matter(project: tuple[Path, str]) -> None:
    folder, task = project
    written = [prepared(folder, task), folder / f"data/folds/{task}.parquet", folder / f"metrics/{task}/quality.json"]
    before = [read_without_examples(path) for path in written]
    for path in (folder / f"data/sample/{task}").glob("*.parquet"):
        pd.read_parquet(path).sample(frac=1.0, random_state=1).to_parquet(path)
    for path in (folder / f"data/sample/{task}").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
    assert pipeline_copy.run(folder, "prepare", task).returncode == 0
    assert [read_without_examples(path) for path in written] == before


def read_without_examples(path: Path) -> bytes:
    """Return the bytes of a file; of a report without the examples of what is set aside, which name a row's number."""
    if path.suffix != ".json":
        return path.read_bytes()
    return json.dumps(json.loads(path.read_text(), object_hook=lambda entry: {**entry, "example": None})).encode()
