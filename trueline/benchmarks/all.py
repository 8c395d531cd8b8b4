"""All benchmarks of speed and size, on one page: docs/benchmarks.md, with the machine named and ratios first.

Each runs as a user runs it, in a process of its own, one after another. A ratio compares two things on the same machine
at the same time, so it holds elsewhere too; seconds hold for the machine that is named. `--only` runs some of them and
leaves the sections of the others as they are.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from trueline.benchmarks._page_section import replace_section
from trueline.core.errors import UserError
from trueline.core.machine_description import describe_processors

PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"
QUESTIONS = {  # benchmark: what it answers
    "windows": "Past-only aggregates of two million rows, beside pandas and Polars",
    "tuning": "Thirty trials, beside the usual recipe",
    "peers": "FLAML and AutoGluon, on the same inputs and folds with as much CPU time",
    "daily": "One more day, as a share of a run from nothing",
    "growth": "Prepare and features of racing on larger and larger tables",
    "pins": "The same bytes on every processor: pinned kernels beside those that a processor would choose",
    "audit_cost": "The audit of scores, as a share of a run",
    "diagnose": "The diagnose stage on a league of many seasons",
    "service": "The service, beside an empty endpoint",
    "runtime": "The environments of the service's images, beside the whole one",
}
RATIO = re.compile(r"\bratio\b|\bshare\b|\bgoal\b|\btimes\b|[≤≥<>] ?\d", re.IGNORECASE)
GIB = 2**30


def main(*arguments: str) -> None:
    """Run the benchmarks and print what they say as Markdown; with --write, write it into docs/benchmarks.md."""
    options = _parse_arguments(arguments)
    for name in options.only:
        load = format_load()
        section = f"{describe_machine()}; {load}\n\n{render_output(run_benchmark(name))}"
        print(f"## {QUESTIONS[name]}\n\n{section}\n", flush=True)
        if options.write:
            PAGE.write_text(replace_section(PAGE.read_text(), section, f"all --only {name}"))


def run_benchmark(name: str) -> str:
    """Return what a benchmark prints; raise UserError with its last words if it fails."""
    done = subprocess.run([sys.executable, "-m", "trueline", "benchmarks", name], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise UserError(f"{name} ends with exit code {done.returncode}: {lines[-1]}")
    return done.stdout.strip()


def render_output(output: str) -> str:
    """Return what a benchmark printed, its ratios and goals first, then everything.

    >>> print(render_output("one 3 s\\n  ratio 2.0"))
    ```
    ratio 2.0
    ```
    <BLANKLINE>
    In full:
    <BLANKLINE>
    ```
    one 3 s
      ratio 2.0
    ```
    """
    # a line without a digit is the head of a table, and says nothing
    ratios = [line.strip() for line in output.splitlines() if RATIO.search(line) and re.search(r"\d", line)]
    ratio_lines = ["```", *ratios, "```", "", "In full:", ""] if ratios else []
    return "\n".join([*ratio_lines, "```", *output.splitlines(), "```"])


def describe_machine() -> str:
    """Return the processor, its number of cores, the memory, the system and the version of Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return f"{describe_processors()}, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def format_load() -> str:
    """Return how busy the machine is before a benchmark begins, and what that means for its figures."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    busy = "busy with other work, so only ratios count" if load > processors / 2 else "otherwise idle"
    return f"{load:.1f} processes were waiting for a processor: {busy}."


def _parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trueline benchmarks all", description="Run every benchmark of speed and size."
    )
    parser.add_argument("--only", nargs="+", choices=list(QUESTIONS), default=list(QUESTIONS), help="only these")
    parser.add_argument("--write", action="store_true", help=f"write the results into docs/{PAGE.name}")
    return parser.parse_args(arguments)
