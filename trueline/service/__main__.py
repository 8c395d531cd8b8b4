"""`python -m trueline serve`: load the models, then serve predictions on this machine's port 8000 by default."""

import argparse
import os
import sys

from trueline.core.errors import UserError
from trueline.service.processes.listening import describe_address, has_token, is_loopback, open_listener
from trueline.service.processes.run_folder import create_run_folder
from trueline.service.processes.supervisor import Supervisor, print_line
from trueline.service.protection.host_check import LOCAL_HOSTS, check_hosts
from trueline.service.protection.path_prefix import check_prefix, check_proxies
from trueline.service.settings import Settings

MAX_PORT = 65_535


def main(arguments: list[str] | None = None) -> None:
    """Run the service until it is stopped; exit with status 1 and an error message if it cannot start."""
    try:
        settings = _parse_arguments(arguments)
        with open_listener(settings) as listener, create_run_folder() as folder:
            address = describe_address(listener)
            Supervisor(settings, listener, folder).run_workers(
                lambda versions: _print_start(settings, address, versions)
            )
    except UserError as error:
        sys.exit(str(error))


def _print_start(settings: Settings, address: str, versions: dict[str, str]) -> None:
    """Print where the service listens, which models answer, whether a token is needed and how to change the models."""
    token = "callers need the token" if has_token() else "no token is needed"
    print_line(f"Trueline listens on {address} with {settings.workers} worker(s); {token}.")
    for task, version in sorted(versions.items()):
        print_line(f"  {task}: {version}")
    watched = f", or within {settings.watch_seconds:g} seconds" if settings.watch_seconds else ""
    print_line(f"Newly promoted models are taken over on `kill -HUP {os.getpid()}`{watched}.")


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
        "--exported",
        default=defaults.exported,
        metavar="FOLDER",
        help="serve the models that `python -m trueline export` wrote into a folder, without git and DVC",
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
    parser.add_argument(
        "--keep-log",
        type=float,
        default=defaults.log_days,
        metavar="DAYS",
        help="remove files of the prediction log that were last written so many days ago (0: none)",
    )
    parser.add_argument(
        "--watch",
        type=float,
        default=defaults.watch_seconds,
        metavar="SECONDS",
        help="look so often whether there are newer models, and take them over (0: only on SIGHUP)",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host that requests may name, besides this machine; any if other machines may connect and none is given",
    )
    parser.add_argument(
        "--root-path",
        default=defaults.root_path,
        metavar="PREFIX",
        help="prefix of the address under which a proxy offers the service, such as /trueline",
    )
    parser.add_argument(
        "--trust-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="address or network of a proxy whose X-Forwarded-Prefix is believed instead; repeat it for others",
    )
    parser.add_argument(
        "--without-token",
        action="store_true",
        help="let other machines connect without a token, because something else decides who may",
    )
    parsed = parser.parse_args(arguments)
    if parsed.workers < 1:
        parser.error(f"--workers is {parsed.workers}; give at least 1")
    if not 0 <= parsed.watch < float("inf"):
        parser.error(f"--watch is {parsed.watch}; give a number of seconds, or 0 to take over on SIGHUP only")
    if not parsed.keep_log >= 0:
        parser.error(f"--keep-log is {parsed.keep_log}; give a number of days, or 0 to remove nothing")
    if parsed.exported and (parsed.model or parsed.shadow):
        parser.error("--exported serves the models of a folder; leave out --model and --shadow, which name tags in git")
    if not 0 <= parsed.port <= MAX_PORT:
        parser.error(f"--port is {parsed.port}; give one from 0 (any free port) to {MAX_PORT}")
    return Settings(
        parsed.host,
        parsed.port,
        parsed.workers,
        tuple(parsed.tasks),
        tuple(parsed.model),
        tuple(parsed.shadow),
        exported=parsed.exported,
        root_path=check_prefix(parsed.root_path),
        trusted_proxies=check_proxies(parsed.trust_proxy),
        watch_seconds=parsed.watch,
        allowed_hosts=_list_allowed_hosts(parsed.host, check_hosts(parsed.allow_host)),
        is_open=parsed.without_token,
        log=parsed.log,
        log_days=parsed.keep_log,
    )


def _list_allowed_hosts(host: str, named_hosts: tuple[str, ...]) -> tuple[str, ...]:
    if not named_hosts and not is_loopback(host):
        return ()
    return (*LOCAL_HOSTS, f"[{host}]" if ":" in host else host, *named_hosts)


if __name__ == "__main__":
    main()
