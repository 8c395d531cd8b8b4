"""Load: minutes of mixed requests while workers are killed and a model is promoted, and what the service owed them.

Its clients send single events and many, races, players, faulty requests and ones that they abandon, and look at the
pages. Every 30 seconds a worker is killed, and half-way newer versions of all models are promoted. Afterwards every
answer is compared with the log.
"""

import asyncio
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from trueline.benchmarks.load_lab.accounts import Accounts, Promotion, settle_accounts
from trueline.benchmarks.load_lab.clients import Load, list_kinds, run_clients
from trueline.benchmarks.load_lab.loaded_service import LoadedService, run_service
from trueline.benchmarks.load_lab.promoted_copy import PromotedCopy
from trueline.core.errors import UserError
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.tasks import list_tasks

LOG = "log"
WORKERS = 2
KILL_EVERY_SECONDS = 30.0
TAKEOVER_SECONDS = 240.0  # that new workers may take to load all models, on a machine that does much else
LAST_SECONDS = 2.0  # of load at least after the promotion was announced
MAX_ATTEMPTS = 5  # to take the new models over: a worker that is killed while it loads them ends an attempt


def main(minutes: str = "10") -> None:
    """Run the load for some minutes on the workspace's models and print the accounts; exit with 1 if they are wrong."""
    try:
        seconds = 60 * float(minutes)
    except ValueError:
        raise UserError(f"load: {minutes!r} is no number of minutes.") from None
    files = open_workspace(Path())
    tasks = tuple(task for task in list_tasks() if files.has_output(f"models/{task}/final"))
    if not tasks:
        raise UserError("load: the workspace has no models; run `dvc repro`.")
    accounts, kills = run_load(Path(), tasks, seconds, KILL_EVERY_SECONDS)
    print(describe_accounts(accounts, kills, seconds))
    if not accounts.is_clean:
        sys.exit(1)


def run_load(workspace: Path, tasks: tuple[str, ...], seconds: float, kill_every: float) -> tuple[Accounts, int]:
    """Return the accounts of a load on a workspace's models, and how many workers were killed meanwhile.

    What the service printed follows on stderr if the accounts are wrong.
    """
    with tempfile.TemporaryDirectory(prefix="trueline-load-") as name:
        copy = PromotedCopy(workspace, Path(name) / "repository", tasks)
        copy.promote(1)
        with run_service(copy.folder, copy.models, LOG, WORKERS) as service:
            before = read_versions(service)
            load, kills = Load(), list[float]()
            clients = threading.Thread(target=lambda: asyncio.run(run_clients(service.port, load, list_kinds(tasks))))
            clients.start()
            try:
                promotion = _stress(service, copy, before, kills, seconds, kill_every)
            finally:
                load.is_stopped = True
                clients.join()
        rows = [row for task in tasks for row in read_log(copy.folder / LOG / task)]
    accounts = settle_accounts(load.received, rows, promotion, kills)
    if not accounts.is_clean:
        print(*service.printed_lines, sep="\n", file=sys.stderr)
    return accounts, len(kills)


def describe_accounts(accounts: Accounts, kills: int, seconds: float) -> str:
    """Return the accounts as lines of text."""
    outcomes = ", ".join(f"{count:,} × {outcome}" for outcome, count in accounts.outcomes.most_common())
    lines = [
        f"{sum(accounts.outcomes.values()):,} requests in {seconds:g} seconds, {kills} workers killed, 1 promotion",
        f"outcomes: {outcomes}",
        *(f"{count:>6}  {fault}" for fault, count in accounts.faults.items()),
        f"{accounts.logged_unanswered:>6}  requests logged whose worker was killed before it had answered (allowed)",
    ]
    return "\n".join(lines)


def read_versions(service: LoadedService) -> dict[str, str]:
    """Return the versions that a service prints at its start, by task."""
    versions: dict[str, str] = {}
    while True:
        _, line = service.wait_for_line("", seconds=TAKEOVER_SECONDS)
        if not line.startswith("  "):
            return versions
        task, _, version = line.strip().partition(": ")
        versions[task] = version


def _stress(
    service: LoadedService, copy: PromotedCopy, before: dict[str, str], kills: list[float], seconds: float, every: float
) -> Promotion:
    """Kill workers all the time, and promote newer models half-way; return when they were announced."""
    is_over = threading.Event()

    def kill_workers() -> None:
        while not is_over.wait(every):
            if (killed_at := service.kill_worker(copy.folder / LOG)) is not None:
                kills.append(killed_at)

    killer = threading.Thread(target=kill_workers)
    started_at = time.monotonic()
    killer.start()
    try:
        time.sleep(seconds / 2)
        copy.change_calibrators()
        copy.promote(2)
        asked_at = time.monotonic()
        announced_at, line = _take_over(service)
        time.sleep(max(LAST_SECONDS, started_at + seconds - time.monotonic()))
    finally:
        is_over.set()
        killer.join()
    pairs = line.partition("taken over: ")[2].partition(";")[0].split(", ")
    after = dict(pair.split(" ", 1) for pair in pairs)
    return Promotion(asked_at, announced_at, before, after)


def _take_over(service: LoadedService) -> tuple[float, str]:
    """Ask the service to take the newer models over, again if a worker is killed while it loads them."""
    for _ in range(MAX_ATTEMPTS):
        service.process.send_signal(signal.SIGHUP)
        printed_at, line = service.wait_for_line("taken over: ", seconds=TAKEOVER_SECONDS)
        if not line.startswith("not "):
            return printed_at, line
    raise UserError(f"load: the newer models were not taken over in {MAX_ATTEMPTS} attempts: {line}")
