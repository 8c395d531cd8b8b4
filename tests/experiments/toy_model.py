"""A toy repository with realistic params, two stages that can be paused and killed, and DVC's own queue."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests import pipeline_copy

PARAMS: dict[str, Any] = {
    "tasks": {
        "props": {
            "source": "data/sample",
            "resampler": "none",
            "learner": "xgboost_trees",
            "members": ["xgboost_trees", "logistic"],
            "calibrator": "residuals",
        },
        "events": {"source": "data/sample", "resampler": "none", "learner": "tfidf_linear", "calibrator": "thresholds"},
    },
    "experiment": dict.fromkeys(("name", "task", "type", "version", "hypothesis", "parent")) | {"tags": []},
    "seed": 7,
    "folds": {
        "props": {"first_day": None, "first_test": 0.6, "last_test": None, "test_days": 28, "embargo_days": 0},
        "events": {"repeats": 1, "folds": 3},
    },
    "features": {
        "props": {"include": None, "exclude": [], "decision": "before"},
        "events": {"include": None, "exclude": []},
    },
    "resample": {"props": {"none": {}, "recency": {"half_life_days": 720}}, "events": {"none": {}}},
    "tune": {"props": {"search": {"trials": 6}}},
    "train": {
        "props": {
            "xgboost_trees": {"depth": 5, "learning_rate": 0.08},
            "logistic": {"l2": 100.0},
            "ensemble": {"l2": 1.0},
        },
        "events": {"tfidf_linear": {"l2": 0.3}},
    },
    "calibrate": {"props": {"residuals": {}}, "events": {"thresholds": {}}},
    "evaluate": {"props": {"edges": [1.0, 3.0]}},
}

WORK = '''\
"""python work.py: wait while a file exists, then write outputs that depend on the parameters."""

import os
import sys
import time
from pathlib import Path

params = Path("params.yaml").read_text()
print(f"{sys.argv[1]} begins", flush=True)
while os.path.exists(os.environ["TOY_HOLD"]):
    time.sleep(0.02)
if "depth: -1" in params:
    sys.exit("train props: depth is -1; input should be at least 1.")
if sys.argv[1] == "train":
    Path("model.txt").write_text("".join(line for line in params.splitlines(True) if "depth" in line) * 1000)
else:
    Path("metrics/props").mkdir(parents=True, exist_ok=True)
    Path("metrics/props/scores.json").write_text('{"props": {"size": %d}}\\n' % len(Path("model.txt").read_text()))
'''
STAGES = """\
stages:
  train:
    foreach: [props]
    do:
      cmd: python work.py train
      deps: [work.py]
      params: ["train.${item}"]
      outs: [model.txt]
  diagnose:
    foreach: [props]
    do:
      cmd: python work.py diagnose
      deps: [work.py, model.txt]
      outs: [metrics/props/scores.json: {cache: false}]
"""


def make(folder: Path) -> Path:
    """Create the repository in a folder, commit it and return it; its runs wait while `hold(folder)` exists."""
    (folder / "data/sample").mkdir(parents=True)
    (folder / "data/sample/games.csv").write_text("row_id\n1\n")
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "work.py").write_text(WORK)
    (folder / ".gitignore").write_text((pipeline_copy.ROOT / ".gitignore").read_text() + "/model.txt\n")
    call(folder, "git", "init", "--quiet")
    call(folder, sys.executable, "-m", "dvc", "init", "--quiet")
    call(folder, sys.executable, "-m", "dvc", "config", "core.analytics", "false")
    call(folder, "git", "add", "--all")
    call(folder, "git", "commit", "--quiet", "--message", "a toy")
    return folder


def hold(folder: Path) -> Path:
    """Return the file whose removal the stages wait for."""
    return folder.parent / "hold"


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of everything that runs in the repository, workers included."""
    identity = {
        f"GIT_{role}_{part}": "tester@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {"DVC_SITE_CACHE_DIR": str(folder.parent / "site"), "TOY_HOLD": str(hold(folder))}
    return {**os.environ, **identity, **variables, "PATH": path, "PYTHONPATH": str(pipeline_copy.ROOT)}


def call(folder: Path, *command: str, code: int = 0) -> str:
    """Run a command that must end with an exit code, and return its output on both streams."""
    process = subprocess.run(
        command, cwd=folder, env=environment(folder), text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert process.returncode == code, f"{' '.join(command)}\n{process.stdout}"
    return process.stdout


def working(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in the repository or below it, except this one."""
    processes = []
    for process in psutil.process_iter():
        try:
            inside = process.cwd().startswith(str(folder)) or str(folder) in " ".join(process.cmdline())
        except psutil.Error:
            continue
        if inside and process.pid != os.getpid():
            processes.append(process)
    return processes


def end(folder: Path) -> None:
    """Kill all processes in the repository: workers outlive the command that started them."""
    for _ in range(2):  # the second pass kills what the first ones were about to start
        processes = working(folder)
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=10)
