"""Fixtures of a service that runs in the test's own process."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():  # the client asks for httpx2, which is not locked; imported once here, for every test
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", UserWarning)
    from fastapi.testclient import TestClient

from tests.service import trained_repo
from trueline.service.app import create_app
from trueline.service.settings import Settings


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of the events and its dvc.lock; tests must not change it."""
    return trained_repo.repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def client(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service that answers for the events, with a log of its own."""
    log = str(tmp_path_factory.mktemp("log"))
    with TestClient(create_app(Settings(root=str(repository), tasks=("events",), log=log))) as found:
        yield found
