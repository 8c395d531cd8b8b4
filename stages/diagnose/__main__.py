"""diagnose: all that the corridor wrote → what every check on the shelf makes of it."""

import json
from typing import cast

from core import tables
from core.doors import Paths, enter
from core.evidence import Evidence, Finding, Limits, finding
from core.outputs import write_json
from core.params import knobs, sections, seed
from core.shelf import tool, tools

READS = {
    "predictions": "data/predictions/{task}.parquet",
    "prepared": "data/prepared/{task}.parquet",
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "report": "metrics/{task}/report.json",
    "audit": "metrics/{task}/leaks.json",
}
WRITES = {"diagnosis": "metrics/{task}/diagnosis.json"}
GRAVITY = ("declined", "ok", "warning", "failed")


def main(task: str, reads: Paths, writes: Paths) -> None:
    evidence = _evidence(task, reads)
    checks = {name: _check(name, evidence) for name in tools("diagnose")}
    worst = max((found["status"] for found in checks.values()), key=GRAVITY.index)
    for name, found in checks.items():
        print(f"{found['status']:>8}  {name}: {found['summary']}")
    write_json({"task": task, "verdict": worst, "checks": checks}, writes["diagnosis"])


def _check(name: str, evidence: Evidence) -> Finding:
    """Return what a check finds; one with knobs is asked of the tasks that have them."""
    check = tool("diagnose", name)
    if not hasattr(check, "Settings"):
        return cast(Finding, check.check(evidence))
    if name not in sections("diagnose", evidence.task):
        return finding("declined", f"diagnose.{evidence.task} of params.yaml has no knobs for it.")
    return cast(Finding, check.check(evidence, knobs(check.Settings, "diagnose", evidence.task, name)))


def _evidence(task: str, reads: Paths) -> Evidence:
    return Evidence(
        task=task,
        predictions=tables.read(reads["predictions"]),
        prepared=tables.read(reads["prepared"]),
        columns=tables.declared(reads["prepared"]),
        features=tables.read(reads["features"]),
        folds=tables.read(reads["folds"]),
        report=json.loads(reads["report"].read_text()),
        audit=json.loads(reads["audit"].read_text()),
        limits=knobs(Limits, "diagnose", task, "limits"),
        seed=seed(),
    )


if __name__ == "__main__":
    enter("diagnose", READS, WRITES, main)
