"""What the pins cost: all stages on the samples, with pinned kernels and with those that each processor would choose.

Measured are the CPU seconds of every stage with its child processes, pinned and unpinned in turn, the least over the
rounds; the two copies differ only in an empty `pin_numerics`. Then come the primitives that lose most, one by one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

from trueline.core.runtime.memory import OFF_VARIABLE
from trueline.core.runtime.numeric_pins import STEERING_PREFIXES
from trueline.core.runtime.params import PARAMS_FILE, STAGES, list_section_names

ROUNDS = 2
COPIED_PATHS = ("trueline/__init__.py", "trueline/core", "stages", "data/sample", str(PARAMS_FILE), "requirements.lock")
PRIMITIVES = {
    "exp of 2 million": ("x = np.random.default_rng(0).normal(size=2_000_000)", "np.exp(x)"),
    "sort of 2 million": ("x = np.random.default_rng(0).normal(size=2_000_000)", "np.sort(x)"),
    "argsort of 2 million": ("x = np.random.default_rng(0).integers(0, 1 << 40, 2_000_000)", "np.argsort(x)"),
    "cumulative sum": ("x = np.random.default_rng(0).normal(size=2_000_000)", "np.cumsum(x)"),
    "product 1000 × 1000": ("x = np.random.default_rng(0).normal(size=(1000, 1000))", "x @ x"),
}
PRIMITIVE_SCRIPT = """
import stages
import numpy as np
from time import process_time
{setup}
{call}
begin = process_time()
for _ in range(5):
    {call}
print(process_time() - begin)
"""


def main() -> None:
    """Print the CPU seconds of every stage, pinned and unpinned, their ratio, and the same for some primitives."""
    with TemporaryDirectory() as folder:
        copies = {kind: copy_repository(Path(folder) / kind) for kind in ("pinned", "unpinned")}
        remove_pins(copies["unpinned"])
        compare_stages(copies)
        compare_primitives(copies)


def copy_repository(folder: Path) -> Path:
    """Copy what the stages need into a folder, and return it."""
    for name in COPIED_PATHS:
        source, target = Path(name), folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return folder


def remove_pins(folder: Path) -> None:
    """Empty `pin_numerics` in a copy, so that the libraries choose their kernels."""
    path = folder / "trueline/core/runtime/numeric_pins.py"
    path.write_text(path.read_text() + "\n\ndef pin_numerics() -> None:\n    pass\n")


def compare_stages(copies: dict[str, Path]) -> None:
    """Run all stages of all tasks in both copies, in turn, and print the least CPU seconds of each stage."""
    seconds: dict[str, dict[str, float]] = {name: {} for name in copies}
    for _ in range(ROUNDS):
        for task in list_section_names("tasks"):
            for stage in STAGES:
                for name, folder in copies.items():
                    cpu_seconds = measure_command_cpu([sys.executable, "-m", f"stages.{stage}", task], folder)
                    key = f"{stage} {task}"
                    seconds[name][key] = min(cpu_seconds, seconds[name].get(key, cpu_seconds))
    print(f"{'CPU seconds':<22}{'pinned':>9}{'unpinned':>10}{'ratio':>8}")
    for key, pinned in seconds["pinned"].items():
        print(f"{key:<22}{pinned:9.2f}{seconds['unpinned'][key]:10.2f}{pinned / seconds['unpinned'][key]:8.2f}")
    totals = [sum(stage_seconds.values()) for stage_seconds in seconds.values()]
    print(f"{'whole pipeline':<22}{totals[0]:9.1f}{totals[1]:10.1f}{totals[0] / totals[1]:8.2f}\n")


def compare_primitives(copies: dict[str, Path]) -> None:
    """Print the CPU seconds of five calls of each primitive in both copies."""
    for title, (setup, call) in PRIMITIVES.items():
        script = PRIMITIVE_SCRIPT.format(setup=setup, call=call)
        pinned, unpinned = (float(run_command([sys.executable, "-c", script], folder)) for folder in copies.values())
        print(f"{title:<22}{pinned:9.3f}{unpinned:10.3f}{pinned / unpinned:8.2f}")


def measure_command_cpu(command: list[str], folder: Path) -> float:
    """Return the CPU seconds of a command and its children."""
    before = getrusage(RUSAGE_CHILDREN)
    run_command(command, folder)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_command(command: list[str], folder: Path) -> str:
    """Run a command in a folder, without the variables that pinned this process, and return its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(STEERING_PREFIXES)}
    environment[OFF_VARIABLE] = "1"  # a later round shall not recall the results of the first
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout
