"""python -m benchmarks NAME: run one benchmark and print its ratios."""

import sys
from importlib import import_module
from pathlib import Path

NAMES = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m benchmarks NAME, where NAME is one of: {', '.join(NAMES)}")
    import_module(f"benchmarks.{sys.argv[1]}").main()
