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
    exported: str = ""  # folder of exported models (artifacts/exported_model.py); empty: they come from git and DVC
    pins: tuple[tuple[str, str, str], ...] = ()  # what these mean: name, tag and commit, resolved by the parent alone
    allowed_hosts: tuple[str, ...] = ()  # that the Host header may name; empty: any
    root_path: str = ""  # prefix under which a proxy offers the service, such as /trueline
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-Prefix is believed
    is_open: bool = False  # other machines may connect without a token
    watch_seconds: float = 0.0  # between two looks at what the tags mean; 0: only on SIGHUP
    root: str = "."  # the repository
    log: str = "predictions"  # folder; empty: nothing is logged
    log_bytes: int = 16_000_000  # largest file of the log, some 20,000 events
    log_days: float = 0.0  # days for which files of the log are kept; 0: for ever
    body_bytes: int = 4_000_000  # largest request body: a thousand events of 4,000 characters
    body_seconds: float = 10.0  # from the head of a request to the last byte of its body
    threads: int = 2  # per worker, for requests that take long
    max_waiting: int = 64  # requests that may wait for these threads; more are answered 503
    deadline_seconds: float = 7.0  # from the last byte of a request; one not answered by then is answered 503
    drain_seconds: float = 8.0  # to finish what is in flight after SIGTERM; Docker kills after 10
    concurrency: int = 256  # connections at once; more are answered 503

    @property
    def root_folder(self) -> Path:
        """The repository's folder."""
        return Path(self.root)

    @property
    def exported_folder(self) -> Path:
        """The folder of exported models."""
        return self.root_folder / self.exported

    @property
    def log_folder(self) -> Path | None:
        """Folder of the prediction log; None if nothing is logged."""
        return self.root_folder / self.log if self.log else None

    def format_as_json(self) -> str:
        """Return the settings as text for another process's environment."""
        return json.dumps(asdict(self))


def read_inherited_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that the parent put into the environment as `format_as_json` gives them."""
    stored: dict[str, Any] = json.loads(environment[SETTINGS_VARIABLE])
    return Settings(**{name: _convert_lists(value) for name, value in stored.items()})


def _convert_lists(value: Any) -> Any:
    """Return lists as tuples, since JSON has no tuples."""
    return tuple(map(_convert_lists, value)) if isinstance(value, list) else value
