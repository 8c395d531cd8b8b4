"""What the registry's commands cost with 300 experiments: CPU seconds, and the git processes that each starts.

Every command is run once to fill the caches, and then measured. CPU seconds are those of the command and its children,
which on an idle machine is about what one waits for.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

from trueline.benchmarks.registry_lab.scratch_registry import ROOT, TASK, make_scratch_registry

EXPERIMENTS = 300
GOAL_SECONDS = 3.0
COMMANDS = {
    "--help": ("--help",),
    "list": ("list",),
    "list --where": ("list", "--where", "l2 > 2 and r2 > 0.16"),
    "show": ("show", "SWEEP-7"),
    "best": ("best", "--task", TASK),
    "leaderboard": ("leaderboard",),
    "compare": ("compare", TASK, "SWEEP-7", "SWEEP-8"),
    "compare --html": ("compare", "--html", TASK, "SWEEP-7", "SWEEP-8", "HEAD"),
    "dashboard": ("dashboard", "--task", TASK),
    "note": ("note", "SWEEP-7", "leaves need no penalty"),
    "promote --dry-run": ("promote", "SWEEP-7", "--task", TASK, "--dry-run"),
}


def main(count: str = str(EXPERIMENTS)) -> None:
    """Print the cost of every command in a clone with so many experiments; takes two minutes."""
    with TemporaryDirectory() as folder:
        registry = make_scratch_registry(Path(folder) / "clone", int(count))
        print(f"{int(count)} experiments; CPU s and seconds of waiting, first and second time")
        for name, arguments in COMMANDS.items():
            (cold_cpu, cold_wall), (warm_cpu, warm_wall) = (
                measure_command(registry.folder, arguments) for _ in range(2)
            )
            verdict = "goal met" if warm_cpu < GOAL_SECONDS else f"above the goal of {GOAL_SECONDS:g}"
            print(
                f"  {name:<18} {cold_cpu:6.2f} {cold_wall:6.2f}   {warm_cpu:6.2f} {warm_wall:6.2f}   {verdict}",
                flush=True,
            )


def measure_command(folder: Path, arguments: tuple[str, ...]) -> tuple[float, float]:
    """Return the CPU seconds and the seconds of one command of the registry in a repository."""
    command = [sys.executable, "-m", "trueline", "experiments", *arguments]
    before, started_at = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    elapsed, after = time.perf_counter() - started_at, getrusage(RUSAGE_CHILDREN)
    if process.returncode and not process.stdout:
        sys.exit(f"benchmarks: {' '.join(arguments)} failed: {process.stderr.strip()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, elapsed
