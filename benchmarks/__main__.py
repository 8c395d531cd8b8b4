"""python -m benchmarks NAME: run one benchmark and print what it measures; words after the name are its own."""

import sys
from importlib import import_module
from inspect import signature
from pathlib import Path

from core.refusals import Refusal

NAMES = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def main(words: list[str]) -> None:
    """Run the benchmark that the first word names; refuse a name that is no file here, and words it does not take."""
    if not words or words[0] not in NAMES:
        sys.exit(f"usage: python -m benchmarks NAME, where NAME is one of: {', '.join(NAMES)}")
    asked = import_module(f"benchmarks.{words[0]}").main
    if words[1:] and not signature(asked).parameters:
        sys.exit(f"benchmarks: {words[0]} takes no words of its own, and {words[1]!r} came.")
    asked(*words[1:])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refusal as refusal:
        sys.exit(f"benchmarks: {refusal}")
