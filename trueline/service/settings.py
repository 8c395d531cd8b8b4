"""Settings that the service is started with."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SETTINGS_VARIABLE = "TRUELINE_SERVICE"  # carries the settings into worker processes
TOKEN_VARIABLE = "TRUELINE_TOKEN"  # bearer token; if set, every address but /health requires it


@dataclass(frozen=True)
class Settings:
    """Where to listen, what to load, and how much one client may ask for."""

    host: str = "127.0.0.1"  # this machine only
    port: int = 8000
    workers: int = 1
    tasks: tuple[str, ...] = ()  # empty: those of `models`; without them, every task with a model in the workspace
    models: tuple[str, ...] = ()  # GTO's git tags, such as events-model@v1.2.0 or events-model#prod
    shadow: tuple[str, ...] = ()  # likewise, of challengers, which answer the same requests unseen
    root: str = "."  # the repository
    log: str = "predictions"  # folder; empty: nothing is logged
    log_bytes: int = 16_000_000  # largest file of the log, some 20,000 events
    body_bytes: int = 4_000_000  # largest request body: a thousand events of 4,000 characters
    body_seconds: float = 10.0  # from the head of a request to the last byte of its body
    concurrency: int = 256  # connections at once; more are answered 503

    @property
    def root_folder(self) -> Path:
        """The repository's folder."""
        return Path(self.root)

    @property
    def log_folder(self) -> Path | None:
        """Folder of the prediction log; None if nothing is logged."""
        return self.root_folder / self.log if self.log else None

    def export_to_environment(self) -> None:
        """Put the settings into the environment for processes started from here."""
        os.environ[SETTINGS_VARIABLE] = json.dumps(asdict(self))


def read_inherited_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that `export_to_environment` left."""
    stored: dict[str, Any] = json.loads(environment[SETTINGS_VARIABLE])
    tuples: dict[str, Any] = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    return Settings(**stored | tuples)
