"""What an experiment's stages took is found by its outputs, shown against its parent, and shared with the ledger."""

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import pipeline_copy, promoted_repo
from tests.experiments import toy_model
from tests.promoted_repo import TASK
from trueline.core.machine_description import describe_processors
from trueline.core.runtime.stage_costs import JOURNAL_FOLDER
from trueline.experiments.ledger import ledger
from trueline.experiments.ledger.append_only_file import BACKUP_FILE, LEDGER_FILE
from trueline.experiments.ledger.cost_lines import OTHER_MACHINE
from trueline.experiments.store import dvc_lock
from trueline.experiments.store.experiments_index import find_experiment

STAGE = f"calibrate@{TASK}"
RUN = """
import sys
from pathlib import Path
from trueline.core.runtime.stage_entry import run_stage

def main(task, reads, writes):
    writes["model"].write_text(Path("params.yaml").read_text())

sys.argv = ["calibrate", "racing"]
run_stage("calibrate", {}, {"model": "models/{task}/final.txt"}, main)
"""


def write_journal(folder: Path, rev: str, cpu_seconds: float, machine: str = platform.node()) -> None:
    """Add a run on a machine to the journal that made the outputs that a commit's lock names."""
    outputs = {
        path: md5
        for path, md5 in dvc_lock.get_output_hashes(dvc_lock.read_locks([rev])[rev]).items()
        if "report" not in path
    }
    line = {"seconds": 2.0, "cpu_seconds": cpu_seconds, "machine": machine, "outputs": outputs}
    (folder / JOURNAL_FOLDER).mkdir(parents=True, exist_ok=True)
    with (folder / JOURNAL_FOLDER / f"{STAGE}.jsonl").open("a") as journal:
        journal.write(json.dumps(line) + "\n")


def show(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "trueline.experiments", "show", "sharp", *words]
    process = subprocess.run(
        command, cwd=folder, env=toy_model.environment(folder), capture_output=True, text=True, check=True
    )
    return process.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    promoted_repo.experiment(folder, "sharp", skill=0.7, seed=1)
    promoted_repo.experiment(folder, "elsewhere", skill=0.6, seed=2)
    write_journal(folder, find_experiment("HEAD").rev, cpu_seconds=1.5)
    write_journal(folder, find_experiment("sharp").rev, cpu_seconds=3.25)
    return folder


def test_show_says_what_the_stages_took_on_which_machine_against_the_parent(repository: Path) -> None:
    promoted_repo.git(repository, "config", "trueline.machine", "quick")
    heads, row = show(repository).partition("what its stages took:\n")[2].splitlines()[:2]
    assert row.split() == [STAGE, "2.0000", "3.2500", "quick", "2.0000", "1.5000"]
    assert heads.split()[:4] == ["stage", "s", "CPU", "s"]
    costs: dict[str, Any] = json.loads(show(repository, "--json"))["costs"]
    assert costs[TASK]["calibrate"]["own"] == {"seconds": 2.0, "cpu_seconds": 3.25, "machine": "quick"}


def test_the_ledger_has_the_processors_and_not_the_name_of_a_machine_unless_one_is_chosen(repository: Path) -> None:
    experiment = find_experiment("elsewhere")
    write_journal(repository, experiment.rev, cpu_seconds=1.0, machine="secret-host")
    ledger.update_ledger()
    text = LEDGER_FILE.read_text(encoding="utf-8")
    assert describe_processors() in text
    assert OTHER_MACHINE in text
    assert "secret-host" not in text
    assert f'"{platform.node()}"' not in text
    LEDGER_FILE.unlink()
    BACKUP_FILE.unlink()
    promoted_repo.git(repository, "config", "trueline.machine", "the quick one")
    ledger.update_ledger()
    assert '"machine": "the quick one"' in LEDGER_FILE.read_text(encoding="utf-8")


def test_the_ledger_keeps_the_cost_for_those_who_did_not_run_it(repository: Path) -> None:
    recorded = [line for line in ledger.update_ledger() if line["kind"] == "cost"]
    assert [(line["experiment"], line["stages"]["calibrate"]["cpu_seconds"]) for line in recorded] == [("sharp", 3.25)]
    (repository / JOURNAL_FOLDER / f"{STAGE}.jsonl").unlink()
    assert "3.2500" in show(repository)
    assert [line for line in ledger.update_ledger() if line["kind"] == "cost"] == recorded


def test_a_temporary_run_of_dvc_is_in_the_journal_by_the_hash_in_its_lock(tmp_path: Path) -> None:
    toy = toy_model.make(tmp_path / "toy")
    real = yaml.safe_load((pipeline_copy.ROOT / "params.yaml").read_text())
    params = {"tasks": {TASK: real["tasks"][TASK]}, "seed": 1}
    stage = {"cmd": "python run.py", "deps": ["run.py"], "params": ["seed"], "outs": [f"models/{TASK}/final.txt"]}
    (toy / "params.yaml").write_text(yaml.safe_dump(params))
    (toy / "run.py").write_text(RUN)
    (toy / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"calibrate": stage}}))
    toy_model.call(toy, "git", "add", "--all")
    toy_model.call(toy, "git", "commit", "--quiet", "--message", "a stage")
    toy_model.call(toy, sys.executable, "-m", "dvc", "exp", "run", "--temp", "-n", "kept", "-S", "seed=2")
    (ref,) = toy_model.call(toy, "git", "for-each-ref", "--format=%(refname)", "refs/exps/*/*/kept").split()
    lock = yaml.safe_load(toy_model.call(toy, "git", "show", f"{ref}:dvc.lock"))
    (line,) = map(json.loads, (toy / JOURNAL_FOLDER / f"{STAGE}.jsonl").read_text().splitlines())
    (out,) = lock["stages"]["calibrate"]["outs"]
    assert line["outputs"] == {out["path"]: out["md5"]}
