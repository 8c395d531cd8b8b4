"""Board: what the dashboard and its addresses tell, kept as long as it holds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

import anyio.to_thread

from service import registry
from service.described import ModelStatus
from service.diagnostics import Diagnostics, diagnostics
from service.outputs import Outputs
from service.registry import Experiments
from service.status import status
from service.training import Roles, roles, training

MINUTE, MOMENT = 60.0, 10.0  # seconds that git's answers and the registry's hold

T = TypeVar("T")


class Kept(Generic[T]):
    """An answer that is made in a thread when somebody asks, once for all who ask meanwhile, and kept for a time."""

    def __init__(self, make: Callable[[], T], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._lock, self._value, self._until = asyncio.Lock(), None, 0.0

    _value: T | None

    async def __call__(self) -> T:
        """Return the answer, a new one if the last is too old."""
        async with self._lock:
            if self._value is None or monotonic() > self._until:
                self._value = await anyio.to_thread.run_sync(self._make)
                self._until = monotonic() + self._seconds
            return self._value


@dataclass
class Board:
    """The outputs of every task that is answered for, and what git and the registry add to them."""

    outputs: Mapping[str, Outputs]
    root: Path
    _roles: dict[Path, Roles] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.status: Callable[[], Awaitable[ModelStatus]] = Kept(self._status, MINUTE)
        self.experiments: Callable[[], Awaitable[Experiments]] = Kept(self._experiments, MOMENT)
        self.diagnostics: Mapping[str, Diagnostics] = {task: diagnostics(one) for task, one in self.outputs.items()}

    def _status(self) -> ModelStatus:
        files = [one.folds for one in self.outputs.values() if one.folds and one.folds not in self._roles]
        self._roles |= roles(files)
        found = [status(one, training(one, self.root, self._held(one))) for one in self.outputs.values()]
        return ModelStatus(success=True, tasks=found)

    def _held(self, outputs: Outputs) -> Roles | None:
        return self._roles.get(outputs.folds) if outputs.folds else None

    def _experiments(self) -> Experiments:
        return registry.experiments(self.root)
