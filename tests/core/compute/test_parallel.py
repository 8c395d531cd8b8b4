"""Jobs in several processes: in order, and without warnings of libraries."""

import subprocess
import sys
from pathlib import Path

from trueline.core.compute.parallel import run_in_parallel

MEGABYTES = 400  # more than loky lets a worker grow
GROWING_JOBS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from growing_job import grow
from trueline.core.compute.parallel import run_in_parallel
print(run_in_parallel(grow, range(8), 2, "grow"))
"""
GROWING_JOB = f"""
import time
held = []

def grow(number):
    if number > 1:
        time.sleep(1.1)  # seconds between two looks at a worker's memory
        held[:] = [bytearray(b"x") * ({MEGABYTES} << 20)]
    return number
"""


def test_results_are_in_the_order_of_the_inputs() -> None:
    assert run_in_parallel(abs, [-3, 2, -1], 1, "abs") == [3, 2, 1]
    assert run_in_parallel(abs, [], 2, "abs") == []


def test_workers_that_grow_are_not_restarted_and_nothing_is_said_of_it(tmp_path: Path) -> None:
    (tmp_path / "growing_job.py").write_text(GROWING_JOB)
    done = subprocess.run(
        [sys.executable, "-c", GROWING_JOBS, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == f"{list(range(8))}\n"
    lines = done.stderr.replace("\r", "\n").splitlines()
    assert [line for line in lines if line and not line.startswith("grow: ")] == []
