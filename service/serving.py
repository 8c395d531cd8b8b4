"""Serving: from the bytes of a request to the bytes of an answer, logged and counted on the way."""

import logging
from collections.abc import Iterator
from time import monotonic
from typing import Any

import anyio.to_thread
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from core.refusals import Refusal
from service.counters import Counters
from service.drift import Drift
from service.loaded import Loaded
from service.prediction_log import PredictionLog, Rows, stamped
from service.refused import refused, sentence
from service.shadow import Shadow, paired

AGAIN = 10.0  # seconds between two lines about rows that were not logged
JSON = ("application/json", "")  # what a body may call itself; curl is forgiven for saying nothing


class Serving:
    """One task's address."""

    def __init__(self, loaded: Loaded, counters: Counters, log: PredictionLog | None) -> None:
        self.loaded, self.drift, self.shadow = loaded, None, None
        self._counters, self._log = counters, log
        self._at_once: int = getattr(loaded.module, "AT_ONCE", 0)
        self._few: int = getattr(loaded.module, "FEW", 0)
        self._unlogged, self._told = 0, -AGAIN

    drift: Drift | None
    shadow: Shadow | None  # a challenger that is asked the same, unseen

    async def respond(self, request: Request) -> Response:
        """Answer a request: 200 with an Answer, or a 4xx with a sentence.

        A short body of few parts is answered at once; another in a thread, so that others need not wait for it.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in JSON:
            return refused(415, f"The body is {kind[:60]!r}; send application/json.")
        try:
            body = await request.body()
        except ClientDisconnect:
            return refused(400, "The client left before its body was whole.")  # for the counts: nobody hears it
        if len(body) <= self._at_once and body.count(b"{") <= self._few:
            return self.answered(body)
        return await anyio.to_thread.run_sync(self.answered, body)

    def answered(self, body: bytes) -> Response:
        """Return the answer to a body."""
        loaded = self.loaded
        try:
            asked = loaded.module.Request.model_validate_json(body)
            answer = loaded.module.answer(loaded.model, asked)
        except ValidationError as errors:
            return refused(422, sentence(errors))
        except Refusal as said:
            return refused(422, str(said))
        rows = loaded.module.log_rows(loaded.model, asked, answer)
        if self.shadow is None:
            self._note(rows)
        else:
            request = self.shadow.request()
            self._note(paired(rows, request, "champion"))
            self.shadow.offer(request, body)
        return Response(answer.__pydantic_serializer__.to_json(answer), media_type="application/json")

    def _note(self, rows: Rows) -> None:
        """Count what was predicted, and write it down; an answer is given even where the disk is full."""
        task, version = self.loaded.task, self.loaded.version
        numbers = list(_numbers(rows))
        self._counters.predicted(task, version, len(rows), numbers)
        if self.drift:
            self.drift.see(numbers)
        if self._log is None:
            return
        try:
            self._log.append(stamped(rows, version))
        except OSError as error:
            self._counters.unlogged(task, len(rows))
            self._tell(len(rows), error)

    def _tell(self, rows: int, error: OSError) -> None:
        """Say that rows were not logged; a log that takes nothing any more is told of now and then."""
        self._unlogged += rows
        if monotonic() - self._told >= AGAIN:
            self._told = monotonic()
            logging.getLogger("uvicorn.error").error(
                "rows of %s were not logged (%s so far): %s", self.loaded.task, self._unlogged, error
            )


def _numbers(rows: Rows) -> Iterator[float]:
    for row in rows:
        told: Any = row.get("predicted")
        if isinstance(told, dict):
            yield from told.values()
        elif isinstance(told, int | float):
            yield told
