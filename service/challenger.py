"""The challenger's process: it loads a model, answers what comes through a socket, and writes its answers down.

`python -m service.challenger MODEL FILE_DESCRIPTOR` is begun by service/shadow.py, with a socket between the two. A
message is a line, the name of a request and the bytes of its body, and the body; the reply is a line that is empty, or
says why there is no answer.
"""

import os
import signal
import socket
import sys
from contextlib import suppress

from pydantic import ValidationError

from core.refusals import Refusal
from service.artifacts import promoted, workspace
from service.loaded import Loaded, one, task_of
from service.prediction_log import PredictionLog, stamped
from service.refused import sentence
from service.settings import Settings, inherited
from service.shadow import READY, paired

FOLDER = "shadow"  # within the task's folder of the log, whose own files hold the champion's answers alone
LONGEST = 300  # letters of what is said of a failure
NICE = 10  # the champion goes first
HERE = "workspace"  # events-model@workspace: what was trained last, against what was promoted


class Challenger:
    """A model with a log."""

    def __init__(self, loaded: Loaded, log: PredictionLog) -> None:
        self._loaded, self._log = loaded, log

    @property
    def version(self) -> str:
        """The version's name and the beginning of the model's hash."""
        return self._loaded.version

    def answered(self, request: str, body: bytes) -> str:
        """Answer a request and write the answer down; return what went wrong, in a sentence, if anything did."""
        loaded = self._loaded
        try:
            asked = loaded.module.Request.model_validate_json(body)
            answer = loaded.module.answer(loaded.model, asked)
            rows = loaded.module.log_rows(loaded.model, asked, answer)
            self._log.append(stamped(paired(rows, request, "shadow"), loaded.version))
        except ValidationError as errors:
            return sentence(errors)
        except Exception as error:  # whatever a challenger does wrong is counted; that is what a shadow is for
            return f"{type(error).__name__}: {error}"
        return ""


def load(settings: Settings, model: str) -> Challenger:
    """Return the challenger with its model loaded; refuse one that cannot be."""
    task = task_of(model)
    files = workspace(settings.folder) if model.endswith(f"@{HERE}") else promoted(settings.folder, model)
    folder = settings.log_folder
    assert folder is not None, "a challenger is not begun without a log"
    return Challenger(one(task, files), PredictionLog(folder / task / FOLDER, settings.log_bytes))


def main(model: str, line: socket.socket) -> None:
    """Say that the model is loaded, or why not; then answer until nobody is at the other end."""
    try:
        challenger = load(inherited(), model)
    except Refusal as said:
        _say(line, str(said))
        return
    _say(line, READY + challenger.version)
    with line.makefile("rb") as stream:
        while head := stream.readline().decode():
            request, _, length = head.partition(" ")
            _say(line, challenger.answered(request, stream.read(int(length))))


def _say(line: socket.socket, said: str) -> None:
    line.sendall(" ".join(said.split())[:LONGEST].encode(errors="replace") + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service says when it ends
    if hasattr(os, "nice"):
        os.nice(NICE)
    with suppress(ConnectionError), socket.socket(fileno=int(sys.argv[2])) as line:
        main(sys.argv[1], line)
