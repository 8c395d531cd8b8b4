"""`python -m trueline serve`: load the models, then serve predictions on this machine's port 8000 by default."""

import argparse
import sys
import tempfile

import uvicorn

from trueline.core.errors import UserError
from trueline.service.protection import ServiceProtocol
from trueline.service.settings import Settings

MAX_PORT = 65_535


def main(arguments: list[str] | None = None) -> None:
    """Run the service until it is stopped; exit with status 1 and an error message if it cannot start."""
    settings = _parse_arguments(arguments)
    options = {
        "host": settings.host,
        "port": settings.port,
        "limit_concurrency": settings.concurrency + 1,  # uvicorn counts the new connection too
        "http": ServiceProtocol,
        "ws": "none",
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 8,  # seconds; Docker kills after 10
        "access_log": False,  # /metrics counts requests, and logging one takes a tenth of its time
        "server_header": False,
        "log_level": "warning",
    }
    try:
        if settings.workers == 1:
            from trueline.service.app import create_app, freeze_gc  # imported late, as below, to keep --help fast

            uvicorn.run(freeze_gc(create_app(settings)), **options)  # type: ignore[arg-type]
            return
        _check_startup(settings)
    except UserError as error:
        sys.exit(str(error))
    _run_workers(settings, options)


def _parse_arguments(arguments: list[str] | None) -> Settings:
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m trueline serve", description="Serve predictions of promoted models over HTTP."
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="TAG",
        help="promoted model to serve, such as events-model@v1.2.0 or events-model#prod; repeat it for other tasks",
    )
    parser.add_argument(
        "--shadow",
        action="append",
        default=[],
        metavar="TAG",
        help="challenger that answers the same requests unseen, such as events-model#staging",
    )
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=[],
        help="tasks to serve (those of --model; without it, every task with a model in dvc.lock)",
    )
    parser.add_argument(
        "--host", default=defaults.host, help=f"address to listen on ({defaults.host}: this machine only)"
    )
    parser.add_argument("--port", type=int, default=defaults.port, help=f"port to listen on ({defaults.port})")
    parser.add_argument(
        "--workers", type=int, default=defaults.workers, help=f"number of worker processes ({defaults.workers})"
    )
    parser.add_argument(
        "--log", default=defaults.log, help=f"folder of the prediction log ({defaults.log}); '' logs nothing"
    )
    parsed = parser.parse_args(arguments)
    if parsed.workers < 1:
        parser.error(f"--workers is {parsed.workers}; give at least 1")
    if not 0 <= parsed.port <= MAX_PORT:
        parser.error(f"--port is {parsed.port}; give one from 0 (any free port) to {MAX_PORT}")
    return Settings(
        parsed.host,
        parsed.port,
        parsed.workers,
        tuple(parsed.tasks),
        tuple(parsed.model),
        tuple(parsed.shadow),
        log=parsed.log,
    )


def _check_startup(settings: Settings) -> None:
    """Load once what a worker needs before any worker starts, since a worker that fails is restarted for ever."""
    from trueline.service.model_loading import load_models
    from trueline.service.monitoring import prediction_log
    from trueline.service.shadow import shadow_traffic

    loaded = load_models(settings)
    prediction_log.check_log_folder(settings.log_folder, loaded)
    shadow_traffic.check_shadows(settings, loaded)


def _run_workers(settings: Settings, options: dict[str, object]) -> None:
    import os

    from trueline.service.monitoring.prometheus_metrics import MULTIPROCESS_FOLDER_VARIABLE

    with tempfile.TemporaryDirectory(prefix="trueline-counts-") as folder:
        os.environ[MULTIPROCESS_FOLDER_VARIABLE] = folder
        settings.export_to_environment()
        uvicorn.run("trueline.service.app:worker", factory=True, workers=settings.workers, **options)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
