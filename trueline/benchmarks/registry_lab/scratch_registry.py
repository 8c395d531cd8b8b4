"""A clone of this repository with many made-up experiments of racing, in git and in DVC's queue as DVC keeps them.

Each is the last commit with other parameters: params.yaml, dvc.lock and metrics are real files with values changed, and
what dvc.lock names is in the clone's cache. Predictions are the workspace's with noise; models are random bytes.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from trueline.core.errors import UserError

ROOT = Path(__file__).parents[3]
TASK = "racing"
PREDICTIONS = f"data/predictions/{TASK}.parquet"
SECTION = f"train.{TASK}.catboost_trees"  # in which the experiments vary a parameter
SCORES, REPORT = f"metrics/{TASK}/scores.json", f"metrics/{TASK}/report.json"
FIRST_SECOND = 1_790_000_000  # the first experiment's time, in seconds since 1970; each is an hour later than the last
IDENTITY = "benchmark <benchmark@example.org>"
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
YAML_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Lock = dict[str, Any]


@dataclass
class ScratchRegistry:
    """A clone of this repository in `folder`, whose experiments start from its last commit."""

    folder: Path

    @cached_property
    def head(self) -> str:
        """The last commit."""
        return self.run_git("rev-parse", "HEAD").strip()

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters of the last commit."""
        return dict(yaml.load(self.read_file("params.yaml"), YAML_LOADER))

    @cached_property
    def lock(self) -> Lock:
        """The dvc.lock of the last commit."""
        return dict(yaml.load(self.read_file("dvc.lock"), YAML_LOADER))

    def run_git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Return the output of a git command in the clone."""
        command = ["git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org", *arguments]
        process = subprocess.run(command, cwd=self.folder, input=stdin, check=True, stdout=subprocess.PIPE)
        return process.stdout.decode()

    def read_file(self, path: str) -> bytes:
        """Return a file of the clone's last commit."""
        return (self.folder / path).read_bytes()

    def store_bytes(self, content: bytes, suffix: str = "") -> str:
        """Put bytes into the clone's cache and return their hash; that of a folder's listing has the suffix `.dir`."""
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
        file = self.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return md5


def make_scratch_registry(folder: Path, count: int) -> ScratchRegistry:
    """Return a clone of the repository in a folder, with `count` experiments that went through DVC's queue.

    Raises UserError if the workspace has no predictions of races.
    """
    if not (ROOT / PREDICTIONS).exists():
        raise UserError(f"{PREDICTIONS} is missing; run `dvc repro evaluate@{TASK}` or `dvc pull` first.")
    subprocess.run(["git", "clone", "--quiet", "--no-tags", str(ROOT), str(folder)], check=True)
    registry = ScratchRegistry(folder)
    registry.run_git("config", "user.name", "benchmark")
    registry.run_git("config", "user.email", "benchmark@example.org")
    _copy_outputs(registry)
    names = [f"SWEEP-{number}" for number in range(1, count + 1)]
    registry.run_git("fast-import", "--quiet", stdin=b"".join(_iterate_commits(registry, names)))
    _add_as_done(registry, names)
    return registry


def _copy_outputs(registry: ScratchRegistry) -> None:
    """Put the files that the last commit's lock names, as far as the workspace has them, into the clone's cache."""
    for stage in registry.lock["stages"].values():
        for output in stage["outs"]:
            if (ROOT / output["path"]).is_file():
                registry.store_bytes((ROOT / output["path"]).read_bytes())
            else:
                _store_folder(registry, ROOT / output["path"])


def _store_folder(registry: ScratchRegistry, folder: Path) -> None:
    """Put a folder's files and their listing, as DVC writes it, into the clone's cache."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    listing = [
        {"md5": registry.store_bytes(file.read_bytes()), "relpath": file.relative_to(folder).as_posix()}
        for file in files
    ]
    registry.store_bytes(json.dumps(listing, sort_keys=True).encode(), ".dir")


def _iterate_commits(registry: ScratchRegistry, names: list[str]) -> Iterator[bytes]:
    """Yield the experiments' commits as `git fast-import` reads them."""
    random = np.random.default_rng(0)
    predictions = pd.read_parquet(ROOT / PREDICTIONS)
    for number, name in enumerate(names):
        files = _build_files(registry, name, number, predictions, random)
        ref = build_ref(registry.head, name)
        message = b"dvc: commit experiment"
        yield f"commit {ref}\ncommitter {IDENTITY} {FIRST_SECOND + 3600 * number} +0000\n".encode()
        yield f"data {len(message)}\n".encode() + message + f"\nfrom {registry.head}\n".encode()
        for path, content in files.items():
            yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
        yield b"\n"


def build_ref(baseline: str, name: str) -> str:
    """Return the ref under which DVC keeps an experiment."""
    return f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}"


def _build_files(
    registry: ScratchRegistry, name: str, number: int, predictions: pd.DataFrame, random: np.random.Generator
) -> dict[str, bytes]:
    """Return the files in which an experiment differs from the last commit; its lock agrees with them."""
    value = round(1 + number / 100, 2)
    params = deepcopy(registry.params)
    params["train"][TASK]["catboost_trees"]["l2"] = value
    params["experiment"] |= {"name": name, "task": TASK, "type": "hyperparameter", "hypothesis": "leaves are too free"}
    scores, report = json.loads(registry.read_file(SCORES)), json.loads(registry.read_file(REPORT))
    shift = float(np.round(random.normal(0, 0.004), 4))
    for figures in (scores[TASK], report["scores"]):
        figures["r2"], figures["log_loss"] = round(figures["r2"] + shift, 4), round(figures["log_loss"] - 2 * shift, 4)
    noise = random.normal(0, 0.01, len(predictions))
    table = predictions.assign(tuned=(predictions["tuned"] + noise).clip(0.001, 0.999))
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    contents = {
        SCORES: json.dumps(scores, indent=2).encode(),
        REPORT: json.dumps(report, indent=2).encode(),
        PREDICTIONS: buffer.getvalue(),
    }
    lock = _build_lock(registry, params, contents, random)
    return {
        "params.yaml": yaml.dump(params, Dumper=YAML_DUMPER, sort_keys=False).encode(),
        "dvc.lock": yaml.dump(lock, Dumper=YAML_DUMPER, sort_keys=False).encode(),
        SCORES: contents[SCORES],
        REPORT: contents[REPORT],
    }


def _build_lock(
    registry: ScratchRegistry, params: Mapping[str, Any], contents: Mapping[str, bytes], random: np.random.Generator
) -> Lock:
    """Return the last commit's lock with these parameters, the hashes of these contents, and models of its own."""
    lock = deepcopy(registry.lock)
    new_md5s = {}
    for path in _list_new_outputs(lock):
        content = contents.get(path) or random.bytes(256)
        if path.endswith("/final"):
            listing = [{"md5": registry.store_bytes(content), "relpath": "model.cbm"}]
            new_md5s[path] = registry.store_bytes(json.dumps(listing).encode(), ".dir")
        else:
            new_md5s[path] = registry.store_bytes(content)
    for stage in lock["stages"].values():
        for entry in (*stage.get("deps", ()), *stage.get("outs", ())):
            entry["md5"] = new_md5s.get(entry["path"], entry["md5"])
        used_params = stage.get("params", {}).get("params.yaml", {})
        if SECTION in used_params:
            used_params[SECTION] = dict(params["train"][TASK]["catboost_trees"])  # one object twice would be an alias
    return lock


def _list_new_outputs(lock: Lock) -> list[str]:
    """Return the outputs of a run with another learner's parameter: those of train and of the stages after it."""
    stage_names = {f"{stage}@{TASK}" for stage in ("train", "calibrate")}
    outputs = [
        entry["path"]
        for name in stage_names
        for entry in lock["stages"][name]["outs"]
        if "metrics/" not in entry["path"]
    ]
    return [*sorted(outputs), SCORES, REPORT]


def _add_as_done(registry: ScratchRegistry, names: list[str]) -> None:
    """Put the experiments into DVC's queue and mark them as run, with the functions by which its worker does it."""
    script = "from trueline.benchmarks.registry_lab.scratch_registry import record_runs; record_runs()"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    entries = json.dumps([registry.head, names]).encode()
    subprocess.run([sys.executable, "-c", script], cwd=registry.folder, env=environment, input=entries, check=True)


def record_runs() -> None:
    """Record runs in the queue of the repository in this folder: those of the names in the standard input."""
    from dvc.repo import Repo
    from dvc.repo.experiments.executor.base import ExecutorInfo
    from dvc.repo.experiments.queue.base import QueueEntry
    from dvc.repo.experiments.queue.tasks import run_exp

    head, names = json.load(sys.stdin)
    with Repo(".") as repo:
        queue = repo.experiments.celery_queue
        for name in names:
            ref = build_ref(head, name)
            rev = repo.scm.resolve_rev(ref)
            entry = QueueEntry(repo.root_dir, repo.root_dir, "refs/exps/celery/stash", rev, head, None, name, head)
            message_id = queue.celery.signature(run_exp.s(entry.asdict())).delay().id
            queue.celery.backend.store_result(message_id, None, "SUCCESS")
            info = ExecutorInfo(repo.root_dir, head, "dvc-task", "", ".dvc", name, None, rev, ref)
            info.dump_json(queue.get_infofile_path(rev))
        broker = Path(queue.wdir) / "broker"
        (broker / "processed").mkdir(parents=True, exist_ok=True)
        for file in (broker / "in").glob("*.msg"):
            shutil.move(file, broker / "processed" / file.name)
