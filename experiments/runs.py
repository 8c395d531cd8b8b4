"""Runs: what can be compared (an experiment, a git revision, the workspace), and the tables that it made."""

import configparser
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from core.refusals import Refusal
from experiments import locks, parsed, repository
from experiments.experiment import Experiment
from experiments.parsed import LOCK, PARAMS, SCORES
from experiments.records import find

if TYPE_CHECKING:
    import pandas as pd

WORKSPACE = "workspace"
PREDICTIONS = "data/predictions/{task}.parquet"
PREPARED = "data/prepared/{task}.parquet"


@dataclass(frozen=True)
class Run:
    """A run by the name that it was asked by; the workspace has no experiment."""

    name: str
    experiment: Experiment | None
    params: dict[str, Any]
    lock: locks.Lock

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it is about."""
        return self.experiment.tasks if self.experiment else tuple(self.params.get("tasks") or {})

    def figures(self, task: str) -> dict[str, Any]:
        """Return the scores of a task."""
        if self.experiment:
            return self.experiment.figures(task)
        return dict((parsed.workspace(SCORES.format(task=task)) or {}).get(task) or {})

    def hash(self, path: str) -> str | None:
        """Return the MD5 that dvc.lock gives an output; for the workspace None unless it is that of the file itself."""
        named = locks.outs(self.lock).get(path)
        return named if self.experiment or _is(_file(path), named) else None


def run(word: str, among: list[Experiment] | None = None) -> Run:
    """Return the run that a word names; refuses one that nobody knows, or that has no result."""
    if word == WORKSPACE:
        return Run(word, None, parsed.workspace(PARAMS) or {}, parsed.workspace(LOCK) or {})
    found = find(word, among)
    if not found.finished:
        raise Refusal(f"{word} is {found.status} and has no result to compare; `python -m experiments show {word}`.")
    return made(found, word)


def made(experiment: Experiment, name: str | None = None) -> Run:
    """Return an experiment as a run, by its own name if none is given."""
    lock = locks.of([experiment.rev])[experiment.rev]
    return Run(name or experiment.name, experiment, experiment.params, lock)


def predictions(task: str, asked: Run, fetch: bool = True) -> "pd.DataFrame":
    """Return the predictions of a run; refuses a run whose predictions are in neither git, the cache nor a remote.

    Remotes are asked only with `fetch`.
    """
    return _table(PREDICTIONS.format(task=task), asked, f"dvc repro evaluate@{task}", fetch)


def prepared(task: str, asked: Run, fetch: bool = True) -> "pd.DataFrame":
    """Return the prepared rows of a run, with outcomes and lines."""
    return _table(PREPARED.format(task=task), asked, f"dvc repro prepare@{task}", fetch)


def _table(path: str, asked: Run, maker: str, fetch: bool) -> "pd.DataFrame":
    content = _here(path, asked, maker) if asked.experiment is None else _kept(path, asked, asked.experiment.rev, fetch)
    import pandas as pd  # half a second, and a remembered verdict does without

    return pd.read_parquet(io.BytesIO(content))


def _here(path: str, asked: Run, maker: str) -> bytes:
    content = _file(path)
    if content is None:
        raise Refusal(f"{path} is missing; run `{maker}` first.")
    if not _is(content, locks.outs(asked.lock).get(path)):
        raise Refusal(f"{path} is not the file that dvc.lock names; run `dvc checkout` for that one, or `{maker}`.")
    return content


def _file(path: str) -> bytes | None:
    return Path(path).read_bytes() if Path(path).is_file() else None


def _is(content: bytes | None, md5: str | None) -> bool:
    return content is not None and hashlib.md5(content).hexdigest() == md5


def _kept(path: str, asked: Run, rev: str, fetch: bool) -> bytes:
    md5 = asked.hash(path)
    content = _tracked(rev, path, md5) or _cached(md5)
    if content is None and not fetch:
        raise Refusal(f"{path} of {asked.name} is not in DVC's cache; `dvc exp pull` or `dvc fetch` brings it.")
    return content if content is not None else _fetched(path, rev, md5)


def _tracked(rev: str, path: str, md5: str | None) -> bytes | None:
    """Return what git holds of a file; where dvc.lock names another, that one is meant."""
    content = repository.read(rev, path)
    return content if md5 is None or _is(content, md5) else None


def _cached(md5: str | None) -> bytes | None:
    """Return what DVC's cache holds under a hash, or None; a file that is not what its name says is none."""
    if not md5:
        return None
    content = _file(str(_place(md5)))
    return content if _is(content, md5) else None


def _place(md5: str) -> Path:
    return _cache() / "files/md5" / md5[:2] / md5[2:]


def _cache() -> Path:
    for file in (Path(".dvc/config.local"), Path(".dvc/config")):
        config = configparser.ConfigParser(interpolation=None, strict=False)
        config.read(file)
        if config.has_option("cache", "dir"):
            return file.parent / config["cache"]["dir"]
    return Path(".dvc/cache")


def _fetched(path: str, rev: str, md5: str | None) -> bytes:
    import dvc.api  # half a second, and needed only for what is not at hand
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        content = bytes(dvc.api.read(path, repo=".", rev=rev, mode="rb"))
    except (DvcException, SCMError, OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise Refusal(
            f"{path} of {rev[:7]} is not at hand ({reason}); `dvc exp pull` or `dvc fetch --all-commits` may bring it."
        ) from None
    if md5 and not _is(content, md5):
        raise Refusal(
            f"what DVC keeps of {path} of {rev[:7]} is not what dvc.lock names; "
            f"delete {_place(md5)} and `dvc fetch` it, or run it again."
        )
    return content
