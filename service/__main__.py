"""`python -m service`: load the models, then answer on this machine's port 8000."""

import argparse
import sys
import tempfile

import uvicorn

from core.refusals import Refusal
from service.settings import Settings
from service.wire import Wire

LAST_PORT = 65_535


def main(words: list[str] | None = None) -> None:
    """Serve until told to stop; exit with 1 and a sentence where a model cannot be loaded."""
    settings = _asked(words)
    options = {
        "host": settings.host,
        "port": settings.port,
        "limit_concurrency": settings.concurrency + 1,  # uvicorn counts the one that asks too
        "http": Wire,
        "ws": "none",
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 8,  # seconds; Docker kills after 10
        "access_log": False,  # /metrics counts, and a line a request costs a tenth of its time
        "server_header": False,
        "log_level": "warning",
    }
    try:
        if settings.workers == 1:
            from service.app import create_app, settled  # here, and below: --help need not wait for it

            uvicorn.run(settled(create_app(settings)), **options)  # type: ignore[arg-type]
            return
        _try(settings)
    except Refusal as said:
        sys.exit(str(said))
    _together(settings, options)


def _asked(words: list[str] | None) -> Settings:
    kept = Settings()
    parser = argparse.ArgumentParser(prog="python -m service", description="Answer with promoted models over HTTP.")
    parser.add_argument(
        "--model", action="append", default=[], metavar="TAG", help="events-model@v1.2.0, events-model#prod"
    )
    parser.add_argument(
        "--shadow",
        action="append",
        default=[],
        metavar="TAG",
        help="a model that answers unseen beside: events-model#staging",
    )
    parser.add_argument("--tasks", nargs="+", default=[], help="what to answer for; all that dvc.lock has a model of")
    parser.add_argument("--host", default=kept.host, help=f"address to listen at ({kept.host}: this machine alone)")
    parser.add_argument("--port", type=int, default=kept.port, help=f"({kept.port})")
    parser.add_argument("--workers", type=int, default=kept.workers, help=f"processes that answer ({kept.workers})")
    parser.add_argument("--log", default=kept.log, help=f"folder of the prediction log ({kept.log}); '' for none")
    told = parser.parse_args(words)
    if told.workers < 1:
        parser.error("--workers is at least 1")
    if not 0 <= told.port <= LAST_PORT:
        parser.error(f"--port is {told.port}; give one from 0, which takes any free one, to {LAST_PORT}")
    return Settings(
        told.host, told.port, told.workers, tuple(told.tasks), tuple(told.model), tuple(told.shadow), log=told.log
    )


def _try(settings: Settings) -> None:
    """Try what a worker needs once before any is begun, for a worker that fails is begun again for ever."""
    from service import prediction_log, shadow
    from service.loaded import load

    loaded = load(settings)
    prediction_log.check(settings.log_folder, loaded)
    shadow.check(settings, loaded)


def _together(settings: Settings, options: dict[str, object]) -> None:
    import os

    from service.counters import SHARED

    with tempfile.TemporaryDirectory(prefix="trueline-counts-") as folder:
        os.environ[SHARED] = folder
        settings.export()
        uvicorn.run("service.app:worker", factory=True, workers=settings.workers, **options)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
