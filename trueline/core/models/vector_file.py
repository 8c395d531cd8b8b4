"""The file of word vectors that a task names, and the settings of its use."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.output_hashes import hash_file
from trueline.core.runtime.params import NO_VECTORS, StageSettings, load_settings, load_task_config


class VectorSettings(StageSettings):
    """How much word vectors count, and of how many words that no text of training has they are kept."""

    weight: float = Field(gt=0)  # length of a text's vector; that of its runs of words or of letters is 1
    frequent_words: int = Field(ge=0)  # of the file's beginning


@dataclass(frozen=True)
class VectorFile:
    """A file of word vectors, by its absolute path and its hash, and the settings of its use."""

    path: str
    digest: str
    weight: float
    frequent_words: int

    @property
    def content_key(self) -> tuple[str, float, int]:
        """What results depend on: all but the place of the file."""
        return self.digest, self.weight, self.frequent_words


def load_vector_file(task: str) -> VectorFile | None:
    """Return the file of word vectors of a task, None if it has none; raises UserError if it is no file."""
    path = load_task_config(task).vectors
    if path == NO_VECTORS:
        return None
    if not Path(path).is_file():
        raise UserError(f"tasks.{task}.vectors is {path!r}, which is no file; name one, or {NO_VECTORS} for none.")
    settings = load_settings(VectorSettings, "train", task, "vectors")
    # absolute, because the score audit runs a stage again in another folder
    return VectorFile(str(Path(path).absolute()), hash_file(Path(path)), settings.weight, settings.frequent_words)
