"""Prediction endpoint: turns the bytes of a request into the bytes of an answer, logging and counting on the way."""

import asyncio
import logging
from collections.abc import Iterator
from time import monotonic
from typing import Any

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive

from trueline.core.errors import UserError
from trueline.service.loaded_models import LoadedModel
from trueline.service.monitoring.prediction_drift import PredictionDrift
from trueline.service.monitoring.prediction_log import LogRows, PredictionLog, stamp_rows
from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
from trueline.service.protection.disconnects import SENDS_NO_MORE
from trueline.service.protection.error_responses import build_error_response, build_refusal, build_validation_response
from trueline.service.serving.compute_pool import AbandonedError, Claim, ComputePool, OverloadError
from trueline.service.serving.request_forms import RequestForm, build_single_form
from trueline.service.shadow.shadow_traffic import Shadow, pair_rows

LOG_EVERY_SECONDS = 10.0  # seconds between two error lines about unlogged rows
JSON_TYPE = "application/json"  # the only type that is accepted: a page elsewhere cannot send it unasked
IDENTITY = "identity"  # the content encoding of a body that is not compressed
DEPARTED_STATUS = 499  # as nginx counts it; nobody receives it
DEPARTED_RESPONSE = build_error_response(DEPARTED_STATUS, "The client disconnected before it had its answer.")
BUSY_MESSAGE = "More requests are waiting than can be answered in time; try again after the seconds in Retry-After."


class PredictionEndpoint:
    """The prediction endpoint of one task, for single requests or for batches of them."""

    def __init__(
        self,
        loaded: LoadedModel,
        counters: ServiceMetrics,
        log: PredictionLog | None,
        pool: ComputePool,
        form: RequestForm | None = None,
    ) -> None:
        self.loaded, self.form = loaded, form or build_single_form(loaded.task, loaded.module)
        self.drift, self.shadow = None, None
        self._counters, self._log, self._pool = counters, log, pool
        self._max_inline_bytes = self.form.max_inline_bytes
        self._max_inline_braces = self.form.max_inline_braces
        self._unlogged_rows, self._last_logged_at = 0, -LOG_EVERY_SECONDS

    drift: PredictionDrift | None
    shadow: Shadow | None  # a challenger that gets the same requests, unseen

    async def handle_request(self, request: Request) -> Response:
        """Answer a request: 200 with an Answer, or a 4xx or 503 with one sentence."""
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != JSON_TYPE:
            received = repr(content_type[:60]) if content_type else "none"
            return build_error_response(415, f"The content type is {received}; send application/json.")
        if (encoding := request.headers.get("content-encoding", IDENTITY)).strip().lower() != IDENTITY:
            message = f"The body is encoded as {encoding[:60]!r}; send it as plain JSON."
            return build_error_response(415, message, {"Accept-Encoding": IDENTITY})
        try:
            body = await request.body()
        except ClientDisconnect:
            return DEPARTED_RESPONSE
        return await self.answer(body, request.receive, request.scope.get(SENDS_NO_MORE))

    async def answer(self, body: bytes, receive: Receive, sends_no_more: asyncio.Event | None) -> Response:
        """Return the answer to a whole body; `sends_no_more` is set when the client stops sending.

        A short body of few parts is answered on the event loop; any other in the pool of threads, so that other
        requests need not wait for it.
        """
        if len(body) <= self._max_inline_bytes and body.count(b"{") <= self._max_inline_braces:
            return self.answer_body(body)
        try:
            return await self._pool.run_job(lambda claim: self.answer_body(body, claim), receive, sends_no_more)
        except OverloadError as error:
            return build_error_response(503, BUSY_MESSAGE, {"Retry-After": str(error.retry_seconds)})
        except AbandonedError:
            return DEPARTED_RESPONSE

    def answer_body(self, body: bytes, claim: Claim | None = None) -> Response:
        """Return the answer to a body: 200, or 422 with one sentence. Without the claim it is not logged or counted."""
        loaded, form = self.loaded, self.form
        try:
            parsed = form.request_model.model_validate_json(body)
            answer = form.answer(loaded.model, parsed)
        except ValidationError as errors:
            return build_validation_response(errors)
        except UserError as error:
            return build_refusal(error)
        rows_by_part = [loaded.module.log_rows(loaded.model, *pair) for pair in form.list_parts(parsed, answer)]
        if claim is not None and not claim.take():
            return DEPARTED_RESPONSE
        if self.shadow is None:
            self._log_prediction([row for rows in rows_by_part for row in rows])
        else:
            self._pair_with_shadow(self.shadow, rows_by_part, form.write_parts(parsed, body))
        return Response(answer.__pydantic_serializer__.to_json(answer), media_type="application/json")

    def _pair_with_shadow(self, shadow: Shadow, rows_by_part: list[LogRows], bodies: list[bytes]) -> None:
        """Log the rows of each part under an id, and offer the part to the challenger with it."""
        request_ids = [shadow.create_request_id() for _ in rows_by_part]
        pairs = zip(rows_by_part, request_ids, strict=True)
        self._log_prediction([row for rows, request_id in pairs for row in pair_rows(rows, request_id, "champion")])
        for request_id, part_body in zip(request_ids, bodies, strict=True):
            shadow.offer_request(request_id, part_body)

    def _log_prediction(self, rows: LogRows) -> None:
        """Count the predictions and log them; a failed write is reported, and the request is answered all the same."""
        task, version = self.loaded.task, self.loaded.version
        numbers = list(_iterate_numbers(rows))
        self._counters.count_predictions(task, version, len(rows), numbers)
        if self.drift:
            self.drift.add_predictions(numbers)
        if self._log is None:
            return
        try:
            self._log.append(stamp_rows(rows, version, self.loaded.model_hash))
        except OSError as error:
            self._counters.count_unlogged(task, len(rows))
            self._log_failure(len(rows), error)

    def _log_failure(self, rows: int, error: OSError) -> None:
        """Report that rows were not logged, at most once every LOG_EVERY_SECONDS."""
        self._unlogged_rows += rows
        if monotonic() - self._last_logged_at >= LOG_EVERY_SECONDS:
            self._last_logged_at = monotonic()
            logging.getLogger("uvicorn.error").error(
                "rows of %s were not logged (%s so far): %s", self.loaded.task, self._unlogged_rows, error
            )


def _iterate_numbers(rows: LogRows) -> Iterator[float]:
    for row in rows:
        predicted: Any = row.get("predicted")
        if isinstance(predicted, dict):
            yield from predicted.values()
        elif isinstance(predicted, int | float):
            yield predicted
