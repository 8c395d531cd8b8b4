"""HTTP routes, one module per kind: each defines `router(service)`, and every module here is included."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from fastapi import APIRouter

from trueline.service.service import Service


def load_routers(service: Service) -> Iterator[APIRouter]:
    """Yield the router of every module here, in the order of the modules' names."""
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if not file.stem.startswith("_"):
            yield import_module(f"trueline.service.routes.{file.stem}").router(service)
