"""`python -m trueline serve`: load the models, then answer on this machine's port 8000."""

import argparse
import sys
import tempfile

import uvicorn

from trueline.core.errors import UserError
from trueline.service.protection import ServiceProtocol
from trueline.service.settings import Settings

MAX_PORT = 65_535


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop; exit with 1 and a sentence where a model cannot be loaded."""
    settings = _parse_arguments(arguments)
    options = {
        "host": settings.host,
        "port": settings.port,
        "limit_concurrency": settings.concurrency + 1,  # uvicorn counts the one that asks too
        "http": ServiceProtocol,
        "ws": "none",
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 8,  # seconds; Docker kills after 10
        "access_log": False,  # /metrics counts, and a line a request costs a tenth of its time
        "server_header": False,
        "log_level": "warning",
    }
    try:
        if settings.workers == 1:
            from trueline.service.app import create_app, freeze_gc  # here, and below: --help need not wait for it

            uvicorn.run(freeze_gc(create_app(settings)), **options)  # type: ignore[arg-type]
            return
        _check_startup(settings)
    except UserError as error:
        sys.exit(str(error))
    _run_workers(settings, options)


def _parse_arguments(arguments: list[str] | None) -> Settings:
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m trueline serve", description="Answer with promoted models over HTTP."
    )
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
    parser.add_argument(
        "--host", default=defaults.host, help=f"address to listen at ({defaults.host}: this machine alone)"
    )
    parser.add_argument("--port", type=int, default=defaults.port, help=f"({defaults.port})")
    parser.add_argument(
        "--workers", type=int, default=defaults.workers, help=f"processes that answer ({defaults.workers})"
    )
    parser.add_argument(
        "--log", default=defaults.log, help=f"folder of the prediction log ({defaults.log}); '' for none"
    )
    parsed = parser.parse_args(arguments)
    if parsed.workers < 1:
        parser.error("--workers is at least 1")
    if not 0 <= parsed.port <= MAX_PORT:
        parser.error(f"--port is {parsed.port}; give one from 0, which takes any free one, to {MAX_PORT}")
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
    """Try what a worker needs once before any is begun, for a worker that fails is begun again for ever."""
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
