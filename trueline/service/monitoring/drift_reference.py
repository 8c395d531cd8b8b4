"""Drift reference: the backtest's predictions, read in a child process, as the service itself loads no tables."""

import asyncio
import json
import sys
from pathlib import Path

from trueline.service.monitoring.prediction_drift import PredictionDrift

TUNED_ARM = "tuned"  # the arm whose learner, fitted on all data, is the final model
TARGET_PREFIX = "target:"  # begins the name of a tag's column
MAX_SAMPLE = 50_000  # predictions that stand for the distribution of all


async def read_reference_drift(predictions: Path) -> PredictionDrift | None:
    """Return the drift against a table of predictions; None if it cannot be read or is too small."""
    command = [sys.executable, "-m", "trueline.service.monitoring.drift_reference", str(predictions.resolve())]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return None if process.returncode else PredictionDrift.from_reference(json.loads(output))


def sample_predictions(predictions: Path) -> list[float]:
    """Return the tuned arm's predictions, of all tags together, evenly thinned to at most MAX_SAMPLE."""
    import pyarrow.parquet as pq  # only in the child process

    column_names = pq.read_schema(predictions).names
    tags = [name.removeprefix(TARGET_PREFIX) for name in column_names if name.startswith(TARGET_PREFIX)]
    names = [f"{TUNED_ARM}:{tag}" for tag in tags] or [TUNED_ARM]
    columns = pq.read_table(predictions, columns=names).to_pydict()
    numbers = [number for column in columns.values() for number in column if number is not None]
    return numbers[:: len(numbers) // MAX_SAMPLE + 1]


if __name__ == "__main__":
    json.dump(sample_predictions(Path(sys.argv[1])), sys.stdout)
