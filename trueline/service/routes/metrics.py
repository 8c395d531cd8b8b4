"""/metrics: counters for Prometheus."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from trueline.service.service import Service


def router(service: Service) -> APIRouter:
    """Return the router of /metrics."""
    api_router = APIRouter()

    @api_router.get("/metrics", summary="Counters for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(service.counters.render_text(service.drifts), headers={"content-type": CONTENT_TYPE_LATEST})

    return api_router
