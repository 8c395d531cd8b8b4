"""params.yaml is whole after an enqueue, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import pipeline_copy
from trueline.experiments.running.params_backup import BACKUP_FILE, preserve_params, restore_after_kill

PARAMS = "seed: 1\n"
ENQUEUE = """
import pathlib, time
from trueline.experiments.running.params_backup import preserve_params
with preserve_params():
    pathlib.Path("params.yaml").write_text("see")
    print("edited", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def params_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path / "params.yaml"


def test_an_enqueue_that_is_interrupted_or_that_leaves_an_edit_changes_nothing(params_file: Path) -> None:
    def enqueue() -> None:
        with preserve_params():
            params_file.write_text("seed: 2\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enqueue()
    assert params_file.read_text() == PARAMS
    assert not BACKUP_FILE.exists()
    assert not restore_after_kill()


def test_after_a_kill_the_next_run_restores_the_file(params_file: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(pipeline_copy.ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", ENQUEUE], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "edited\n"
        process.send_signal(signal.SIGKILL)
    assert params_file.read_text() == "see"
    assert restore_after_kill()
    assert params_file.read_text() == PARAMS
    params_file.write_text("seed: 3\n")
    assert not restore_after_kill()
    assert params_file.read_text() == "seed: 3\n", "an edit afterwards is the user's"


def test_an_edit_is_not_lost_where_nothing_was_killed(params_file: Path) -> None:
    with preserve_params():
        pass
    params_file.write_text("seed: 4\n")
    with preserve_params():
        time.sleep(0)
    assert params_file.read_text() == "seed: 4\n"
