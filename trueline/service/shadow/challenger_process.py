"""Challenger process: loads a model, answers the requests that arrive on a socket, and logs its answers.

shadow_traffic.py starts it as `python -m trueline.service.shadow.challenger_process MODEL FILE_DESCRIPTOR`, with a
socket between the two. A message is a line with the request's id and the body's length in bytes, then the body; the
reply is one line, empty or saying why there is no answer.
"""

import os
import signal
import socket
import sys
from contextlib import suppress

from pydantic import ValidationError

from trueline.core.errors import UserError
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.loaded_models import LoadedModel
from trueline.service.model_loading import WORKSPACE_SUFFIX, load_task_model, open_model, parse_task_name
from trueline.service.monitoring.prediction_log import PredictionLog, stamp_rows
from trueline.service.protection.error_responses import describe_validation_error
from trueline.service.settings import Settings, read_inherited_settings
from trueline.service.shadow.shadow_traffic import READY_PREFIX, pair_rows

SHADOW_LOG_FOLDER = "shadow"  # in the task's log folder, whose own files hold the champion's answers only
MAX_FAILURE_LETTERS = 300  # characters of a failure message
NICE_INCREMENT = 10  # the champion has priority


class Challenger:
    """A loaded model with its log."""

    def __init__(self, loaded: LoadedModel, log: PredictionLog) -> None:
        self._loaded, self._log = loaded, log

    @property
    def version(self) -> str:
        """The version's name and the first digits of the model's hash."""
        return self._loaded.version

    def answer_request(self, request_id: str, body: bytes) -> str:
        """Answer a request and log the answer; return what went wrong as a sentence, empty if nothing did."""
        loaded = self._loaded
        try:
            parsed = loaded.module.Request.model_validate_json(body)
            answer = loaded.module.answer(loaded.model, parsed)
            rows = loaded.module.log_rows(loaded.model, parsed, answer)
            self._log.append(stamp_rows(pair_rows(rows, request_id, "shadow"), loaded.version, loaded.model_hash))
        except ValidationError as errors:
            return describe_validation_error(errors)
        except Exception as error:  # whatever a challenger does wrong is counted; that is what a shadow is for
            return f"{type(error).__name__}: {error}"
        return ""


def load_challenger(settings: Settings, model: str) -> Challenger:
    """Return the challenger with its model loaded. Raises UserError if it cannot be loaded."""
    task = parse_task_name(model)
    is_workspace = model.endswith(WORKSPACE_SUFFIX)
    files = open_workspace(settings.root_folder) if is_workspace else open_model(settings, model)
    folder = settings.log_folder
    assert folder is not None, "a challenger needs a log"
    log = PredictionLog(folder / task / SHADOW_LOG_FOLDER, settings.log_bytes, settings.log_days)
    return Challenger(load_task_model(task, files), log)


def main(model: str, connection: socket.socket) -> None:
    """Report that the model is loaded, or why not; then answer requests until the other end closes."""
    try:
        challenger = load_challenger(read_inherited_settings(), model)
    except UserError as error:
        _send_line(connection, str(error))
        return
    _send_line(connection, READY_PREFIX + challenger.version)
    with connection.makefile("rb") as stream:
        while header := stream.readline().decode():
            request_id, _, length = header.partition(" ")
            _send_line(connection, challenger.answer_request(request_id, stream.read(int(length))))


def _send_line(connection: socket.socket, message: str) -> None:
    connection.sendall(" ".join(message.split())[:MAX_FAILURE_LETTERS].encode(errors="replace") + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides when this process ends
    if hasattr(os, "nice"):
        os.nice(NICE_INCREMENT)
    with suppress(ConnectionError), socket.socket(fileno=int(sys.argv[2])) as connection:
        main(sys.argv[1], connection)
