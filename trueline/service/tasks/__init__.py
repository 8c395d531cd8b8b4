"""A task that is answered for: one file of its name.

`Request` and `Answer`, pydantic models that forbid unknown fields, refuse what is not finite and carry an example;
`load(files)` returns the model, from files whose hashes were looked at (trueline/service/artifacts/verified_files.py); `answer(model, request)`
answers; `log_rows(model, request, answer)` returns the rows of the prediction log, in the form of the table
`production` that `prepare` reads: the service adds `model` and `created_at` (UTC) where a row has none. All three are
functions of their arguments: no clock, no file after `load`. A Refusal becomes a 422 with its sentence.

It may hold besides: `AT_ONCE`, the longest body in bytes that is answered without a thread, and `FEW`, the most opening
braces of such a body (0 where there is none);
`described(model, schema)`, the JSON schema of Request with what only the model knows, such as its tags. What it
predicts is watched for drift if its log rows have a number, or a name → number, under `predicted`.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from trueline.core.errors import UserError, did_you_mean


def list_tasks() -> list[str]:
    """Return the tasks that the service can answer for."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def load_task_module(name: str) -> ModuleType:
    """Return the file of a task; an unknown name is refused."""
    if name not in list_tasks():
        raise UserError(f"the service answers for no task {name!r}; {did_you_mean(name, list_tasks())}")
    return import_module(f"trueline.service.tasks.{name}")
