"""python -m trueline benchmarks NAME: run one benchmark and print what it measures; words after the name are its own."""

import sys
from importlib import import_module
from inspect import signature
from pathlib import Path

from trueline.core.errors import UserError

BENCHMARK_NAMES = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def main(arguments: list[str]) -> None:
    """Run the benchmark that the first word names; refuse a name that is no file here, and words it does not take."""
    if not arguments or arguments[0] not in BENCHMARK_NAMES:
        sys.exit(f"usage: python -m trueline benchmarks NAME, where NAME is one of: {', '.join(BENCHMARK_NAMES)}")
    benchmark = import_module(f"trueline.benchmarks.{arguments[0]}").main
    if arguments[1:] and not signature(benchmark).parameters:
        sys.exit(f"benchmarks: {arguments[0]} takes no words of its own, and {arguments[1]!r} came.")
    benchmark(*arguments[1:])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as refusal:
        sys.exit(f"benchmarks: {refusal}")
