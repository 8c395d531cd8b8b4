"""Runs that can be compared (an experiment, a git revision or the workspace), and the tables that they produced."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from trueline.core.errors import UserError
from trueline.experiments.store import dvc_lock, file_cache, git
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.experiments_index import find_experiment
from trueline.experiments.store.file_cache import LOCK, PARAMS, SCORES
from trueline.experiments.store.metric_definitions import BELIEVABLE

if TYPE_CHECKING:
    import pandas as pd

WORKSPACE = "workspace"
PREDICTIONS_PATH = "data/predictions/{task}.parquet"
LEAK_AUDIT_PATH = "metrics/{task}/leaks.json"
PREPARED_PATH = "data/prepared/{task}.parquet"


@dataclass(frozen=True)
class Run:
    """A run, under the name it was asked for; the workspace has no experiment."""

    name: str
    experiment: Experiment | None
    params: dict[str, Any]
    lock: dvc_lock.Lock

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it is about."""
        return self.experiment.tasks if self.experiment else tuple(self.params.get("tasks") or {})

    def get_figures(self, task: str) -> dict[str, Any]:
        """Return the scores of a task."""
        if self.experiment:
            return self.experiment.get_figures(task)
        return self._read_workspace_scores(task)

    def get_believability(self, task: str) -> str:
        """Return whether the scores of a task can be believed: yes, doubtful, no, or unknown."""
        if self.experiment:
            return self.experiment.get_believability(task)[0]
        return str(self._read_workspace_scores(task).get(BELIEVABLE, "unknown"))

    def get_output_hash(self, path: str) -> str | None:
        """Return the MD5 of an output in dvc.lock; in the workspace None unless the file itself has it."""
        locked_md5 = dvc_lock.get_output_hashes(self.lock).get(path)
        return locked_md5 if self.experiment or _has_md5(_read_if_present(path), locked_md5) else None

    def _read_workspace_scores(self, task: str) -> dict[str, Any]:
        return dict((file_cache.read_workspace_file(SCORES.format(task=task)) or {}).get(task) or {})


def load_run(name: str, candidates: list[Experiment] | None = None) -> Run:
    """Return the run that a name means; raises UserError if there is none, or if it has no result."""
    if name == WORKSPACE:
        return Run(name, None, file_cache.read_workspace_file(PARAMS) or {}, file_cache.read_workspace_file(LOCK) or {})
    experiment = find_experiment(name, candidates)
    if not experiment.is_finished:
        raise UserError(
            f"{name} is {experiment.status} and has no result to compare; "
            f"see `python -m trueline experiments show {name}`."
        )
    return build_run(experiment, name)


def build_run(experiment: Experiment, name: str | None = None) -> Run:
    """Return an experiment as a run, under its own name unless another is given."""
    lock = dvc_lock.read_locks([experiment.rev])[experiment.rev]
    return Run(name or experiment.name, experiment, experiment.params, lock)


def read_predictions(task: str, run: Run, fetch: bool = True) -> "pd.DataFrame":
    """Return the predictions of a run, fetched from a remote if `fetch` is set and they are nowhere else.

    Raises UserError if they are not available or do not have the hash in dvc.lock.
    """
    return _read_table(PREDICTIONS_PATH.format(task=task), run, f"dvc repro evaluate@{task}", fetch)


def read_prepared(task: str, run: Run, fetch: bool = True) -> "pd.DataFrame":
    """Return the prepared rows of a run, with outcomes and lines."""
    return _read_table(PREPARED_PATH.format(task=task), run, f"dvc repro prepare@{task}", fetch)


def read_inputs_known(task: str, rev: str | None) -> Literal["before", "at_start"]:
    """Return when the inputs of a commit's predictions were known, by its leak audit; of the workspace's without one.

    An audit that cannot be read names no input known at the start; the gate `leaks` reports it.
    """
    path = LEAK_AUDIT_PATH.format(task=task)
    content = _read_if_present(path) if rev is None else git.read_file(rev, path)
    try:
        audit = json.loads(content or b"null")
    except (ValueError, RecursionError):
        audit = None
    return "at_start" if isinstance(audit, dict) and audit.get("known_at_start") else "before"


def _read_table(path: str, run: Run, command: str, fetch: bool) -> "pd.DataFrame":
    content = (
        _read_workspace_bytes(path, run, command)
        if run.experiment is None
        else _read_recorded_bytes(path, run, run.experiment.rev, fetch)
    )
    import pandas as pd  # takes half a second, and a cached comparison does not need it

    try:
        return pd.read_parquet(io.BytesIO(content))
    except ValueError as error:  # Arrow's own errors are of this kind
        raise UserError(f"{path} of {run.name} is no Parquet table ({error}); run `{command}` again.") from None


def _read_workspace_bytes(path: str, run: Run, command: str) -> bytes:
    content = _read_if_present(path)
    if content is None:
        raise UserError(f"{path} is missing; run `{command}` first.")
    if not _has_md5(content, dvc_lock.get_output_hashes(run.lock).get(path)):
        raise UserError(f"{path} does not have the hash in dvc.lock; run `dvc checkout` to restore it, or `{command}`.")
    return content


def _read_if_present(path: str) -> bytes | None:
    return Path(path).read_bytes() if Path(path).is_file() else None


def _has_md5(content: bytes | None, md5: str | None) -> bool:
    return content is not None and hashlib.md5(content).hexdigest() == md5


def _read_recorded_bytes(path: str, run: Run, rev: str, fetch: bool) -> bytes:
    md5 = run.get_output_hash(path)
    content = _read_from_git(rev, path, md5)
    if content is None and md5:
        from trueline.experiments.store import output_files  # imports pandas, which a cached comparison does not need

        content = output_files.read_cached_bytes(md5)
    if content is None and not fetch:
        raise UserError(f"{path} of {run.name} is not in DVC's cache; run `dvc exp pull` or `dvc fetch`.")
    return content if content is not None else _fetch_from_remote(path, rev, md5)


def _read_from_git(rev: str, path: str, md5: str | None) -> bytes | None:
    """Return the bytes of a file in git, or None if dvc.lock names another hash."""
    content = git.read_file(rev, path)
    return content if md5 is None or _has_md5(content, md5) else None


def _fetch_from_remote(path: str, rev: str, md5: str | None) -> bytes:
    import dvc.api  # takes half a second, and is needed only for missing files
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    from trueline.experiments.store import output_files

    try:
        content = bytes(dvc.api.read(path, repo=".", rev=rev, mode="rb"))
    except (DvcException, SCMError, OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(
            f"{path} of {rev[:7]} is not available ({reason}); `dvc exp pull` or `dvc fetch --all-commits` may get it."
        ) from None
    if md5 and not _has_md5(content, md5):
        raise UserError(
            f"DVC's copy of {path} of {rev[:7]} does not have the hash in dvc.lock; "
            f"delete {output_files.get_cache_path(md5)} and run `dvc fetch`, or run the experiment again."
        )
    return content
