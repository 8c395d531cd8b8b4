"""Forgery: bytes, metrics, knobs and code that are not those of dvc.lock are told from those that are."""

import hashlib
import json
from pathlib import Path

import pytest

from core.refusals import UserError
from experiments import ledger, outputs, parsed, records
from experiments.promotion import promote_experiment
from experiments.records import find_experiment
from experiments.registry import Registry
from experiments.runs import build_run, read_predictions
from tests import promoted
from tests.experiments import worlds
from tests.promoted import TASK, git


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a cache and one experiment that every gate lets pass."""
    folder = promoted.house(tmp_path / "house")
    promoted.experiment(folder, "sharp", skill=1.0)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit that has results of props."""
    worlds.start(tmp_path, {**worlds.made(0.5), "core/a.py": "c"})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cached(folder: Path, path: str) -> Path:
    """Return where the cache keeps what the experiment's dvc.lock names."""
    return promoted.place(folder, outputs.get_output_hashes(find_experiment("sharp").rev, TASK)[path])


@pytest.mark.parametrize("path", [promoted.CALIBRATOR, promoted.PREDICTIONS, promoted.FINAL])
def test_a_forged_cache_file_stops_the_promotion(house: Path, path: str) -> None:
    file = cached(house, path)
    file.write_bytes(file.read_bytes() + b" ")
    outcome = promote_experiment(find_experiment("sharp"), dry_run=True)
    assert "outputs" in outcome.stopped
    assert path in str(outcome.gates[1])


def test_a_forged_member_of_a_folder_stops_the_promotion(house: Path) -> None:
    member = json.loads(cached(house, promoted.FINAL).read_text())[-1]
    promoted.place(house, member["md5"]).write_bytes(b"other trees")
    assert promote_experiment(find_experiment("sharp"), dry_run=True).stopped == ["outputs"]


def test_forged_predictions_are_not_read_and_sound_ones_of_the_remote_are(house: Path, tmp_path: Path) -> None:
    file = cached(house, promoted.PREDICTIONS)
    there = promoted.place(tmp_path / "remote", file.parent.name + file.name)
    there.parent.mkdir(parents=True)
    there.write_bytes(file.read_bytes())
    promoted.predictions(3.0, seed=5).to_parquet(file)
    rev = find_experiment("sharp").rev
    with pytest.raises(UserError, match="is not at hand"):
        outputs.read_output_table(rev, promoted.PREDICTIONS, TASK)
    remote = tmp_path / "remote/.dvc/cache"
    (house / ".dvc/config.local").write_text(f"[core]\n    remote = near\n['remote \"near\"']\n    url = {remote}\n")
    assert outputs.read_output_table(rev, promoted.PREDICTIONS, TASK).equals(promoted.predictions(1.0, seed=1))
    assert promote_experiment(find_experiment("sharp"), dry_run=True).stopped == []


def test_forged_predictions_are_not_compared_and_the_file_to_delete_is_named(house: Path) -> None:
    run = build_run(find_experiment("sharp"))
    assert read_predictions(TASK, run).equals(promoted.predictions(1.0, seed=1))
    file = cached(house, promoted.PREDICTIONS)
    promoted.predictions(3.0, seed=5).to_parquet(file)
    with pytest.raises(
        UserError, match=f"not what dvc.lock names; delete {file.relative_to(house)} and `dvc fetch` it"
    ):
        read_predictions(TASK, run)
    with pytest.raises(UserError, match="is not in DVC's cache"):
        read_predictions(TASK, run, fetch=False)


@pytest.mark.parametrize("forged", [False, True])
def test_a_folder_in_git_is_at_hand_only_with_the_bytes_that_dvc_lock_names(house: Path, forged: bool) -> None:
    listed = cached(house, promoted.FINAL)
    members = {each["relpath"]: promoted.place(house, each["md5"]) for each in json.loads(listed.read_text())}
    promoted.write(house, skill=1.0, seed=1)
    folder = house / promoted.FINAL
    folder.mkdir(parents=True)
    for name, file in members.items():
        (folder / name).write_bytes(file.read_bytes() + b" " * forged)
    git(house, "add", "--force", promoted.FINAL)
    rev = promoted.commit(house, "the model in git")
    listed.unlink()
    assert outputs.find_missing_outputs(rev, TASK)[0] == ([promoted.FINAL] if forged else [])


def test_a_commit_of_other_knobs_than_its_lock_is_refused(world: Path) -> None:
    worlds.commit(world, "other knobs", {"params.yaml": worlds.params(folds__props__test_days=7)})
    with pytest.raises(UserError, match=r"dvc\.lock of HEAD is not of .*not run up to evaluate .* run `dvc repro` and"):
        find_experiment("HEAD")
    assert find_experiment("HEAD~1").scores["props"]["hit_rate"] == 0.5


def test_a_commit_of_other_code_than_its_lock_is_refused_and_names_the_file(world: Path) -> None:
    worlds.commit(world, "other code", {"core/a.py": "edited"})
    with pytest.raises(UserError, match=r"dvc\.lock of HEAD is not of .*\(props: not run with its core/a\.py\)"):
        Registry().show_experiment("HEAD")
    assert Registry().load_baseline("props") is None
    worlds.experiments(world, git(world, "rev-parse", "HEAD"), {"rerun": worlds.made(0.6, train__props__depth=9)})
    assert find_experiment("rerun").error == "props: not run with its core/a.py"
    assert find_experiment("rerun").scores == {}


def test_a_commit_that_is_stale_in_one_task_keeps_the_results_of_the_others(world: Path) -> None:
    both = {**worlds.results(0.5), **worlds.results(0.7, task="racing")}
    lock = worlds.lock(metrics=worlds.results(0.5)) + worlds.lock("racing", test_days=7).partition("stages:\n")[2]
    knobs = worlds.params(folds__props__test_days=7)
    worlds.commit(world, "one of two", {**both, "dvc.lock": lock, "params.yaml": knobs})
    found = find_experiment("HEAD")
    assert list(found.scores) == ["racing"]
    assert found.error == "props: not run up to evaluate with its parameters"


def test_a_look_at_a_commit_of_other_code_counts_all_the_same(world: Path) -> None:
    worlds.commit(world, "run, and then edited", {**worlds.made(0.6), "core/a.py": "edited"})
    assert [line["metrics"]["hit_rate"] for line in ledger.update_ledger()] == [0.5, 0.6]


@pytest.mark.parametrize("path", ["metrics/props/scores.json", "metrics/props/report.json"])
def test_metrics_that_were_edited_by_hand_are_neither_in_the_ledger_nor_the_best(world: Path, path: str) -> None:
    base = git(world, "rev-parse", "HEAD")
    raised = {**worlds.made(0.6, train__props__depth=9), path: worlds.results(0.99)[path] or ""}
    if path.endswith("report.json"):
        raised[path] = json.dumps({"scored": {"hash": "b" * 32}})
    worlds.experiments(world, base, {"honest": worlds.made(0.55), "raised": raised})
    worlds.commit(world, "raised by hand", {path: raised[path]})
    registry = Registry()
    assert registry.best("hit_rate").experiment.name == "honest"
    assert sorted(line["metrics"]["hit_rate"] for line in registry.ledger_lines) == [0.5, 0.55]
    assert find_experiment("raised").error == f"props: edited by hand, {path} is not the one that dvc.lock names"
    with pytest.raises(UserError, match="edited by hand"):
        find_experiment("HEAD")


def test_metrics_that_dvc_lock_knows_nothing_of_are_no_look(world: Path) -> None:
    worlds.commit(world, "made by hand", {**worlds.results(0.99, task="racing")})
    assert [line["task"] for line in ledger.update_ledger()] == ["props"]
    assert find_experiment("HEAD").error == "racing: made by hand, dvc.lock names nothing of it"


def test_what_is_remembered_of_a_commit_is_asked_of_git_once(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds.experiments(world, git(world, "rev-parse", "HEAD"), {"one": worlds.made(0.6, train__props__depth=9)})
    first = records.list_experiments()
    monkeypatch.setattr(parsed, "hash_files", None)
    assert records.list_experiments() == first


def test_the_hash_of_a_folder_is_dvcs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    files = {"f/b.txt": "two", "f/ä/c.txt": "three", "f/a.txt": "one"}
    rev = worlds.start(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    tree = Tree()  # type: ignore[no-untyped-call]  # DVC's own has no types
    for path, text in files.items():
        tree.add(tuple(path.split("/")[1:]), None, HashInfo("md5", hashlib.md5(text.encode()).hexdigest()))
    tree.digest()
    assert outputs._hash_folder(rev, "f", [*files]) == tree.hash_info.value
