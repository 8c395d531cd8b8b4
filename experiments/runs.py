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
        """Return the MD5 that dvc.lock gives an output; for the workspace, that of the file itself."""
        if self.experiment:
            return locks.outs(self.lock).get(path)
        return hashlib.md5(Path(path).read_bytes()).hexdigest() if Path(path).exists() else None


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
    content = _here(path, maker) if asked.experiment is None else _kept(path, asked, asked.experiment.rev, fetch)
    import pandas as pd  # half a second, and a remembered verdict does without

    return pd.read_parquet(io.BytesIO(content))


def _here(path: str, maker: str) -> bytes:
    if not Path(path).exists():
        raise Refusal(f"{path} is missing; run `{maker}` first.")
    return Path(path).read_bytes()


def _kept(path: str, asked: Run, rev: str, fetch: bool) -> bytes:
    content = repository.read(rev, path) or _cached(asked.hash(path))
    if content is None and not fetch:
        raise Refusal(f"{path} of {asked.name} is not in DVC's cache; `dvc exp pull` or `dvc fetch` brings it.")
    return content if content is not None else _fetched(path, rev)


def _cached(md5: str | None) -> bytes | None:
    """Return what DVC's cache holds under a hash, or None; a file that is not what its name says is none."""
    if not md5:
        return None
    file = _cache() / "files/md5" / md5[:2] / md5[2:]
    content = file.read_bytes() if file.exists() else b""
    return content if hashlib.md5(content).hexdigest() == md5 else None


def _cache() -> Path:
    for file in (Path(".dvc/config.local"), Path(".dvc/config")):
        config = configparser.ConfigParser(interpolation=None, strict=False)
        config.read(file)
        if config.has_option("cache", "dir"):
            return file.parent / config["cache"]["dir"]
    return Path(".dvc/cache")


def _fetched(path: str, rev: str) -> bytes:
    import dvc.api  # half a second, and needed only for what is not at hand
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        return bytes(dvc.api.read(path, repo=".", rev=rev, mode="rb"))
    except (DvcException, SCMError, OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise Refusal(
            f"{path} of {rev[:7]} is not at hand ({reason}); `dvc exp pull` or `dvc fetch --all-commits` may bring it."
        ) from None
