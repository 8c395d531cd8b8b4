"""diagnose: all outputs of the pipeline → the findings of every check, the scores with a word on whether they can be
believed (of them the headline again in a file of its own, which DVC shows), a daily table, and an HTML report.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pandas as pd

from stages.diagnose.believability import judge_believability
from stages.diagnose.checks import alerts, root_cause
from stages.diagnose.checks.gap import format_sentences
from stages.diagnose.monitoring.daily_columns import COLUMNS
from stages.diagnose.monitoring.daily_table import compute_daily_table, make_empty_daily_table
from stages.diagnose.monitoring.today_cli import main as today
from stages.diagnose.report.report_page import PlotData, render_page
from stages.diagnose.root_cause.explain import build_cause_explainer
from stages.diagnose.units.evidence import CheckLimits, Evidence, Finding, decline, open_evidence_tables
from trueline.core.charts.curve_files import read_curves
from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import convert_to_json, write_json
from trueline.core.runtime.memory import open_memory
from trueline.core.runtime.output_hashes import hash_file
from trueline.core.runtime.params import list_section_names, load_seed, load_settings, load_task_config
from trueline.core.runtime.plugins import list_plugins, load_plugin
from trueline.core.runtime.stage_entry import Paths, expand_paths, require_files, run_stage
from trueline.core.tables import table_schema

AUDITED_STAGES = ("resample", "tune", "train", "calibrate")
READS = {
    "predictions": "data/predictions/{task}.parquet",
    "prepared": "data/prepared/{task}.parquet",
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "report": "metrics/{task}/report.json",
    "plots": "metrics/{task}/plots",
    "curves": "models/{task}/curves",
    "audit": "metrics/{task}/leaks.json",
    "quality": "metrics/{task}/quality.json",
    **{f"{stage} audit": f"metrics/{{task}}/score_audit/{stage}.json" for stage in AUDITED_STAGES},
}
WRITES = {
    "headline": "metrics/{task}/headline.json",
    "scores": "metrics/{task}/scores.json",
    "diagnosis": "metrics/{task}/diagnosis.json",
    "daily": "metrics/{task}/daily.parquet",
    "daily_csv": "metrics/{task}/daily.csv",
    "page": "metrics/{task}/report.html",
}
PLOTS = ("reliability.csv", "confusion.csv")  # those that the page draws
STATUSES_BY_SEVERITY = ("declined", "ok", "warning", "failed")


def main(task: str, reads: Paths, writes: Paths) -> None:
    evidence = _read_evidence(task, reads)
    if "scores" not in evidence.report:
        raise UserError(f"{reads['report']} has no scores; run `dvc repro evaluate@{task}` to write it anew.")
    configured = list_section_names("diagnose", task)
    findings = {name: _run_check(name, evidence, configured) for name in list_plugins("diagnose/checks")}
    checks: dict[str, Any] = convert_to_json(findings)  # the page shows the rounded figures that are written
    verdict = max((result["status"] for result in checks.values()), key=STATUSES_BY_SEVERITY.index)
    must_answer = [name for name in checks if hasattr(load_plugin("diagnose/checks", name), "MUST_ANSWER")]
    believability = judge_believability(checks, _list_constants(checks, "ASKS"), must_answer)
    for name, result in checks.items():
        print(f"{result['status']:>8}  {name}: {result['summary']}")
    print(believability.format_sentence())
    published = {"believable": believability.answer, "believable_reasons": believability.reasons}
    scores = evidence.report["scores"] | published
    write_json({task: scores}, writes["scores"], digits=4)
    write_json({task: _select_headline(scores, evidence.report)}, writes["headline"], digits=4)
    write_json({"task": task, "verdict": verdict, **published, "checks": checks}, writes["diagnosis"])
    daily_rows = _build_daily_table(task, evidence) if "alerts" in configured else make_empty_daily_table()
    table_schema.write_table(daily_rows, writes["daily"], COLUMNS)
    daily_rows.to_csv(writes["daily_csv"], index=False)
    questions = _list_constants(checks, "NAME")
    reliability, confusions = (_read_plot(reads["plots"] / name) for name in PLOTS)
    plots = PlotData(reliability, confusions, read_curves(reads["curves"]))
    writes["page"].write_text(
        render_page(task, verdict, checks, evidence.report, daily_rows, questions, plots, believability), "utf-8"
    )


def _read_plot(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.exists() else None


def print_gap_report(arguments: list[str]) -> int:
    """Print the gap report of one task, computed afresh, and whether the backtest itself can be believed."""
    try:
        if len(arguments) != 1:
            raise UserError("name exactly one task: python -m trueline gap TASK.")
        load_task_config(arguments[0])
        reads = expand_paths(READS, arguments[0])
        require_files(reads, arguments[0])
        result = _run_check("gap", _read_evidence(arguments[0], reads), list_section_names("diagnose", arguments[0]))
    except UserError as error:
        sys.exit(f"gap: {error}")
    print("\n".join(format_sentences(result["details"]) if result["details"] else [result["summary"]]))
    diagnosis_path = expand_paths(WRITES, arguments[0])["diagnosis"]
    diagnosis = json.loads(diagnosis_path.read_text()) if diagnosis_path.exists() else {}
    print(f"The backtest's own scores are believable: {diagnosis.get('believable', 'unknown')}.")
    return 0


def _run_check(name: str, evidence: Evidence, configured: list[str]) -> Finding:
    """Return a check's finding; a check with parameters declines for a task that does not set them."""
    plugin = load_plugin("diagnose/checks", name)
    if not hasattr(plugin, "Settings"):
        return cast(Finding, plugin.check(evidence))
    if name not in configured:
        return decline(f"diagnose.{evidence.task} of params.yaml has no parameters for it.")
    return cast(Finding, plugin.check(evidence, load_settings(plugin.Settings, "diagnose", evidence.task, name)))


def _select_headline(scores: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """Return the scores that the scorer compares models by, and whether they can be believed.

    DVC shows these few: with every score, `dvc exp show` leaves no room for the parameters that differ.
    """
    names = ["believable", *(measure["name"] for measure in report["comparison"]["measures"])]
    return {name: scores[name] for name in names if name in scores}


def _list_constants(names: Iterable[str], constant: str) -> dict[str, str]:
    """Return by name the value of a constant that every check defines."""
    return {name: str(getattr(load_plugin("diagnose/checks", name), constant)) for name in names}


def _build_daily_table(task: str, evidence: Evidence) -> pd.DataFrame:
    cause_settings = load_settings(root_cause.Settings, "diagnose", task, "root_cause")
    causes = build_cause_explainer(evidence, cause_settings).explain_each_day()
    return compute_daily_table(evidence, load_settings(alerts.Settings, "diagnose", task, "alerts"), causes)


def _read_evidence(task: str, reads: Paths) -> Evidence:
    return Evidence(
        task=task,
        **open_evidence_tables(reads),
        columns=table_schema.read_declarations(reads["prepared"]),
        report=json.loads(reads["report"].read_text()),
        audit=json.loads(reads["audit"].read_text()),
        limits=load_settings(CheckLimits, "diagnose", task, "limits"),
        seed=load_seed(),
        quality=json.loads(reads["quality"].read_text()),
        hashes={name: hash_file(reads[name]) for name in ("features", "predictions")},
        memory=open_memory("diagnose"),
        score_audits={stage: json.loads(reads[f"{stage} audit"].read_text()) for stage in AUDITED_STAGES},
    )


COMMANDS = {"gap": print_gap_report, "today": today}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
    run_stage("diagnose", READS, WRITES, main)
