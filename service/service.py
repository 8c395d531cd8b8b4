"""The service: what the addresses share."""

import asyncio
from dataclasses import dataclass, field

from core.refusals import Refusal
from service import reference
from service.counters import Counters
from service.drift import Drift
from service.loaded import Loaded, load
from service.prediction_log import PredictionLog, check
from service.serving import Serving
from service.settings import Settings
from service.shadow import Shadow, shadows


@dataclass
class Service:
    """Settings, the models by task, what answers for each, and the counts."""

    settings: Settings
    loaded: dict[str, Loaded]
    counters: Counters = field(default_factory=Counters)
    serving: dict[str, Serving] = field(default_factory=dict)
    logs: list[PredictionLog] = field(default_factory=list)
    shadows: dict[str, Shadow] = field(default_factory=dict)

    @classmethod
    def start(cls, settings: Settings) -> "Service":
        """Return the service with every model loaded; refuse to where one cannot be, or the log cannot be written."""
        service, folder = cls(settings, load(settings)), settings.log_folder
        check(folder, service.loaded)
        for task, loaded in service.loaded.items():
            log = PredictionLog(folder / task, settings.log_bytes) if folder else None
            service.logs += [log] if log else []
            service.serving[task] = Serving(loaded, service.counters, log)
        service.shadows = shadows(settings, service.loaded, service.counters)
        for task, shadow in service.shadows.items():
            service.serving[task].shadow = shadow
        return service

    @property
    def drifts(self) -> dict[str, Drift]:
        """The drift of every task that has a reference."""
        return {task: serving.drift for task, serving in self.serving.items() if serving.drift}

    async def watch(self) -> None:
        """Read what each task's backtest predicted; a task without it is not watched for drift."""
        for task, serving in self.serving.items():
            try:
                serving.drift = await reference.drift(serving.loaded.files.path(f"data/predictions/{task}.parquet"))
            except (Refusal, OSError, ValueError):
                continue
            await asyncio.sleep(0)

    def close(self) -> None:
        """Let go of the challengers and of the logs."""
        for shadow in self.shadows.values():
            shadow.close()
        for log in self.logs:
            log.close()
