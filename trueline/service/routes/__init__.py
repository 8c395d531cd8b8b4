"""Addresses, a file for each kind: `router(service)` returns them, and every file here is taken."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from fastapi import APIRouter

from trueline.service.service import Service


def load_routers(service: Service) -> Iterator[APIRouter]:
    """Yield the addresses of every file, in the order of their names."""
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if not file.stem.startswith("_"):
            yield import_module(f"trueline.service.routes.{file.stem}").router(service)
