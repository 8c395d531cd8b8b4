"""Worker process: a worker as its parent sees it, with the folder for its temporary files."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic

from trueline.service.monitoring.count_files import MULTIPROCESS_FOLDER_VARIABLE, SLOT_VARIABLE, remove_gauges
from trueline.service.processes.control_channel import ControlChannel
from trueline.service.settings import SETTINGS_VARIABLE, Settings

CODE_FOLDER = Path(__file__).parents[3]
HEARTBEAT_TIMEOUT_SECONDS = 30.0  # a worker whose event loop says nothing for so long is replaced
# glibc gives freed memory back to the system above 128 KB and asks for it again at the next request, page by page;
# arrays of some thousand texts or a race's history are larger. In bytes; other allocators ignore the variables.
MALLOC_VARIABLES = {"MALLOC_TRIM_THRESHOLD_": "16777216", "MALLOC_MMAP_THRESHOLD_": "4194304"}
COUNTS_FOLDER = "counts"  # in the parent's folder: where the workers pool their counts


class WorkerProcess:
    """A started worker: it loads the models, then waits to be told to serve."""

    def __init__(self, settings: Settings, listener: socket.socket, slot: int, folder: Path) -> None:
        self.slot = slot  # number that no other living worker has
        self.versions: dict[str, str] | None = None  # by task, once the models are loaded
        self.failure, self.is_serving, self._may_serve = "", False, False
        self._last_heard_at = monotonic()
        self._folder = folder / f"worker-{slot}"
        self._folder.mkdir(parents=True, exist_ok=True)  # whoever cleans temporary folders may have removed it
        self._counts = folder / COUNTS_FOLDER
        self._counts.mkdir(exist_ok=True)
        own_end, child_end = socket.socketpair()
        self.control = ControlChannel(own_end)
        variables = {
            SETTINGS_VARIABLE: settings.format_as_json(),
            MULTIPROCESS_FOLDER_VARIABLE: str(self._counts.resolve()),
            SLOT_VARIABLE: str(slot),
            **MALLOC_VARIABLES,
            "TMPDIR": str(self._folder.resolve()),
            "PYTHONPATH": os.pathsep.join([str(CODE_FOLDER), os.environ.get("PYTHONPATH", "")]),
        }
        descriptors = [listener.fileno(), child_end.fileno()]
        with child_end:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trueline.service.processes.worker", *map(str, descriptors)],
                env=os.environ | variables,
                stdin=subprocess.DEVNULL,
                pass_fds=descriptors,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which tells the workers to finish
            )

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def read_messages(self) -> None:
        """Note what the worker has reported: its versions, that it serves, why it cannot, or that it is alive."""
        for message in self.control.read_lines():
            self._last_heard_at = monotonic()
            self.versions = message.get("versions", self.versions)
            self.failure = message.get("failure", self.failure)
            self.is_serving = message.get("serving", self.is_serving)

    def let_serve(self) -> None:
        """Tell the worker to serve, once; `is_serving` is set when it reports that it accepts connections."""
        if not self._may_serve:
            self.control.send_message(command="serve")
        self._may_serve = True

    def stop_if_silent(self) -> bool:
        """Kill a serving worker that hangs; return whether it was killed."""
        is_silent = self.is_serving and monotonic() - self._last_heard_at > HEARTBEAT_TIMEOUT_SECONDS
        if is_silent:
            self.process.kill()
        return is_silent

    def describe_failure(self) -> str:
        """Return why the worker did not start."""
        return self.failure or f"a worker ended with status {self.process.returncode} before its models were loaded."

    def clean_up(self) -> None:
        """Kill the process if it is still running, and remove what it left in its folder."""
        if not self.has_ended:
            self.process.kill()
        self.process.wait()
        self.control.close()
        remove_gauges(self._counts, self.slot)
        shutil.rmtree(self._folder, ignore_errors=True)
