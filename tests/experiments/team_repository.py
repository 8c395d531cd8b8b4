"""A repository as a team shares it: a bare origin, a remote of DVC, clones, and a pipeline of races that runs at once.

DVC, its queue, git and the registry are real. In place of a model, the depth of trees decides how much of what decides
the races a run knows, so that experiments run in a moment and differ as models do.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import yaml

from tests import promoted_repo
from tests.experiments import git_fixtures
from tests.pipeline_copy import ROOT
from tests.promoted_repo import TASK, git

LEARNER = f"train.{TASK}.catboost_trees"
DEPTH, L2 = f"{LEARNER}.depth", f"{LEARNER}.l2"
COMMITTED_L2 = "1.0625"  # no other parameter has this value
RACES = 600  # enough for a gain to be beyond the luck of 300 others
WORK = f'''\
"""python work.py STAGE: write the outputs of a stage; each level of depth beyond 4 is a fifth of all skill."""

import json
import sys
from pathlib import Path

import yaml

from trueline.core.runtime.stage_costs import record_cost
from tests import promoted_repo
import pandas as pd

promoted_repo.RACES = {RACES}
METRICS = Path("metrics/{TASK}")
settings = yaml.safe_load(Path("params.yaml").read_text())["train"]["{TASK}"]["catboost_trees"]
skill = (settings["depth"] - 4) / 5
table = promoted_repo.predictions(skill, int(settings["l2"] * 100))
table["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(range(len(table)), "min")
report = {{"baselines": promoted_repo.baselines("better"), "scored": promoted_repo.scored(table)}}
scores = {{"log_loss": round(1.5 - skill / 10, 4), "races": {RACES}, "believable": "yes", "believable_reasons": []}}
state = json.dumps([skill, settings["l2"]])
contents = {{
    "calibrate": {{
        Path("models/{TASK}/calibrator.json"): state,
        Path("models/{TASK}/final.json"): state,
        METRICS / "report.json": json.dumps(report),
        METRICS / "scores.json": json.dumps({{"{TASK}": scores}}),
        METRICS / "leaks.json": '{{"audited": 3, "leaking": []}}',
    }},
    "diagnose": {{METRICS / "diagnosis.json": json.dumps({{"checks": promoted_repo.CHECKS}})}},
}}[sys.argv[1]]
tables = {{}}
if sys.argv[1] == "calibrate":
    unpriced = dict.fromkeys(("soft_label", "bsp", "benchmark_price"), float("nan"))
    tables = {{"predictions": table, "prepared": table[["row_id"]].assign(**unpriced)}}
files = {{name: Path(f"data/{{name}}/{TASK}.parquet") for name in tables}}
with record_cost(sys.argv[1], "{TASK}", files | {{path.stem: path for path in contents if path.parent != METRICS}}):
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, content in tables.items():
        files[name].parent.mkdir(parents=True, exist_ok=True)
        content.to_parquet(files[name])
'''
STAGES: dict[str, Any] = {
    "calibrate": {
        "cmd": "python work.py calibrate",
        "deps": ["work.py"],
        "params": ["train.${key}"],
        "outs": [
            "data/predictions/${key}.parquet",
            "data/prepared/${key}.parquet",
            "models/${key}/calibrator.json",
            "models/${key}/final.json",
            *({f"metrics/${{key}}/{name}.json": {"cache": False}} for name in ("leaks", "report", "scores")),
        ],
    },
    "diagnose": {
        "cmd": "python work.py diagnose",
        "deps": ["work.py", "data/predictions/${key}.parquet"],
        "outs": [{"metrics/${key}/diagnosis.json": {"cache": False}}],
    },
}


def make_team(folder: Path, people: tuple[str, ...], experiment_count: int) -> dict[str, Path]:
    """Return by name each person's clone, and the origin as `hub`, with so many experiments that all have fetched."""
    hub, store, first = folder / "hub.git", folder / "store", folder / "first"
    hub.mkdir(parents=True)
    git(hub, "init", "--quiet", "--bare", "--initial-branch", "main")
    _write_files(first, store)
    git(first, "init", "--quiet", "--initial-branch", "main")
    git(first, "config", "user.name", "first")
    git(first, "config", "user.email", "first@example.org")
    run(first, "dvc", "repro", "--quiet")
    git(first, "add", "--all")
    git(first, "commit", "--quiet", "--message", "a baseline")
    _add_experiments(first, experiment_count)
    git(first, "push", "--quiet", str(hub), "main", "refs/exps/*:refs/exps/*")
    run(first, "dvc", "push", "--quiet")
    clones = {name: clone(hub, folder / name) for name in people}
    for folder_of_person in clones.values():
        run(folder_of_person, "dvc", "pull", "--quiet")
    return clones | {"hub": hub}


def clone(hub: Path, folder: Path) -> Path:
    """Return a clone with all experiments, of a person who has the folder's name."""
    git(hub, "clone", "--quiet", str(hub), str(folder))
    git(folder, "config", "user.name", folder.name)
    git(folder, "config", "user.email", f"{folder.name}@example.org")
    git(folder, "config", "pull.rebase", "false")
    git(folder, "fetch", "--quiet", "origin", "refs/exps/*:refs/exps/*")
    return folder


def run(folder: Path, module: str, *words: str, code: int | None = 0) -> str:
    """Return what a module prints on both streams; it must end with the exit code, or with any if that is None."""
    return _run_python(folder, "-m", module, *words, code=code)


def run_experiments(folder: Path, *words: str, code: int | None = 0) -> str:
    """Return what a command of the registry prints."""
    return run(folder, "trueline.experiments", *words, code=code)


def _run_python(folder: Path, *words: str, code: int | None = 0) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "PATH": path, "DVC_SITE_CACHE_DIR": str(folder.parent / f"site-{folder.name}"),
    }  # fmt: skip
    process = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, timeout=300, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert code is None or process.returncode == code, process.stdout
    return process.stdout


def run_at_once(commands: Mapping[Path, tuple[str, ...]]) -> dict[Path, str]:
    """Run a command of the registry in each of some clones at the same time, and return what they print."""
    with ThreadPoolExecutor(len(commands)) as pool:
        outputs = {
            folder: pool.submit(run_experiments, folder, *words, code=None) for folder, words in commands.items()
        }
    return {folder: output.result() for folder, output in outputs.items()}


def measure_cpu_seconds(folder: Path, *words: str, code: int | None = 0) -> float:
    """Return the CPU seconds of Python with these arguments and of the processes that it starts."""
    before = getrusage(RUSAGE_CHILDREN)
    _run_python(folder, *words, code=code)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _write_files(folder: Path, store: Path) -> None:
    real: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params = real | {"tasks": {TASK: real["tasks"][TASK] | {"source": "races.csv"}}}
    params["diagnose"] = real["diagnose"] | {TASK: {"limits": {"market_bias": None}}}
    params["train"][TASK]["catboost_trees"] = params["train"][TASK]["catboost_trees"] | {
        "depth": 4,
        "l2": float(COMMITTED_L2),
    }
    config = "[core]\n    analytics = false\n    check_update = false\n    remote = store\n['remote \"store\"']\n"
    stages = {name: {"foreach": {TASK: None}, "do": stage} for name, stage in STAGES.items()}
    files = {
        ".dvc/config": f"{config}    url = {store}\n",
        ".dvc/.gitignore": "/tmp\n/cache\n/config.local\n",
        ".gitattributes": (ROOT / ".gitattributes").read_text(),
        ".gitignore": "/data/\n/models/\n/.locks/\n",
        "dvc.yaml": yaml.safe_dump({"stages": stages}),
        "params.yaml": yaml.safe_dump(params, sort_keys=False),
        "races.csv": "race\n1\n",
        "work.py": WORK,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def _add_experiments(folder: Path, count: int) -> None:
    """Add experiments that differ from the last commit in a parameter, a score and the hash of the predictions."""
    lock = (folder / "dvc.lock").read_text()
    stages = yaml.safe_load(lock)["stages"]
    md5s = {output["path"]: output["md5"] for output in stages[f"calibrate@{TASK}"]["outs"]}
    scores_path = f"metrics/{TASK}/scores.json"
    scores = json.loads((folder / scores_path).read_text())
    params = (folder / "params.yaml").read_text()
    experiments: dict[str, git_fixtures.Files] = {}
    for number in range(1, count + 1):
        text = json.dumps({TASK: scores[TASK] | {"log_loss": round(1.5 + number / 10_000, 4)}})
        own_lock = lock.replace(md5s[promoted_repo.PREDICTIONS], git_fixtures.md5(f"predictions {number}"))
        own_lock = own_lock.replace(md5s[scores_path], git_fixtures.md5(text))
        l2 = str(2 + number / 1000)
        experiments[f"try-{number}"] = {
            "params.yaml": params.replace(COMMITTED_L2, l2),
            "dvc.lock": own_lock.replace(COMMITTED_L2, l2),
            scores_path: text,
        }
    git_fixtures.experiments(folder, git(folder, "rev-parse", "HEAD"), experiments)
