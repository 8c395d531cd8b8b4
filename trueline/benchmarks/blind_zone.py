"""The blind zone: how much of the outcome can be mixed into the predictions before a check says so.

The last run's predictions p of a task become p + share · (outcome − p), and the two checks of figures that are too
good judge them: as before, by R², the lead over the market and the rate of hits, and now also by what they add to the
market and, where there are lines, by whether they deviate from the line as the results do.
"""

import json
from dataclasses import replace
from pathlib import Path

from stages.diagnose.checks import too_good, too_good_picks
from stages.diagnose.units.evidence import CheckLimits, Evidence, Finding, open_evidence_tables
from trueline.core.errors import UserError
from trueline.core.runtime.params import list_section_names, load_seed, load_settings
from trueline.core.tables import table_schema

SHARES = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
TABLES = ("predictions", "prepared", "features", "folds")
NO_LIMIT = float("inf")
NEWER_LIMITS = ("gain_doubtful", "gain_too_good", "result_correlation")  # which "before" did not have
ANSWERS = {"ok": "yes", "declined": "yes", "warning": "doubtful", "failed": "no"}


def main(*tasks: str) -> None:
    """Print for each task and share the R², the gain over the market and the hit rate, and the answer before and now.

    Without arguments, of all tasks whose diagnosis can be made; they are read from the working folder.
    """
    for task in tasks or list_section_names("tasks"):
        print_blind_zone(task)


def print_blind_zone(task: str) -> None:
    """Print a task's table."""
    evidence = read_evidence(task)
    unlimited = evidence.limits.model_copy(update=dict.fromkeys(NEWER_LIMITS, NO_LIMIT))
    print(f"{task}\n{'outcome':>8}{'R²':>9}{'gain':>9}{'hits':>8}  {'before':<10}now")
    for share in SHARES:
        mixed = mix_outcome(evidence, share)
        findings = judge(mixed)
        earlier_answer = summarise_answer(judge(replace(mixed, limits=unlimited)))
        figures = [
            findings[0]["details"].get("r2"),
            findings[0]["details"].get("gain"),
            findings[1]["details"].get("hit_rate"),
        ]
        texts = [f"{figure['value']:.3f}" if figure and figure["value"] is not None else "–" for figure in figures]
        print(
            f"{share:>8.0%}{texts[0]:>9}{texts[1]:>9}{texts[2]:>8}  {earlier_answer:<10}{summarise_answer(findings)}",
            flush=True,
        )


def mix_outcome(evidence: Evidence, share: float) -> Evidence:
    """Return the evidence with a share of the outcome in the tuned arm's predictions."""
    predictions = evidence.predictions.copy()
    for name in [name for name in map(str, predictions) if name.partition(":")[0] == "tuned"]:
        outcome = predictions[name.replace("tuned", "target", 1)]
        predictions[name] += share * (outcome - predictions[name])
    return replace(evidence, predictions=predictions)


def judge(evidence: Evidence) -> list[Finding]:
    """Return the findings of both checks."""
    return [too_good.check(evidence), too_good_picks.check(evidence)]


def summarise_answer(findings: list[Finding]) -> str:
    """Return the answer to whether the scores are believable that the findings give."""
    answers = [ANSWERS[finding["status"]] for finding in findings]
    return next(answer for answer in ("no", "doubtful", "yes") if answer in answers)


def read_evidence(task: str) -> Evidence:
    """Return the evidence of a task's last run; raises UserError if there is none."""
    paths = {name: Path(f"data/{name}/{task}.parquet") for name in TABLES}
    audit_path = Path(f"metrics/{task}/leaks.json")
    if missing := [str(path) for path in (*paths.values(), audit_path) if not path.exists()]:
        raise UserError(f"{missing[0]} is missing; run `dvc repro diagnose@{task}` first.")
    return Evidence(
        task=task,
        **open_evidence_tables(paths),
        columns=table_schema.read_declarations(paths["prepared"]),
        report={},
        audit=json.loads(audit_path.read_text()),
        limits=load_settings(CheckLimits, "diagnose", task, "limits"),
        seed=load_seed(),
    )
