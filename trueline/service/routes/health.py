"""/health: whether the service is alive and ready, and which model versions answer."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel, Field

from trueline.service.service import Service


class Answering(BaseModel):
    """The model that answers for a task."""

    version: str = Field(description="git tag, or workspace, and digits of the hash of all that makes its answers")
    commit: str | None = Field(description="the commit that it was promoted on; null for the workspace's model")
    md5: str = Field(description="MD5 of the model, as in dvc.lock")


class Health(BaseModel):
    """The state of the service."""

    live: bool = Field(description="the service answers")
    ready: bool = Field(description="every model is loaded; the service does not start otherwise")
    version: str = Field(description="version of the service")
    models: dict[str, Answering] = Field(description="the loaded models by task")
    failed_takeover: str | None = Field(
        description="why newer models could not be taken over, so that these go on; null if none failed"
    )


def router(service: Service) -> APIRouter:
    """Return the router of /health, which needs no token; the models are the same for as long as the process lives."""
    api_router = APIRouter()
    models = {
        task: Answering(version=loaded.version, commit=loaded.files.commit, md5=loaded.model_hash)
        for task, loaded in service.loaded.items()
    }
    answer = Health(live=True, ready=True, version=read_own_version(), models=models, failed_takeover=None)

    @api_router.get("/health", summary="Whether the service is alive and ready, and which versions answer")
    async def health() -> Health:
        return answer.model_copy(update={"failed_takeover": service.failed_takeover})

    return api_router


def read_own_version() -> str:
    """Return the version of the installed package, or of the checkout if it is not installed; 0 without either."""
    try:
        return version("trueline")
    except PackageNotFoundError:
        project_file = Path(__file__).parents[3] / "pyproject.toml"
        return str(tomllib.loads(project_file.read_text())["project"]["version"]) if project_file.exists() else "0"
