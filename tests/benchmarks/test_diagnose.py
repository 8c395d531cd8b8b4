"""The benchmark of the diagnose stage: the stage reads everything that is simulated for it."""

import subprocess
import sys

from tests.pipeline_copy import ROOT


def test_the_stage_runs_on_what_is_simulated_and_its_time_and_memory_are_printed() -> None:
    command = [sys.executable, "-m", "trueline", "benchmarks", "diagnose", "--rows", "20000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "20000 rows" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["wall", "CPU", "peak"]
