"""Promotion gates: each checks one requirement for a model to enter a stage and answers with one sentence.

These gates read what the pipeline wrote about one task in the experiment's commit. The gates that need predictions are
in noise_gate.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trueline.core.scorer_description import ScorerDescription, get_path

Report = Mapping[str, Any]

BIAS_CHECKS = ("market_bias", "calibration_slope")


@dataclass(frozen=True)
class Gate:
    """The answer of one gate: passed or stopped, a sentence, and the figures behind it."""

    name: str
    passed: bool
    sentence: str
    figures: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{'passed ' if self.passed else 'stopped'}  {self.name}: {self.sentence}"


def check_baselines(report: Report, scorer: ScorerDescription) -> Gate:
    """Stop a model that is not better, beyond its interval, than every costless baseline in its report."""
    verdicts = {
        name: str(verdict)
        for name in scorer.baselines
        if (verdict := get_path(report, scorer.verdict_path.format(baseline=name))) is not None
    }
    if not verdicts:
        return Gate("baselines", False, "The report has no baselines to stand beside; evaluate on rows that have them.")
    unbeaten = {name: verdict for name, verdict in verdicts.items() if verdict != "better"}
    if unbeaten:
        verdict_list = ", ".join(f"{verdict} against {name}" for name, verdict in unbeaten.items())
        return Gate(
            "baselines", False, f"It is {verdict_list}: a baseline that costs nothing must be beaten.", dict(verdicts)
        )
    return Gate("baselines", True, f"It is better than {_join_names(verdicts)}.", dict(verdicts))


def check_interval(report: Report, scorer: ScorerDescription) -> Gate:
    """Stop a report whose headline rests on too few independent blocks for an interval."""
    headlines = {
        name: headline
        for name, path in scorer.intervals.items()
        if isinstance(headline := get_path(report, path), Mapping)
    }
    without_interval = [
        f"{name} ({headline.get('n', 0)} blocks)" for name, headline in headlines.items() if headline.get("low") is None
    ]
    if without_interval or not headlines:
        return Gate(
            "interval", False, f"Insufficient for an interval: {_join_names(without_interval) or 'no headline at all'}."
        )
    phrases = [
        f"{name} {headline['value']:.4g} ({headline['low']:.4g} to {headline['high']:.4g})"
        for name, headline in headlines.items()
    ]
    return Gate(
        "interval", True, f"{_join_names(phrases)}.", {name: dict(headline) for name, headline in headlines.items()}
    )


def check_leaks(audit: Report | None) -> Gate:
    """Stop a model whose inputs see the future."""
    if not audit or not audit.get("audited"):
        return Gate("leaks", False, "No leak audit is on record; run the features stage.")
    if audit["leaking"]:
        return Gate("leaks", False, f"These inputs see the future: {_join_names(audit['leaking'])}.", dict(audit))
    return Gate("leaks", True, f"None of {audit['audited']} inputs sees the future.", dict(audit))


def check_believability(answer: str, reasons: Sequence[str], accept_doubt: bool) -> Gate:
    """Stop a model whose scores diagnose does not call believable; `accept_doubt` lets doubtful ones pass."""
    figures, summary = {"believable": answer}, " ".join(reasons)
    if answer == "yes":
        return Gate("believable", True, "Yes: no check of their honesty found anything against its scores.", figures)
    if answer == "doubtful":
        remedy = "Accepted all the same." if accept_doubt else "Answer it, or accept it with --accept-doubt."
        return Gate("believable", accept_doubt, f"Doubtful: {summary} {remedy}", figures)
    if answer == "no":
        return Gate("believable", False, f"No: {summary}", figures)
    return Gate("believable", False, "Its scores were not judged as they are now; run the diagnose stage.", figures)


def check_score_audit(diagnosis: Report | None) -> Gate:
    """Stop a model whose stages were not run again with other outcomes of score rows, or gave other values then."""
    finding = diagnosis["checks"].get("score_audit") if diagnosis else None
    if finding is None or finding["status"] == "declined":
        return Gate(
            "score audit", False, "No score audit is on record; set score_audit.folds to 1 or more, and run the stages."
        )
    return Gate("score audit", finding["status"] == "ok", finding["summary"])


def check_bias(diagnosis: Report | None, error: Mapping[str, Any] | None, limit: float | None) -> Gate:
    """Stop a biased model: a market-line or calibration-slope check outside its limits, or too large a mean error.

    `error` is the mean error with its interval, in the target's unit; the interval must lie within ± `limit`.
    """
    if not diagnosis:
        return Gate("bias", False, "No diagnosis is on record; run the diagnose stage.")
    leaning = _collect_summaries(diagnosis, BIAS_CHECKS, ("failed", "warning"))
    if leaning:
        return Gate("bias", False, " ".join(leaning))
    if error is None or limit is None:
        passed_summaries = _collect_summaries(diagnosis, BIAS_CHECKS, ("ok",))
        return Gate("bias", True, " ".join(passed_summaries) or "No limit is set, and no check found a lean.")
    if error["low"] is None:
        return Gate(
            "bias", False, f"The mean error rests on {error['n']} blocks, too few for an interval.", dict(error)
        )
    sentence = f"The mean error is {error['value']:+.3f} ({error['low']:+.3f} to {error['high']:+.3f})"
    if max(abs(error["low"]), abs(error["high"])) > limit:
        return Gate("bias", False, f"{sentence}, not within ±{limit:g}.", dict(error))
    return Gate("bias", True, f"{sentence}, within ±{limit:g}.", dict(error))


def check_validity(why: str | None) -> Gate:
    """Stop a model that was made from data declared invalid."""
    if why is not None:
        return Gate("valid", False, f"It was invalidated: {why.rstrip('.')}.")
    return Gate("valid", True, "Nothing that it was made from was invalidated.")


def check_outputs(absent: Sequence[str], present: int) -> Gate:
    """Stop a model that cannot be delivered: the bytes of an output are in neither git, the cache nor the remote."""
    if absent or not present:
        missing_names = _join_names(absent[:3]) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
        return Gate(
            "outputs", False, f"Not at hand as dvc.lock names them: {missing_names or 'any output'}; pull or run again."
        )
    return Gate("outputs", True, f"All {present} outputs are at hand, by their hashes.", {"outputs": present})


def _collect_summaries(diagnosis: Report, names: Iterable[str], statuses: tuple[str, ...]) -> list[str]:
    checks = diagnosis.get("checks", {})
    if not isinstance(checks, Mapping):
        raise TypeError("checks has no names")
    return [checks[name]["summary"] for name in names if name in checks and checks[name]["status"] in statuses]


def _join_names(names: Iterable[str]) -> str:
    return ", ".join(map(str, names))
