"""Reference: what the backtest predicted, read in a process of its own: the service itself loads no tables."""

import asyncio
import json
import sys
from pathlib import Path

from service.drift import Drift

ARM = "tuned"  # the arm whose learner, fitted on everything, is the final model
TARGET = "target:"  # opens the name of a tag's column
SAMPLE = 50_000  # numbers that say how the others spread


async def drift(predictions: Path) -> Drift | None:
    """Return the drift against a table of predictions, None where it cannot be read."""
    command = [sys.executable, "-m", "service.reference", str(predictions.resolve())]
    child = await asyncio.create_subprocess_exec(
        *command, cwd=Path(__file__).parent.parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        told, _ = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        await child.wait()
        raise
    return None if child.returncode else Drift.against(json.loads(told))


def predicted(predictions: Path) -> list[float]:
    """Return the arm's predictions, of all tags together, evenly thinned out to a sample."""
    import pyarrow.parquet as pq  # in the child alone

    held = pq.read_schema(predictions).names
    tags = [name.removeprefix(TARGET) for name in held if name.startswith(TARGET)]
    names = [f"{ARM}:{tag}" for tag in tags] or [ARM]
    columns = pq.read_table(predictions, columns=names).to_pydict()
    numbers = [number for column in columns.values() for number in column if number is not None]
    return numbers[:: len(numbers) // SAMPLE + 1]


if __name__ == "__main__":
    json.dump(predicted(Path(sys.argv[1])), sys.stdout)
