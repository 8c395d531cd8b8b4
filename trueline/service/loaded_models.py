"""LoadedModel: a task with the model that this process answers it with."""

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from trueline.service.artifacts.answer_version import build_version, hash_parts
from trueline.service.artifacts.verified_files import VerifiedFiles

MODEL_SUFFIX = "-model"  # ends an artifact's name: events-model
MAX_ERROR_LETTERS = 200  # characters of a library's message about a broken file


@dataclass(frozen=True)
class LoadedModel:
    """A task's module and the model that answers for it, with the files it was loaded from."""

    task: str
    module: ModuleType
    model: Any
    files: VerifiedFiles

    @cached_property
    def version(self) -> str:
        """The version's name and digits of the hash of all that makes its answers: events-model@v1.2.0:4f9cfd95."""
        return build_version(self.files, self.task)

    @cached_property
    def part_hashes(self) -> dict[str, str]:
        """The hash of each part that makes the answers: model, calibrator, history, settings and code."""
        return hash_parts(self.files, self.task)

    @cached_property
    def model_hash(self) -> str:
        """The MD5 of the model."""
        return self.files.get_hash(f"models/{self.task}/final")
