"""score_audit: did any stage give a test fold other values when the outcomes of the rows that it scores were others?"""

from typing import Any

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding

NAME = "Do predictions depend on the outcomes that they are scored on?"
ASKS = "honesty"
MUST_ANSWER = True


def check(evidence: Evidence) -> Finding:
    """Report what resample, tune, train and calibrate found when they ran again with other outcomes of the score rows.

    Declines if a stage was not audited. Tuning is left out where it may see every row, as it does without a clock.
    """
    audits = {stage: audit.get("folds") or [] for stage, audit in evidence.score_audits.items()}
    if not audits or not all(audits.values()):
        return decline("No score audit of every stage was made; set score_audit.folds to 1 or more and run the stages.")
    details = {"stages": audits}
    runs = [(stage, audit) for stage, folds in audits.items() for audit in folds if audit["exchanged"]]
    faults = [_describe_fault(stage, audit) for stage, audit in runs if audit["error"] or audit["differing"]]
    if faults:
        return make_finding("failed", " ".join(faults), **details)
    stages = list(dict.fromkeys(stage for stage, _ in runs))
    left_out = sorted(set(audits) - set(stages))
    drawn = set.intersection(*({audit["fold"] for audit in audits[stage]} for stage in stages))
    folds = ", ".join(fold for fold in dict.fromkeys(audit["fold"] for _, audit in runs) if fold in drawn)
    compared = sum(audit["compared"] for _, audit in runs)
    summary = (
        f"With other outcomes of the rows that {folds} scores, {_join_names(stages)} gave the same {compared} values"
    )
    excuse = f"; {_join_names(left_out)} was left out, as it may see every row" if left_out else ""
    return make_finding("ok", f"{summary}, bit for bit{excuse}.", **details)


def _describe_fault(stage: str, audit: dict[str, Any]) -> str:
    fold, example = audit["fold"], audit["example"]
    if audit["error"]:
        return f"{stage} of {fold} did not run on its own inputs alone, so a plugin may read files: {audit['error']}."
    return (
        f"{stage} uses outcomes that it is scored on: when {audit['exchanged']} rows of {fold} got others, "
        f"{audit['differing']} of {audit['compared']} values changed, such as {example['column']} of {example['row']}."
    )


def _join_names(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
