"""What each run of a stage took, in a journal that git and DVC ignore: an output must not change with the clock.

A line names the outputs by their hashes, so that any commit whose dvc.lock names the same ones can be told what they
took: of a run in the workspace, in DVC's queue or with `--temp`, and of one that DVC recalls from its run cache.
"""

import json
import os
import platform
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trueline.core.runtime.memory import find_repository
from trueline.core.runtime.output_hashes import hash_path

JOURNAL_FOLDER = Path(".dvc/tmp/trueline-costs")  # below the repository, also for a queued or temporary run
DIGITS = 2  # of seconds


@contextmanager
def record_cost(stage: str, task: str, outputs: Mapping[str, Path]) -> Iterator[None]:
    """Append to the journal what the block took, if it succeeds and the folder is a repository of DVC.

    Counted are the seconds, and the CPU seconds of this process and its children, without what it took to import the
    stage. Where the journal cannot be written, nothing is recorded.
    """
    repository = find_repository()
    if not (repository / ".dvc").is_dir():
        yield
        return
    started_at, cpu_before = time.perf_counter(), _measure_cpu_seconds()
    yield
    line = {
        "seconds": round(time.perf_counter() - started_at, DIGITS),
        "cpu_seconds": round(_measure_cpu_seconds() - cpu_before, DIGITS),
        "machine": platform.node(),
        "outputs": {path.as_posix(): hash_path(path) for path in outputs.values()},
    }
    with suppress(OSError):
        _append_line(repository / JOURNAL_FOLDER / f"{stage}@{task}.jsonl", line)


def read_journal() -> dict[str, list[dict[str, Any]]]:
    """Return the lines of the journal by stage, such as `train@racing`, oldest first; lines cut off are skipped."""
    folder = find_repository() / JOURNAL_FOLDER
    return {file.stem: list(_iterate_lines(file.read_bytes())) for file in sorted(folder.glob("*.jsonl"))}


def _append_line(path: Path, line: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # one write to a file opened for appending: lines of two runs do not mix
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, (json.dumps(line, sort_keys=True) + "\n").encode())
    finally:
        os.close(file)


def _iterate_lines(content: bytes) -> Iterator[dict[str, Any]]:
    for text in content.splitlines():
        with suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict) and isinstance(line.get("outputs"), dict):
                yield line


def _measure_cpu_seconds() -> float:
    """Return the CPU seconds of this process so far, with those of its children, whether ended or alive."""
    import psutil  # not needed by the service, whose image has no stage to run

    usages = [resource.getrusage(scope) for scope in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return float(total)
