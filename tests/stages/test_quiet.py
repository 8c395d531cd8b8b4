"""A run prints progress and sentences of ours, and nothing of any library: no warnings, no start-up lines."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from trueline.benchmarks.chaos_lab.small_project import make_small_project
from trueline.core.runtime.params import STAGES
from trueline.experiments.decisions.sealed_opening import RUN_STAGES

OWN_LINE = re.compile(rf"(tune|train|audit)( \w+)?: |({'|'.join(STAGES)}) \w+: ")


@pytest.mark.parametrize("task", ["racing", "props", "events"])
def test_standard_error_of_all_stages_holds_lines_of_ours_only(task: str, tmp_path: Path) -> None:
    project = make_small_project(tmp_path / task, task)
    params = project.folder / "params.yaml"
    settings = yaml.safe_load(params.read_text()) | {"workers": 2}
    settings["tasks"] = {task: settings["tasks"][task]}
    params.write_text(yaml.safe_dump(settings, sort_keys=False))
    command = [sys.executable, "-c", RUN_STAGES, task, *STAGES]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.replace("\r", "\n").splitlines() if line.strip()]
    assert [line for line in lines if not OWN_LINE.match(line)] == []
    assert lines  # progress is shown
