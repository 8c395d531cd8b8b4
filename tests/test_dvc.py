"""DVC does what the pages say: it builds all, rebuilds what changed and nothing else, and the bytes stay the same."""

import csv
import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import pipeline_copy, stand_in_stages
from tests.hostile import HOSTILE

UP_TO_DATE = "Data and pipelines are up to date."
# by task: the pairs of a stage and a code file that it declares and never loads. Their sum may only fall.
NEEDLESS = {"props": 21, "racing": 22, "events": 25}
# on Python's path as sitecustomize.py: every stage notes at its end which files of the repository it has loaded
LOADED_FILES_RECORDER = """
import atexit, sys
if sys.orig_argv[1:2] == ["-m"] and sys.orig_argv[2].startswith("stages."):
    def record():
        import json
        from pathlib import Path
        root, stage, task = Path.cwd().resolve(), sys.orig_argv[2].removeprefix("stages."), sys.orig_argv[3]
        files = {Path(m.__file__).resolve() for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
        inside = sorted(str(file.relative_to(root)) for file in files if file.is_relative_to(root))
        record = {"files": inside, "tensorflow": "tensorflow" in sys.modules}
        Path(__file__).with_name(f"{stage}@{task}.json").write_text(json.dumps(record))
    atexit.register(record)
"""
SHOWN = {
    "props": {"believable", "hit_rate", "mae"},
    "racing": {"believable", "log_loss", "r2"},
    "events": {"believable", "lrap", "macro_f1", "micro_f1"},
}


def call(folder: Path, *command: str, **variables: str) -> str:
    """Run a command as someone who never told git a name, with some variables set, and return what it said."""
    who = {f"GIT_{role}_{part}": "tester@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | who | {"PATH": path, "DVC_SITE_CACHE_DIR": str(folder.parent / "site")} | variables
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, env=environment)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def dvc(folder: Path, *words: str, **variables: str) -> str:
    return call(folder, sys.executable, "-m", "dvc", *words, **variables)


def dirt(folder: Path) -> str:
    """Return what git sees as not committed."""
    return call(folder, "git", "status", "--porcelain")


def commit(folder: Path) -> None:
    call(folder, "git", "add", "--all")
    call(folder, "git", "commit", "--quiet", "--message", "as it stands")


def ran(said: str) -> list[str]:
    """Return the stages that `dvc repro` ran, in order."""
    return re.findall(r"Running stage '(.*)'", said)


def append_a_comment(file: Path) -> None:
    file.write_text(file.read_text() + "# a comment\n")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A small repository of its own after its first `dvc repro`, committed, and the stages that ran.

    Beside the repository lies a record of the files that each stage loaded.
    """
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("dvc") / "repository")
    recorder = folder.parent / "loaded/sitecustomize.py"
    recorder.parent.mkdir()
    recorder.write_text(LOADED_FILES_RECORDER)
    for task in pipeline_copy.tasks():
        pipeline_copy.quicken(folder, task)
        pipeline_copy.shrink(folder, task)
    call(folder, "git", "init", "--quiet")
    commit(folder)
    stages = ran(dvc(folder, "repro", PYTHONPATH=str(recorder.parent)))
    commit(folder)
    return folder, stages


@pytest.fixture(params=pipeline_copy.tasks())
def loaded_files(
    request: pytest.FixtureRequest, built: tuple[Path, list[str]]
) -> tuple[str, dict[str, set[str]], set[str]]:
    """A task, the files of the repository that each of its stages loaded, and the stages that loaded TensorFlow."""
    loaded, heavy = {}, set()
    for stage in pipeline_copy.STAGES:
        record = json.loads((built[0].parent / f"loaded/{stage}@{request.param}.json").read_text())
        heavy |= {stage} if record["tensorflow"] else set()
        modules = {*record["files"], f"stages/{stage}/__main__.py"}
        loaded[stage] = {module for module in modules if not pipeline_copy.is_contract(module)}
    return request.param, loaded, heavy


@pytest.fixture
def repository(built: tuple[Path, list[str]]) -> Iterator[Path]:
    """The built repository; what a test changes is taken back."""
    folder, _ = built
    yield folder
    call(folder, "git", "checkout", "--quiet", ".")


def outputs(folder: Path) -> list[Path]:
    return [file for name in ("metrics", "models") for file in sorted((folder / name).rglob("*")) if file.is_file()]


def test_the_first_repro_runs_every_stage_of_every_task(built: tuple[Path, list[str]]) -> None:
    _, stages = built
    assert sorted(stages) == sorted(
        f"{stage}@{task}" for stage in pipeline_copy.STAGES for task in pipeline_copy.tasks()
    )


def test_a_stage_loads_only_files_that_it_declares_and_names_only_what_its_shelf_may_load(
    loaded_files: tuple[str, dict[str, set[str]], set[str]],
) -> None:
    task, loaded, _ = loaded_files
    instances = {stage.addressing: stage for stage in pipeline_copy.instances()}
    for stage in pipeline_copy.STAGES:
        instance = instances[f"{stage}@{task}"]
        undeclared = loaded[stage] - pipeline_copy.list_declared_code(instance)
        assert undeclared == set(), f"{stage} loads files that dvc.yaml does not name"
        named = {str(dep) for dep in instance.deps if str(dep).endswith(".py")}
        unused = named - loaded[stage] - pipeline_copy.reachable(stage)
        assert unused == set(), f"{stage} names files that none of its plugins could load"


def test_few_files_are_declared_that_an_instance_never_loads(
    loaded_files: tuple[str, dict[str, set[str]], set[str]],
) -> None:
    task, loaded, _ = loaded_files
    needless = [
        f"{stage.addressing} {file}"
        for stage in pipeline_copy.instances()
        if stage.addressing.endswith(f"@{task}")
        for file in sorted(pipeline_copy.list_declared_code(stage) - loaded[stage.addressing.split("@")[0]])
    ]
    print(f"{task}: {len(needless)} code files are declared and never loaded", *needless, sep="\n  ")
    assert len(needless) <= NEEDLESS[task]


def test_only_a_stage_that_fits_a_network_loads_tensorflow(
    loaded_files: tuple[str, dict[str, set[str]], set[str]],
) -> None:
    task, _, heavy = loaded_files
    assert heavy == ({"train"} if task == "events" else set())


def test_a_second_repro_runs_nothing(repository: Path) -> None:
    said = dvc(repository, "repro")
    assert ran(said) == []
    assert UP_TO_DATE in said
    assert dirt(repository) == ""


def test_running_all_again_by_force_in_a_hostile_environment_changes_no_byte_that_git_or_dvc_sees(
    repository: Path,
) -> None:
    assert len(ran(dvc(repository, "repro", "--force", **HOSTILE, TRUELINE_NO_MEMORY="1"))) == len(
        pipeline_copy.STAGES
    ) * len(pipeline_copy.tasks())
    assert dirt(repository) == ""
    assert UP_TO_DATE in dvc(repository, "status")


def test_a_comment_in_the_racing_scorer_runs_one_stage(repository: Path) -> None:
    append_a_comment(repository / "stages/evaluate/race/__init__.py")
    changed = json.loads(dvc(repository, "status", "--json"))
    assert changed == {"evaluate@racing": [{"changed deps": {"stages/evaluate/race": "modified"}}]}
    assert ran(dvc(repository, "repro")) == ["evaluate@racing"]
    assert dirt(repository).split() == ["M", "dvc.lock", "M", "stages/evaluate/race/__init__.py"]


def test_a_plugin_that_the_plan_does_not_name_runs_nothing(repository: Path) -> None:
    append_a_comment(repository / "stages/train/forest.py")
    assert UP_TO_DATE in dvc(repository, "status")


def test_the_pictures_open_offline_and_leave_git_clean(repository: Path) -> None:
    page = Path(dvc(repository, "plots", "show").strip().splitlines()[-1].removeprefix("file://")).read_text()
    assert dirt(repository) == ""
    for title in (
        "Tuning",
        "Training",
        "Reliability",
        "Log loss of each month",
        "Models and baselines",
        "What the model leans",
    ):
        assert f'"{title}' in page
    # a <script src>, a stylesheet, an image or a table from elsewhere; vega itself has a loader, which is not called
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page)
    assert [
        tag for tag in tags if re.search(r"\b(?:src|href)\s*=", tag) and "data:" not in tag and "${" not in tag
    ] == []
    assert not re.search(r'"url"\s*:\s*"\w', page)
    assert not re.search(r"(?:fetch|import)\(\s*[\"'`](?:https?:)?//", page)


def test_the_shown_metrics_are_the_few_that_the_page_explains(repository: Path) -> None:
    files = json.loads(dvc(repository, "metrics", "show", "--json"))[""]["data"].values()
    shown = {task: numbers for file in files for task, numbers in file["data"].items()}
    assert sorted(shown) == sorted(pipeline_copy.tasks())
    assert {task: set(numbers) for task, numbers in shown.items()} == SHOWN
    scores = {task: json.loads((repository / f"metrics/{task}/scores.json").read_text())[task] for task in shown}
    assert all(numbers.items() <= scores[task].items() for task, numbers in shown.items())
    assert all(len(scores[task]) > len(numbers) for task, numbers in shown.items())


def test_no_output_knows_where_or_when_it_was_made(repository: Path) -> None:
    now = datetime.now(UTC)
    told = [str(repository).encode(), f"{now:%Y-%m-%d}".encode(), f"{now:%Y%m%d}".encode(), f"{now:%d %b %Y}".encode()]
    told += [socket.gethostname().encode()] if len(socket.gethostname()) > 5 else []  # a short one may be any word
    assert outputs(repository)
    assert [(file, word) for file in outputs(repository) for word in told if word in file.read_bytes()] == []


def test_an_experiment_with_another_learner_is_a_row_of_its_own(repository: Path) -> None:
    dvc(repository, "exp", "run", "--name", "another-learner", "--set-param", "tasks.racing.learner=conditional_logit")
    rows = {row["Experiment"]: row for row in csv.DictReader(io.StringIO(dvc(repository, "exp", "show", "--csv")))}
    new, old = rows["another-learner"], next(row for row in rows.values() if row["rev"] in ("master", "main"))
    assert new["tasks.racing.learner"] == "conditional_logit"
    assert old["tasks.racing.learner"] != "conditional_logit"
    assert new["props.mae"] == old["props.mae"]
    assert new["racing.log_loss"] != old["racing.log_loss"]
    said = call(
        repository, sys.executable, "-m", "trueline.experiments", "compare", "racing", "another-learner", "HEAD"
    )
    assert "log loss" in said.lower()
    assert "is +0.0000 (+0.0000 to +0.0000)" not in said


def test_word_vectors_are_a_dependency_of_tuning_and_training_the_events_and_of_nothing_else(repository: Path) -> None:
    dvc(repository, "checkout", "--quiet", "--force")  # other tests may have left outputs of experiments
    vectors = repository.parent / "vectors.txt"
    vectors.write_text("the 0.1 0.2\nof 0.3 -0.2\nchoir -0.5 0.1\n")
    params = repository / "params.yaml"
    events = params.read_text().index("\n  events:\n    domain")
    changed = params.read_text()[events:].replace("vectors: stages/train/no_vectors.txt", f"vectors: {vectors}", 1)
    params.write_text(params.read_text()[:events] + changed)
    try:
        pipeline = [f"{stage}@events" for stage in ("tune", "train", "calibrate", "evaluate", "diagnose")]
        stand_in = stand_in_stages.write_interceptor(repository.parent / "stand_in")  # DVC is asked, and no model
        assert ran(dvc(repository, "repro", PYTHONPATH=str(stand_in))) == pipeline
        assert UP_TO_DATE in dvc(repository, "status")
        vectors.write_text(vectors.read_text() + "film 0.5 0.1\n")
        status = json.loads(dvc(repository, "status", "--json"))
        assert status == {stage: [{"changed deps": {str(vectors): "modified"}}] for stage in pipeline[:2]}
    finally:
        call(repository, "git", "checkout", "--quiet", ".")
        dvc(repository, "checkout", "--quiet", "--force")
