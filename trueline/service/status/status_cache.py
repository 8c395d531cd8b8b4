"""Status cache: what the dashboard and its JSON addresses show, kept for as long as it is valid."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

import anyio.to_thread

from trueline.service.artifacts.experiments_client import Experiments, fetch_experiments
from trueline.service.status.diagnostics import Diagnostics, build_diagnostics
from trueline.service.status.model_status import build_task_status
from trueline.service.status.stage_outputs import TaskOutputs
from trueline.service.status.status_schema import ModelStatus
from trueline.service.status.training_info import FoldRoles, read_fold_roles, read_training_info

STATUS_SECONDS, EXPERIMENTS_SECONDS = 60.0, 10.0  # how long git's answers and the registry's are kept

T = TypeVar("T")


class TimedCache(Generic[T]):
    """A value that is made in a thread on demand, once for all who ask meanwhile, and kept for some seconds."""

    def __init__(self, make: Callable[[], T], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._lock, self._value, self._valid_until = asyncio.Lock(), None, 0.0

    _value: T | None

    async def __call__(self) -> T:
        """Return the value, a new one if the last is too old."""
        async with self._lock:
            if self._value is None or monotonic() > self._valid_until:
                self._value = await anyio.to_thread.run_sync(self._make)
                self._valid_until = monotonic() + self._seconds
            return self._value


@dataclass
class StatusCache:
    """The outputs of every loaded task, and what git and the registry add to them."""

    outputs: Mapping[str, TaskOutputs]
    root: Path
    _fold_roles: dict[Path, FoldRoles] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.get_status: Callable[[], Awaitable[ModelStatus]] = TimedCache(self._build_status, STATUS_SECONDS)
        self.get_experiments: Callable[[], Awaitable[Experiments]] = TimedCache(
            self._read_experiments, EXPERIMENTS_SECONDS
        )
        self.diagnostics: Mapping[str, Diagnostics] = {
            task: build_diagnostics(outputs) for task, outputs in self.outputs.items()
        }

    def _build_status(self) -> ModelStatus:
        files = (outputs.folds for outputs in self.outputs.values())
        fold_files = [file for file in files if file and file not in self._fold_roles]
        self._fold_roles |= read_fold_roles(fold_files)
        statuses = [
            build_task_status(outputs, read_training_info(outputs, self.root, self._find_fold_roles(outputs)))
            for outputs in self.outputs.values()
        ]
        return ModelStatus(success=True, tasks=statuses)

    def _find_fold_roles(self, outputs: TaskOutputs) -> FoldRoles | None:
        return self._fold_roles.get(outputs.folds) if outputs.folds else None

    def _read_experiments(self) -> Experiments:
        return fetch_experiments(self.root)
