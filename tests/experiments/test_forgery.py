"""Forgery: bytes, metrics, parameters and code that do not match dvc.lock are detected."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import promoted_repo
from tests.experiments import git_fixtures
from tests.promoted_repo import TASK, git
from trueline.core.errors import UserError
from trueline.experiments.decisions.promotion import promote_experiment
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.ledger import ledger
from trueline.experiments.store import experiments_index, file_cache, output_files
from trueline.experiments.store.experiments_index import find_experiment
from trueline.experiments.store.run_tables import build_run, read_predictions


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a cache and one experiment that passes every gate."""
    folder = promoted_repo.make_repository(tmp_path / "repository")
    promoted_repo.experiment(folder, "sharp", skill=1.0)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that has results of props."""
    git_fixtures.start(tmp_path, {**git_fixtures.made(0.5), "core/a.py": "c"})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cached(folder: Path, path: str) -> Path:
    """Return the cache file of an output that the experiment's dvc.lock names."""
    return promoted_repo.place(folder, output_files.get_output_hashes(find_experiment("sharp").rev, TASK)[path])


@pytest.mark.parametrize("path", [promoted_repo.CALIBRATOR, promoted_repo.PREDICTIONS, promoted_repo.FINAL])
def test_a_forged_cache_file_stops_the_promotion(repository: Path, path: str) -> None:
    file = cached(repository, path)
    file.write_bytes(file.read_bytes() + b" ")
    outcome = promote_experiment(find_experiment("sharp"), dry_run=True)
    assert "outputs" in outcome.stopped
    assert path in str(outcome.gates[1])


def test_a_forged_member_of_a_folder_stops_the_promotion(repository: Path) -> None:
    member = json.loads(cached(repository, promoted_repo.FINAL).read_text())[-1]
    promoted_repo.place(repository, member["md5"]).write_bytes(b"other trees")
    assert promote_experiment(find_experiment("sharp"), dry_run=True).stopped == ["outputs"]


def test_forged_predictions_are_not_read_and_sound_ones_of_the_remote_are(repository: Path, tmp_path: Path) -> None:
    file = cached(repository, promoted_repo.PREDICTIONS)
    remote_file = promoted_repo.place(tmp_path / "remote", file.parent.name + file.name)
    remote_file.parent.mkdir(parents=True)
    remote_file.write_bytes(file.read_bytes())
    promoted_repo.predictions(3.0, seed=5).to_parquet(file)
    rev = find_experiment("sharp").rev
    with pytest.raises(UserError, match="is not available"):
        output_files.read_output_table(rev, promoted_repo.PREDICTIONS, TASK)
    remote = tmp_path / "remote/.dvc/cache"
    (repository / ".dvc/config.local").write_text(
        f"[core]\n    remote = near\n['remote \"near\"']\n    url = {remote}\n"
    )
    assert output_files.read_output_table(rev, promoted_repo.PREDICTIONS, TASK).equals(
        promoted_repo.predictions(1.0, seed=1)
    )
    assert promote_experiment(find_experiment("sharp"), dry_run=True).stopped == []


def test_forged_predictions_are_not_compared_and_the_file_to_delete_is_named(repository: Path) -> None:
    run = build_run(find_experiment("sharp"))
    assert read_predictions(TASK, run).equals(promoted_repo.predictions(1.0, seed=1))
    file = cached(repository, promoted_repo.PREDICTIONS)
    promoted_repo.predictions(3.0, seed=5).to_parquet(file)
    with pytest.raises(
        UserError, match=f"not have the hash in dvc.lock; delete {file.relative_to(repository)} and run `dvc fetch`"
    ):
        read_predictions(TASK, run)
    with pytest.raises(UserError, match="is not in DVC's cache"):
        read_predictions(TASK, run, fetch=False)


@pytest.mark.parametrize("forged", [False, True])
def test_a_folder_in_git_is_at_hand_only_with_the_bytes_that_dvc_lock_names(repository: Path, forged: bool) -> None:
    listed = cached(repository, promoted_repo.FINAL)
    members = {
        entry["relpath"]: promoted_repo.place(repository, entry["md5"]) for entry in json.loads(listed.read_text())
    }
    promoted_repo.write(repository, skill=1.0, seed=1)
    folder = repository / promoted_repo.FINAL
    folder.mkdir(parents=True)
    for name, file in members.items():
        (folder / name).write_bytes(file.read_bytes() + b" " * forged)
    git(repository, "add", "--force", promoted_repo.FINAL)
    rev = promoted_repo.commit(repository, "the model in git")
    listed.unlink()
    assert output_files.find_missing_outputs(rev, TASK)[0] == ([promoted_repo.FINAL] if forged else [])


def test_a_commit_of_other_parameters_than_its_lock_is_rejected(world: Path) -> None:
    git_fixtures.commit(world, "other parameters", {"params.yaml": git_fixtures.params(folds__props__test_days=7)})
    with pytest.raises(
        UserError, match=r"dvc\.lock of HEAD does not match .*not run up to evaluate .* run `dvc repro` and"
    ):
        find_experiment("HEAD")
    assert find_experiment("HEAD~1").scores["props"]["hit_rate"] == 0.5


def test_a_commit_of_other_code_than_its_lock_is_rejected_and_names_the_file(world: Path) -> None:
    git_fixtures.commit(world, "other code", {"core/a.py": "edited"})
    with pytest.raises(UserError, match=r"dvc\.lock of HEAD does not match .*\(props: not run with its core/a\.py\)"):
        Registry().show_experiment("HEAD")
    assert Registry().load_baseline("props") is None
    git_fixtures.experiments(
        world, git(world, "rev-parse", "HEAD"), {"rerun": git_fixtures.made(0.6, train__props__depth=9)}
    )
    assert find_experiment("rerun").error == "props: not run with its core/a.py"
    assert find_experiment("rerun").scores == {}


def test_a_commit_that_is_stale_in_one_task_keeps_the_results_of_the_others(world: Path) -> None:
    both = {**git_fixtures.results(0.5), **git_fixtures.results(0.7, task="racing")}
    lock = (
        git_fixtures.lock(metrics=git_fixtures.results(0.5))
        + git_fixtures.lock("racing", test_days=7).partition("stages:\n")[2]
    )
    params = git_fixtures.params(folds__props__test_days=7)
    git_fixtures.commit(world, "one of two", {**both, "dvc.lock": lock, "params.yaml": params})
    experiment = find_experiment("HEAD")
    assert list(experiment.scores) == ["racing"]
    assert experiment.error == "props: not run up to evaluate with its parameters"


def test_an_evaluation_at_a_commit_of_other_code_counts_all_the_same(world: Path) -> None:
    git_fixtures.commit(world, "run, and then edited", {**git_fixtures.made(0.6), "core/a.py": "edited"})
    assert [line["metrics"]["hit_rate"] for line in ledger.update_ledger()] == [0.5, 0.6]


@pytest.mark.parametrize("path", ["metrics/props/scores.json", "metrics/props/report.json"])
def test_metrics_that_were_edited_by_hand_are_neither_in_the_ledger_nor_the_best(world: Path, path: str) -> None:
    base = git(world, "rev-parse", "HEAD")
    raised = {**git_fixtures.made(0.6, train__props__depth=9), path: git_fixtures.results(0.99)[path] or ""}
    if path.endswith("report.json"):
        raised[path] = json.dumps({"scored": {"hash": "b" * 32}})
    git_fixtures.experiments(world, base, {"honest": git_fixtures.made(0.55), "raised": raised})
    git_fixtures.commit(world, "raised by hand", {path: raised[path]})
    registry = Registry()
    assert registry.best("hit_rate").experiment.name == "honest"
    assert sorted(line["metrics"]["hit_rate"] for line in registry.ledger_lines) == [0.5, 0.55]
    assert find_experiment("raised").error == f"props: edited by hand, {path} is not the one that dvc.lock names"
    with pytest.raises(UserError, match="edited by hand"):
        find_experiment("HEAD")


def test_metrics_that_dvc_lock_knows_nothing_of_are_no_look(world: Path) -> None:
    git_fixtures.commit(world, "made by hand", {**git_fixtures.results(0.99, task="racing")})
    assert [line["task"] for line in ledger.update_ledger()] == ["props"]
    assert find_experiment("HEAD").error == "racing: made by hand, dvc.lock names nothing of it"


def test_what_is_remembered_of_a_commit_is_asked_of_git_once(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_fixtures.experiments(
        world, git(world, "rev-parse", "HEAD"), {"one": git_fixtures.made(0.6, train__props__depth=9)}
    )
    first = experiments_index.list_experiments()
    monkeypatch.setattr(file_cache, "hash_files", None)
    assert experiments_index.list_experiments() == first


def test_the_hash_of_a_folder_is_dvcs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    files = {"f/b.txt": "two", "f/ä/c.txt": "three", "f/a.txt": "one"}
    rev = git_fixtures.start(tmp_path, files | {".dvcignore": "*.tmp\n", "f/d.tmp": "four", "f/ä/e.tmp": "five"})
    monkeypatch.chdir(tmp_path)
    tree = Tree()  # type: ignore[no-untyped-call]  # DVC's own has no types
    for path, text in files.items():
        tree.add(tuple(path.split("/")[1:]), None, HashInfo("md5", hashlib.md5(text.encode()).hexdigest()))
    tree.digest()
    assert file_cache.hash_files([(rev, "f"), (rev, "g")]) == {(rev, "f"): tree.hash_info.value}
    git_fixtures.commit(tmp_path, "ignore nothing", {".dvcignore": ""})
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    hashes = file_cache.hash_files([(head, "f"), (rev, "f")])
    assert hashes[rev, "f"] == tree.hash_info.value != hashes[head, "f"]


SCORER = "stages/evaluate/market"
PIPELINE = f"""
stages:
  evaluate:
    foreach: {{props: null}}
    do:
      cmd: python {SCORER}/__init__.py ${{key}}
      deps: [{SCORER}, data/mine]
      outs:
        - metrics/${{key}}/scores.json: {{cache: false}}
        - metrics/${{key}}/report.json: {{cache: false}}
"""
SCRIPT = """
import json, pathlib, sys
folder = pathlib.Path("metrics", sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "scores.json").write_text(json.dumps({sys.argv[1]: {"hit_rate": 0.5}}))
(folder / "report.json").write_text("{}")
"""


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of git and DVC after `dvc repro`, committed; some files in its folders are ignored."""
    folder = tmp_path_factory.mktemp("reproduced")
    files = {
        ".dvcignore": "__pycache__/\n*.pyc\n",
        ".gitignore": "__pycache__/\n*.parquet\n",
        "dvc.yaml": PIPELINE,
        f"{SCORER}/__init__.py": SCRIPT,
        f"{SCORER}/lines.py": "LINES = 1\n",
        f"{SCORER}/plots/colours.py": "RED = 1\n",
        f"{SCORER}/__pycache__/lines.pyc": "bytes",  # in git by mistake
        "data/mine/README.md": "the tables are not in git",
    }
    git_fixtures.start(folder, files)
    (folder / "data/mine/games.parquet").write_bytes(b"rows")
    (folder / f"{SCORER}/plots/__pycache__").mkdir()
    (folder / f"{SCORER}/plots/__pycache__/colours.pyc").write_bytes(b"bytes of this Python")
    for command in (["init", "--quiet"], ["repro", "--quiet"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=folder, check=True, capture_output=True)
    git(folder, "add", ".")
    git_fixtures.commit(folder, "reproduced", {"dvc.lock": (folder / "dvc.lock").read_bytes()})
    return folder


@pytest.fixture
def code_in_folders(reproduced: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That repository; what a test commits is taken back."""
    base = git(reproduced, "rev-parse", "HEAD")
    monkeypatch.chdir(reproduced)
    yield reproduced
    git(reproduced, "reset", "--quiet", "--hard", base)


def test_scores_made_with_a_folder_of_code_as_committed_are_kept(code_in_folders: Path) -> None:
    assert find_experiment("HEAD").scores == {"props": {"hit_rate": 0.5}}
    assert find_experiment("HEAD").error is None


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (f"{SCORER}/lines.py", "LINES = 2\n"),
        (f"{SCORER}/plots/colours.py", None),
        (f"{SCORER}/plots/shapes.py", "ROUND = 1\n"),
        (SCORER, None),
    ],
    ids=["edited", "deleted", "added", "all deleted"],
)
def test_a_change_in_a_folder_of_code_that_was_committed_without_a_run_is_noticed(
    code_in_folders: Path, path: str, content: str | None
) -> None:
    if content is None:
        git(code_in_folders, "rm", "-r", "--quiet", path)
        git(code_in_folders, "commit", "--quiet", "--message", "deleted")
    else:
        git_fixtures.commit(code_in_folders, "changed", {path: content})
    with pytest.raises(UserError, match=rf"dvc\.lock of HEAD does not match .*\(props: not run with its {SCORER}\)"):
        find_experiment("HEAD")


@pytest.mark.parametrize("path", [f"{SCORER}/__pycache__/lines.pyc", "data/mine/README.md", "stages/evaluate/other.py"])
def test_a_commit_of_what_no_hash_of_code_covers_keeps_the_scores(code_in_folders: Path, path: str) -> None:
    git_fixtures.commit(code_in_folders, "elsewhere", {path: "changed"})
    assert find_experiment("HEAD").scores == {"props": {"hit_rate": 0.5}}
