"""Batches: several requests of a task in one, answered together, which shares the look-ups in the history.

A module that is named after its task defines

- `PARTS`, the name of the list of requests in a batch, and of the list of answers; it ends the address too;
- `Batch` and `BatchAnswer`: pydantic models with that list, of the task's `Request` and `Answer`; `Batch` carries an
  example;
- `answer(model, batch)`, which returns the BatchAnswer; each answer in it is the one that the request gets alone. It
  raises RequestFaultsError with the place of every request that cannot be answered.

Every request of a batch is logged, and offered to a challenger, as if it had come alone.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType


def load_batch_module(task: str) -> ModuleType | None:
    """Return the module for batches of a task's requests; None if it answers one at a time."""
    if not (Path(__file__).parent / f"{task}.py").is_file():
        return None
    return import_module(f"trueline.service.batches.{task}")
