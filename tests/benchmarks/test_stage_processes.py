"""A stage runs as a process of its own: its CPU seconds come back, and the last line of its messages if it fails."""

import os
import sys
from pathlib import Path

import pytest

from trueline.benchmarks._stage_processes import run_program, run_stage
from trueline.core.errors import UserError
from trueline.core.runtime.memory import OFF_VARIABLE

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


def write_stage(folder: Path, code: str) -> None:
    (folder / "stages").mkdir()
    (folder / "stages/train.py").write_text(code)


def test_the_seconds_are_those_of_the_cpu_with_child_processes(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(0.5)"]
    assert run_program(sleep, tmp_path, os.environ, "sleep") < 0.3
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}], check=True)"
    assert run_program([sys.executable, "-c", parent], tmp_path, os.environ, "parent") >= 0.3


def test_a_program_that_fails_is_named_with_the_last_line_of_its_messages(tmp_path: Path) -> None:
    code = "import sys; print('a warning', file=sys.stderr); sys.exit('props.yaml is missing; write it.')"
    with pytest.raises(UserError, match=r"^a peer fails: props\.yaml is missing; write it\.$"):
        run_program([sys.executable, "-c", code], tmp_path, os.environ, "a peer")
    with pytest.raises(UserError, match=r"^a peer fails: no reason given$"):
        run_program([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, os.environ, "a peer")


def test_a_stage_that_fails_is_named_with_its_task(tmp_path: Path) -> None:
    write_stage(tmp_path, "import sys; sys.exit(f'train: {sys.argv[1]} has no rows.')")
    with pytest.raises(UserError, match=r"^train of racing fails: train: racing has no rows\.$"):
        run_stage("train", "racing", tmp_path)


@pytest.mark.parametrize("uses_memory", [False, True])
@pytest.mark.parametrize("variables", [{}, {OFF_VARIABLE: "1"}])
def test_a_stage_recalls_earlier_results_only_if_it_shall(
    uses_memory: bool, variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OFF_VARIABLE, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    write_stage(tmp_path, f"import os; assert ({OFF_VARIABLE!r} in os.environ) == {not uses_memory}")
    run_stage("train", "racing", tmp_path, uses_memory)
