"""The running service: the models, endpoints, logs and counters that all routes share."""

import asyncio
from dataclasses import dataclass, field

from trueline.core.errors import UserError
from trueline.service.artifacts import exported_model
from trueline.service.artifacts.verified_files import VerifiedFiles
from trueline.service.loaded_models import LoadedModel
from trueline.service.model_loading import load_models
from trueline.service.monitoring import drift_reference
from trueline.service.monitoring.prediction_drift import PredictionDrift
from trueline.service.monitoring.prediction_log import PredictionLog, check_log_folder
from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
from trueline.service.serving.compute_pool import ComputePool
from trueline.service.serving.endpoint import PredictionEndpoint
from trueline.service.serving.request_forms import build_batch_form
from trueline.service.settings import Settings
from trueline.service.shadow.shadow_traffic import Shadow, start_shadows


@dataclass
class Service:
    """The settings and counters, and by task the loaded models, their endpoints and shadows."""

    settings: Settings
    loaded: dict[str, LoadedModel]
    counters: ServiceMetrics = field(default_factory=ServiceMetrics)
    endpoints: dict[str, PredictionEndpoint] = field(default_factory=dict)
    batch_endpoints: dict[str, PredictionEndpoint] = field(default_factory=dict)
    logs: list[PredictionLog] = field(default_factory=list)
    shadows: dict[str, Shadow] = field(default_factory=dict)
    failed_takeover: str | None = None  # why newer models do not answer, as the parent process reports it

    def __post_init__(self) -> None:
        settings = self.settings
        self.pool = ComputePool(settings.threads, settings.max_waiting, settings.deadline_seconds)

    @classmethod
    def start(cls, settings: Settings) -> "Service":
        """Return the service with every model loaded.

        Raises UserError if a model or challenger cannot be loaded, or the log cannot be written.
        """
        service, folder = cls(settings, load_models(settings)), settings.log_folder
        check_log_folder(folder, service.loaded)
        for task, loaded in service.loaded.items():
            log = PredictionLog(folder / task, settings.log_bytes, settings.log_days) if folder else None
            service.logs += [log] if log else []
            service.endpoints[task] = PredictionEndpoint(loaded, service.counters, log, service.pool)
            if (form := build_batch_form(task)) is not None:
                service.batch_endpoints[task] = PredictionEndpoint(loaded, service.counters, log, service.pool, form)
        service.shadows = start_shadows(settings, service.loaded, service.counters)
        for task, shadow in service.shadows.items():
            for endpoint in service.list_endpoints(task):
                endpoint.shadow = shadow
        return service

    def list_endpoints(self, task: str | None = None) -> list[PredictionEndpoint]:
        """Return the endpoints of a task, of every task if none is given: for single requests, then for batches."""
        endpoints = [*self.endpoints.items(), *self.batch_endpoints.items()]
        return [endpoint for name, endpoint in endpoints if task in (None, name)]

    @property
    def drifts(self) -> dict[str, PredictionDrift]:
        """The drift of every task that has a reference."""
        return {task: endpoint.drift for task, endpoint in self.endpoints.items() if endpoint.drift}

    async def watch_drift(self) -> None:
        """Read each task's backtest predictions as its drift reference; a task without them is not watched."""
        for task, endpoint in self.endpoints.items():
            try:
                drift = await _find_drift(endpoint.loaded.files, task)
            except (UserError, OSError, ValueError):
                continue
            for task_endpoint in self.list_endpoints(task):
                task_endpoint.drift = drift
            await asyncio.sleep(0)

    def close(self) -> None:
        """Stop the challengers and close the logs."""
        for shadow in self.shadows.values():
            shadow.close()
        self.pool.close()
        for log in self.logs:
            log.close()


async def _find_drift(files: VerifiedFiles, task: str) -> PredictionDrift | None:
    """Return the drift against a model's backtest. Raises UserError if its predictions are missing."""
    if files.is_exported:
        return exported_model.read_drift(files)
    return await drift_reference.read_reference_drift(files.resolve_path(f"data/predictions/{task}.parquet"))
