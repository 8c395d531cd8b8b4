"""A repository with experiments of races as DVC keeps them, made by hand in milliseconds: commits, hashes, a cache."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

TASK = "racing"
RACES, RUNNERS = 80, 5
PREDICTIONS = f"data/predictions/{TASK}.parquet"
CALIBRATOR, FINAL = f"models/{TASK}/calibrator.json", f"models/{TASK}/final"
PARAMS: dict[str, Any] = {
    "seed": 7,
    "tasks": {TASK: {"scorer": "race"}},
    "experiment": {},
    "diagnose": {TASK: {"limits": {"market_bias": None}}},
}
CHECKS = {
    "calibration_slope": {"status": "ok", "summary": "The slope is 1."},
    "score_audit": {"status": "ok", "summary": "All values stayed the same."},
}
DVC_YAML: dict[str, Any] = {
    "stages": {
        "calibrate": {
            "foreach": {TASK: None},
            "do": {
                "cmd": "true",
                "outs": [
                    "data/predictions/${key}.parquet",
                    "models/${key}/calibrator.json",
                    "models/${key}/final",
                    {"metrics/${key}/report.json": {"cache": False}},
                ],
            },
        }
    },
    "artifacts": {f"{TASK}-model": {"path": f"models/{TASK}", "type": "model"}},
}


def git(folder: Path, *words: str, **environment: str) -> str:
    """Return what git says in a folder."""
    done = subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True, env=os.environ | environment
    )
    return done.stdout.strip()


def make_repository(folder: Path) -> Path:
    """Return a folder made into a repository whose first commit is a baseline without skill."""
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n    check_update = false\n")
    (folder / ".dvc/.gitignore").write_text("/tmp\n/cache\n/config.local\n")
    (folder / ".gitignore").write_text("/data/\n/models/\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(DVC_YAML))
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "user.name", "tester")
    git(folder, "config", "user.email", "tester@example.org")
    write(folder, skill=0.0, seed=0)
    commit(folder, "baseline")
    return folder


def experiment(folder: Path, name: str, skill: float, seed: int = 1, **said: Any) -> str:
    """Keep an experiment under refs/exps as DVC does and return its commit; the workspace stays on the baseline."""
    baseline = git(folder, "rev-parse", "HEAD")
    write(folder, skill, seed, **said)
    rev = commit(folder, f"dvc: commit experiment {name}")
    git(folder, "update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", rev)
    git(folder, "reset", "--quiet", "--hard", baseline)
    return rev


def write(folder: Path, skill: float, seed: int, **said: Any) -> None:
    """Write params, outputs, metrics and dvc.lock of a run that knows a share of what decides the races."""
    table = predictions(skill, seed)
    report = {"baselines": baselines(said.pop("baseline", "better")), "scored": scored(table)}
    scores = {"log_loss": round(1.5 - skill / 10, 4), "races": RACES, "believable": said.pop("believable", "yes")}
    scores["believable_reasons"] = [] if scores["believable"] == "yes" else ["too_good: R² is beyond belief."]
    params = PARAMS | {"experiment": said}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    files: dict[str, bytes] = {
        "report": json.dumps(report).encode(),
        "scores": json.dumps({TASK: scores}).encode(),
        "leaks": b'{"audited": 3, "leaking": []}',
        "diagnosis": json.dumps({"checks": CHECKS}).encode(),
    }
    (folder / f"metrics/{TASK}").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"metrics/{TASK}/{name}.json").write_bytes(content)
    table.to_parquet(folder / "table.parquet")
    kept = (folder / "table.parquet").read_bytes()
    (folder / "table.parquet").unlink()
    state = json.dumps({"skill": skill, "seed": seed}).encode()
    outs = [
        cached(folder, PREDICTIONS, kept),
        cached(folder, CALIBRATOR, state),
        cached(folder, FINAL, {"model.json": state, "trees.bin": kept[:64]}),
        {"path": f"metrics/{TASK}/report.json", "hash": "md5", "md5": hashlib.md5(files["report"]).hexdigest()},
    ]
    stage = {"cmd": "true", "outs": sorted(outs, key=lambda out: str(out["path"]))}
    lock = {"schema": "2.0", "stages": {f"calibrate@{TASK}": stage}}
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))


def cached(folder: Path, path: str, content: bytes | dict[str, bytes]) -> dict[str, Any]:
    """Put a file or a folder of files into DVC's cache and return its entry in dvc.lock."""
    if isinstance(content, bytes):
        return {"path": path, "hash": "md5", "md5": _store(folder, content), "size": len(content)}
    listed = [{"md5": _store(folder, inner), "relpath": name} for name, inner in sorted(content.items())]
    whole = json.dumps(listed).encode()
    size = sum(map(len, content.values()))
    return {"path": path, "hash": "md5", "md5": _store(folder, whole, ".dir"), "size": size, "nfiles": len(content)}


def place(folder: Path, md5: str) -> Path:
    """Return where DVC's cache keeps what has a hash."""
    return folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def commit(folder: Path, message: str) -> str:
    """Commit the workspace and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def predictions(skill: float, seed: int) -> pd.DataFrame:
    """Return predictions of the same races by a run that knows a share of what decides them, and noise of its own."""
    world, own = np.random.default_rng(0), np.random.default_rng(seed)
    strength = world.normal(0, 1, (RACES, RUNNERS))
    winner = (strength + world.gumbel(size=strength.shape)).argmax(axis=1)
    race = np.repeat(np.arange(RACES), RUNNERS)
    rows = pd.DataFrame({"row_id": [f"r{n:04}" for n in range(len(race))], "group": [f"g{n:03}" for n in race]})
    tuned = _shares(skill * strength + own.normal(0, 0.1, strength.shape))
    target = (np.arange(RUNNERS) == winner[:, None]).astype(float)
    return rows.assign(target=target.ravel(), tuned=tuned.ravel(), baseline=1 / RUNNERS, fold="test_0")


def scored(table: pd.DataFrame) -> dict[str, Any]:
    """Return what report.json says of the rows that were scored."""
    told = "".join(f"{row},{target}" for row, target in zip(table["row_id"], table["target"], strict=True))
    return {"rows": len(table), "from": None, "to": None, "hash": hashlib.md5(told.encode()).hexdigest()}


def baselines(floor: str) -> dict[str, Any]:
    """Return the models of a report."""
    return {
        "tuned": {"log_loss": {"value": 1.4, "low": 1.3, "high": 1.5, "n": RACES}},
        "baseline": {"tuned_is": floor},
        "market": {"tuned_is": "worse"},
    }


def _shares(score: Any) -> Any:
    raised = np.exp(score)
    return raised / raised.sum(axis=1, keepdims=True)


def _store(folder: Path, content: bytes, suffix: str = "") -> str:
    md5 = hashlib.md5(content).hexdigest() + suffix
    place(folder, md5).parent.mkdir(parents=True, exist_ok=True)
    place(folder, md5).write_bytes(content)
    return md5
