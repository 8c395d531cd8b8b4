"""Toy repositories with experiments in git, in DVC's form, fast enough to make hundreds."""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

WHO = "tester <tester@example.org>"
START = 1_700_000_000  # seconds since 1970: the first commit's time; each experiment is an hour later than the last
ROWS = "a" * 32  # fingerprint of the usual test rows

Files = Mapping[str, str | bytes | None]

PARAMS: dict[str, Any] = {
    "tasks": {"props": {"learner": "trees"}, "racing": {"learner": "logit"}},
    "experiment": {"name": None, "task": None, "type": None, "hypothesis": None, "tags": [], "parent": None},
    "folds": {"props": {"test_days": 28}, "racing": {"test_days": 7}},
    "train": {"props": {"depth": 3}, "racing": {"ridge": 0.1}},
    "seed": 1,
}


def start(folder: Path, files: Files | None = None) -> str:
    """Make a repository with one commit on main and return the commit; the files are in its working tree."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    all_files = {".gitignore": "/.dvc/tmp/\n/.locks/\n", "params.yaml": params(), **(files or {})}
    return commit(folder, "start", all_files, at=START)


def commit(folder: Path, message: str, files: Files, at: int = START) -> str:
    """Write files, commit them on the current branch and return the commit."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(_bytes(content or ""))
    git(folder, "add", "--force", *files)
    when = f"{at} +0000"
    git(folder, "commit", "--quiet", "--message", message, GIT_COMMITTER_DATE=when, GIT_AUTHOR_DATE=when)
    return git(folder, "rev-parse", "HEAD").strip()


def experiments(folder: Path, base: str, many: Mapping[str, Files], first: int = 1) -> dict[str, str]:
    """Make commits from a baseline in DVC's form of experiments, and return them by name; None deletes a file."""
    stream = b""
    for number, (name, files) in enumerate(many.items(), first):
        stream += f"commit {ref(base, name)}\ncommitter {WHO} {START + 3600 * number} +0000\n".encode()
        stream += _data(b"dvc: commit experiment") + f"from {base}\n".encode()
        for path, content in files.items():
            data = None if content is None else _bytes(content)
            stream += f"D {path}\n".encode() if data is None else f"M 100644 inline {path}\n".encode() + _data(data)
        stream += b"\n"
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=folder, input=stream, check=True)
    return {name: git(folder, "rev-parse", ref(base, name)).strip() for name in many}


def ref(base: str, name: str) -> str:
    return f"refs/exps/{base[:2]}/{base[2:]}/{name}"


def made(hit_rate: float, task: str = "props", rows: str | None = ROWS, tag: str = "", **changes: Any) -> Files:
    """Return the files of an experiment about props: parameters, scores, the report and the lock.

    `tag` distinguishes its predictions from those of others. `changes` are changed parameters, with two underscores for
    a dot.
    """
    metrics_files = results(hit_rate, task, rows)
    days = changes.get(f"folds__{task}__test_days", 28)
    return {
        "params.yaml": params(**changes),
        **metrics_files,
        "dvc.lock": lock(task, tag or str(hit_rate), test_days=days, metrics=metrics_files),
    }


def named(files: Files, **words: str) -> Files:
    """Return files plus a dvc.lock of props that names their metrics; other arguments become hashes."""
    metrics_files = {path: content for path, content in files.items() if path.startswith("metrics/")}
    return {**files, "dvc.lock": lock(metrics=metrics_files, **words)}  # type: ignore[arg-type]  # all words are text


def results(
    hit_rate: float, task: str = "props", rows: str | None = ROWS, bets: int = 1000, half: float = 0.03
) -> Files:
    """Return scores.json and report.json of a hit rate with its interval."""
    ends = {"hit_rate_low": round(hit_rate - half, 4), "hit_rate_high": round(hit_rate + half, 4)}
    scores = {task: {"hit_rate": hit_rate, "bets": bets, "mae": 5.0, "rows": 2000, **ends}}
    scored = {"rows": 2000, "from": "2024-01-01", "to": "2024-03-01", "hash": rows}
    report = {"scored": scored} if rows else {}
    return {f"metrics/{task}/scores.json": json.dumps(scores), f"metrics/{task}/report.json": json.dumps(report)}


def lock(
    task: str = "props",
    predictions: str = "p",
    source: str = "s",
    code: str = "c",
    prepared: str = "d",
    test_days: int = 28,
    metrics: Files | None = None,
) -> str:
    """Return a dvc.lock of a pipeline of three stages; text arguments become hashes, and metrics get their own."""
    path = "data/{}/" + task + ".parquet"
    written = [(path, _bytes(content or "").decode()) for path, content in (metrics or {}).items()]
    stages = {
        "prepare": ([("data/sample", source), ("core/a.py", code)], [(path.format("prepared"), prepared)]),
        "calibrate": ([(path.format("prepared"), prepared)], [(path.format("predictions"), predictions)]),
        "evaluate": ([(path.format("predictions"), predictions)], written),
    }
    entries = {
        f"{stage}@{task}": {
            "cmd": f"python -m stages.{stage} {task}",
            "deps": [{"path": path, "hash": "md5", "md5": md5(word)} for path, word in deps],
            "params": {"params.yaml": {f"folds.{task}": {"test_days": test_days}}},
            "outs": [{"path": path, "hash": "md5", "md5": md5(word)} for path, word in outs],
        }
        for stage, (deps, outs) in stages.items()
    }
    return yaml.safe_dump({"schema": "2.0", "stages": entries})


def md5(word: str) -> str:
    """Return the MD5 of a text."""
    return hashlib.md5(word.encode()).hexdigest()


def params(**changes: Any) -> str:
    """Return params.yaml with some values changed; a dot in a name is written as two underscores."""
    values: dict[str, Any] = json.loads(json.dumps(PARAMS))
    for name, value in changes.items():
        *sections, last = name.split("__")
        node = values
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = value
    return yaml.safe_dump(values, sort_keys=False)


def git(folder: Path, *words: str, **environment: str) -> str:
    """Return the output of a git command in a repository."""
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    process = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True, env=_env(environment)
    )
    return process.stdout


def _env(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **more}


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
