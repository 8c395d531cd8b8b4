"""Tasks that the service can answer for: one module per task, named after it.

A module defines

- `Request` and `Answer`: pydantic models that forbid unknown fields and reject NaN and infinity; `Request` carries an
  example;
- `load(files)`, which returns the model from files whose hashes are verified (artifacts/verified_files.py);
- `answer(model, request)`, which returns the Answer;
- `log_rows(model, request, answer)`, which returns the rows of the prediction log in the form of the table
  `production` that the prepare stage reads; the service adds `model` and `created_at` (UTC) where a row lacks them.

These functions depend on their arguments alone: no clock, and no file after `load`. A UserError becomes a 422 with its
sentence.

It may also define

- `AT_ONCE`, the longest body in bytes that is answered without a thread, and `FEW`, the most opening braces that such
  a body may have (both 0 by default);
- `described(model, schema)`, which adds to the JSON schema of Request what only the model knows, such as its tags; the
  parts of a request are under `$defs`.

Predictions are watched for drift if the log rows have a number, or a mapping from names to numbers, as `predicted`.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from trueline.core.errors import UserError, did_you_mean


def list_tasks() -> list[str]:
    """Return the names of the tasks that the service can answer for, in alphabetical order."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def load_task_module(name: str) -> ModuleType:
    """Return the module of a task. Raises UserError for an unknown name."""
    if name not in list_tasks():
        raise UserError(f"the service has no task {name!r}; {did_you_mean(name, list_tasks())}")
    return import_module(f"trueline.service.tasks.{name}")
