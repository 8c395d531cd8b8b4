"""python -m trueline benchmarks NAME [ARGUMENTS]: run one benchmark and print what it measures."""

import sys
from importlib import import_module
from inspect import signature
from pathlib import Path

from trueline.core.errors import UserError

BENCHMARK_NAMES = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def main(arguments: list[str]) -> None:
    """Run the benchmark named first; exit with a message if there is none, or if it takes no further arguments."""
    if not arguments or arguments[0] not in BENCHMARK_NAMES:
        sys.exit(f"usage: python -m trueline benchmarks NAME, with NAME one of {', '.join(BENCHMARK_NAMES)}")
    benchmark = import_module(f"trueline.benchmarks.{arguments[0]}").main
    if arguments[1:] and not signature(benchmark).parameters:
        sys.exit(f"benchmarks: {arguments[0]} takes no arguments, but got {arguments[1]!r}; leave it out.")
    benchmark(*arguments[1:])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"benchmarks: {error}")
