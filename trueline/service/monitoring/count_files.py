"""Count files: where several worker processes pool their counts, in files that a worker's successor continues."""

import os
from pathlib import Path

MULTIPROCESS_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the name that prometheus_client reads
SLOT_VARIABLE = "TRUELINE_WORKER"  # the worker's number, in the names of its files


def use_slot_files() -> None:
    """Keep this process's counts in the files of its slot, if it has one, instead of files of its process id.

    Totals then outlive a worker, and the number of files does not grow with every worker that is replaced.
    """
    from prometheus_client import values

    if (slot := os.environ.get(SLOT_VARIABLE)) is not None:
        values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]


def remove_gauges(folder: Path, slot: int) -> None:
    """Remove a slot's present values, which nobody has after its worker has ended, and leave its totals."""
    for file in folder.glob(f"gauge_*_{slot}.db"):
        file.unlink(missing_ok=True)
