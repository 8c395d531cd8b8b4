"""Worker: loads the models, waits for the parent's word, then serves until it is told to stop.

worker_process.py starts it as `python -m trueline.service.processes.worker LISTENER CONTROL`, with the file descriptors
of the listening socket and of the control channel. A worker whose parent is gone finishes what it has and ends.
"""

import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from trueline.core.errors import UserError
from trueline.service.monitoring.count_files import use_slot_files
from trueline.service.processes.control_channel import ControlChannel
from trueline.service.protection import ServiceProtocol
from trueline.service.service import Service
from trueline.service.settings import Settings, read_inherited_settings

SWITCH_SECONDS = 0.001  # after which a computing thread lets the event loop run; Python's default is 0.005
HEARTBEAT_TICKS = 20  # of uvicorn's, each 0.1 seconds


def main(listener: socket.socket, control: ControlChannel) -> None:
    """Load the models and serve. Exits with status 1 if they cannot be loaded, after telling the parent why."""
    use_slot_files()  # before anything is counted
    from trueline.service.app import create_app, freeze_gc

    settings = read_inherited_settings()
    try:
        app = freeze_gc(create_app(settings))
    except UserError as error:
        control.send_message(failure=str(error))
        sys.exit(1)
    service: Service = app.state.service
    ServiceProtocol.counters = service.counters
    sys.setswitchinterval(SWITCH_SECONDS)
    control.send_message(versions={task: loaded.version for task, loaded in service.loaded.items()})
    if _wait_for_command(control) == "serve":
        ControlledServer(_make_config(app, settings), control, service).run([listener])


class ControlledServer(uvicorn.Server):
    """uvicorn's server, which its parent stops and to which it reports that it is alive."""

    def __init__(self, config: uvicorn.Config, control: ControlChannel, service: Service) -> None:
        super().__init__(config)
        self._control, self._service = control, service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn; afterwards the parent knows that this worker accepts connections."""
        await super().startup(sockets)
        self._control.send_message(serving=True)

    async def on_tick(self, counter: int) -> bool:
        """Obey the parent, ten times a second."""
        for message in self._control.read_lines():
            self._service.failed_takeover = message.get("failed_takeover", self._service.failed_takeover)
            self.should_exit = self.should_exit or message.get("command") == "stop"
        self.should_exit = self.should_exit or self._control.is_closed
        if counter % HEARTBEAT_TICKS == 0:
            self._control.send_message(alive=True)
        return await super().on_tick(counter)


def _make_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    options: dict[str, Any] = {
        "limit_concurrency": settings.concurrency + 1,  # uvicorn counts the new connection too
        "http": ServiceProtocol,
        "ws": "none",
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": settings.drain_seconds,
        "access_log": False,  # /metrics counts requests, and logging one takes a tenth of its time
        "server_header": False,
        "proxy_headers": False,  # nothing depends on them but the prefix: protection/path_prefix.py
        "log_level": "error",  # a warning for every refusal would let any client fill the disk; /metrics counts them
    }
    return uvicorn.Config(app, **options)


def _wait_for_command(control: ControlChannel) -> str:
    """Return the parent's first command, empty if the parent is gone."""
    while not control.is_closed:
        for message in control.read_lines(wait_seconds=1.0):
            if "command" in message:
                return str(message["command"])
    return ""


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once it has finished
        main(socket.socket(fileno=int(sys.argv[1])), ControlChannel(socket.socket(fileno=int(sys.argv[2]))))
