"""Request forms: the address of a prediction, what is posted there and answered, and the parts of a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from trueline.service.batches import load_batch_module


@dataclass(frozen=True)
class RequestForm:
    """How a task is asked at one address: by single requests, or by batches which have them in a list."""

    task: str
    path: str
    summary: str
    request_model: type[BaseModel]
    answer_model: type[BaseModel]
    answer: Callable[[Any, Any], Any]
    list_name: str | None = None
    max_inline_bytes: int = 0  # of a body that is answered without a thread
    max_inline_braces: int = 0

    def list_parts(self, request: Any, answer: Any) -> list[tuple[Any, Any]]:
        """Return the single requests with their answers."""
        if self.list_name is None:
            return [(request, answer)]
        return list(zip(getattr(request, self.list_name), getattr(answer, self.list_name), strict=True))

    def write_parts(self, request: Any, body: bytes) -> list[bytes]:
        """Return the bodies of the single requests; `body` is that of the whole."""
        if self.list_name is None:
            return [body]
        return [single_request.model_dump_json().encode() for single_request in getattr(request, self.list_name)]


def build_single_form(task: str, module: ModuleType) -> RequestForm:
    """Return the form of a task's single requests."""
    return RequestForm(
        task,
        f"/predict/{task}",
        _read_summary(module),
        module.Request,
        module.Answer,
        module.answer,
        max_inline_bytes=getattr(module, "AT_ONCE", 0),
        max_inline_braces=getattr(module, "FEW", 0),
    )


def build_batch_form(task: str) -> RequestForm | None:
    """Return the form of batches of a task's requests; None if it answers one at a time."""
    module = load_batch_module(task)
    if module is None:
        return None
    path, summary = f"/predict/{task}/{module.PARTS}", _read_summary(module)
    return RequestForm(task, path, summary, module.Batch, module.BatchAnswer, module.answer, list_name=module.PARTS)


def _read_summary(module: ModuleType) -> str:
    return (module.__doc__ or module.__name__).strip().splitlines()[0]
