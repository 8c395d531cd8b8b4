"""diagnose: all that the corridor wrote → what every check on the shelf makes of it, a table of days, and a page."""

import json
import sys
from typing import cast

import pandas as pd

from core import tables
from core.doors import Paths, at, enter, require
from core.evidence import Evidence, Finding, Limits, finding, stored
from core.outputs import write_json
from core.params import knobs, plan, sections, seed
from core.refusals import Refusal
from core.shelf import tool, tools
from stages.diagnose import alerts, root_cause
from stages.diagnose._causes.causes import by_day
from stages.diagnose._causes.quality import quality, segments
from stages.diagnose._daily.columns import COLUMNS
from stages.diagnose._daily.table import daily, nothing
from stages.diagnose._daily.today import main as today
from stages.diagnose._graded import graded
from stages.diagnose._page.page import page
from stages.diagnose.gap import sentences

READS = {
    "predictions": "data/predictions/{task}.parquet",
    "prepared": "data/prepared/{task}.parquet",
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "report": "metrics/{task}/report.json",
    "plots": "metrics/{task}/plots",
    "audit": "metrics/{task}/leaks.json",
}
WRITES = {
    "diagnosis": "metrics/{task}/diagnosis.json",
    "daily": "metrics/{task}/daily.parquet",
    "daily_csv": "metrics/{task}/daily.csv",
    "page": "metrics/{task}/report.html",
}
GRAVITY = ("declined", "ok", "warning", "failed")


def main(task: str, reads: Paths, writes: Paths) -> None:
    evidence = _evidence(task, reads)
    knobbed = sections("diagnose", task)
    checks = {name: _check(name, evidence, knobbed) for name in tools("diagnose")}
    worst = max((found["status"] for found in checks.values()), key=GRAVITY.index)
    for name, found in checks.items():
        print(f"{found['status']:>8}  {name}: {found['summary']}")
    write_json({"task": task, "verdict": worst, "checks": checks}, writes["diagnosis"])
    days = _days(task, evidence) if "alerts" in knobbed else nothing()
    tables.write(days, writes["daily"], COLUMNS)
    days.to_csv(writes["daily_csv"], index=False)
    told = json.loads(writes["diagnosis"].read_text())["checks"]
    questions = {name: str(tool("diagnose", name).NAME) for name in checks}
    cells = reads["plots"] / "reliability.csv"
    plotted = pd.read_csv(cells) if cells.exists() else None
    writes["page"].write_text(page(task, worst, told, evidence.report, days, questions, plotted), "utf-8")


def gap(words: list[str]) -> int:
    """Print the gap report of one task, made anew from what the corridor wrote."""
    try:
        if len(words) != 1:
            raise Refusal("one task is to be named: python -m stages.diagnose gap TASK.")
        plan(words[0])
        reads = at(READS, words[0])
        require(reads, words[0])
        found = _check("gap", _evidence(words[0], reads), sections("diagnose", words[0]))
    except Refusal as refusal:
        sys.exit(f"gap: {refusal}")
    print("\n".join(sentences(found["details"]) if found["details"] else [found["summary"]]))
    return 0


def _check(name: str, evidence: Evidence, knobbed: list[str]) -> Finding:
    """Return what a check finds; one with knobs is asked of the tasks that have them."""
    check = tool("diagnose", name)
    if not hasattr(check, "Settings"):
        return cast(Finding, check.check(evidence))
    if name not in knobbed:
        return finding("declined", f"diagnose.{evidence.task} of params.yaml has no knobs for it.")
    return cast(Finding, check.check(evidence, knobs(check.Settings, "diagnose", evidence.task, name)))


def _days(task: str, evidence: Evidence) -> pd.DataFrame:
    why = knobs(root_cause.Settings, "diagnose", task, "root_cause")
    units, parts = graded(evidence), segments(evidence, [*why.population, *why.lines])
    causes = by_day(units, quality(evidence), parts, why, seed())
    return daily(evidence, units, knobs(alerts.Settings, "diagnose", task, "alerts"), seed(), causes)


def _evidence(task: str, reads: Paths) -> Evidence:
    return Evidence(
        task=task,
        **stored(reads),
        columns=tables.declared(reads["prepared"]),
        report=json.loads(reads["report"].read_text()),
        audit=json.loads(reads["audit"].read_text()),
        limits=knobs(Limits, "diagnose", task, "limits"),
        seed=seed(),
    )


COMMANDS = {"gap": gap, "today": today}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
    enter("diagnose", READS, WRITES, main)
