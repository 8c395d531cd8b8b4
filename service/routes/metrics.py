"""/metrics: counts for Prometheus."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.service import Service


def router(service: Service) -> APIRouter:
    """Return /metrics."""
    found = APIRouter()

    @found.get("/metrics", summary="Counts for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(service.counters.text(service.drifts), headers={"content-type": CONTENT_TYPE_LATEST})

    return found
