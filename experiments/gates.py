"""Gates: what an experiment must show before it may stand in a stage; each answers with one sentence.

These read what the corridor wrote of one task in the experiment's commit. Those that weigh predictions are in noise.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.metrics import at

Report = Mapping[str, Any]

# rungs that cost nothing to make: a market may be better than a model that is of use, these may not
BASELINES = ("uniform", "prior", "tag_name", "last_5", "last_10", "season_mean", "floor")
# figures without an interval are insufficient; which of them a report holds follows from its scorer
HEADLINES: Mapping[str, tuple[str | int, ...]] = {
    "hit rate": ("picks", "by_edge", 0, "hit_rate"),
    "mean absolute error": ("all_rows", "tuned", "mae"),
    "log loss": ("ladder", "tuned", "log_loss"),
    "micro-F1": ("ladder", "tuned", "micro_f1"),
}
BIAS = ("market_bias", "calibration_slope")
HONEST = ("leak_audit", "too_good", "too_good_picks", "duplicates", "coverage")


@dataclass(frozen=True)
class Gate:
    """What one gate says: passed or stopped, in a sentence, and the figures behind it."""

    name: str
    passed: bool
    sentence: str
    figures: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{'passed ' if self.passed else 'stopped'}  {self.name}: {self.sentence}"


def ladder(report: Report) -> Gate:
    """Stop what is not better, beyond its interval, than every baseline that its report holds."""
    found = _verdicts(report)
    if not found:
        return Gate("ladder", False, "The report has no baselines to stand beside; evaluate on rows that have them.")
    behind = {name: verdict for name, verdict in found.items() if verdict != "better"}
    if behind:
        said = ", ".join(f"{verdict} against {name}" for name, verdict in behind.items())
        return Gate("ladder", False, f"It is {said}: a baseline that costs nothing must be beaten.", dict(found))
    return Gate("ladder", True, f"It is better than {_listed(found)}.", dict(found))


def interval(report: Report) -> Gate:
    """Stop a report whose headline rests on too few independent blocks for an interval."""
    held = {name: found for name, path in HEADLINES.items() if isinstance(found := at(report, path), Mapping)}
    blind = [f"{name} ({found.get('n', 0)} blocks)" for name, found in held.items() if found.get("low") is None]
    if blind or not held:
        return Gate("interval", False, f"Insufficient for an interval: {_listed(blind) or 'no headline at all'}.")
    said = [f"{name} {found['value']:.4g} ({found['low']:.4g} to {found['high']:.4g})" for name, found in held.items()]
    return Gate("interval", True, f"{_listed(said)}.", {name: dict(found) for name, found in held.items()})


def leaks(audit: Report | None, diagnosis: Report | None) -> Gate:
    """Stop inputs that saw the future, figures too good to be true, and rows that were learned or scored twice."""
    if not audit or not audit.get("audited") or not diagnosis:
        return Gate("leaks", False, "No leak audit is on record; run the features and diagnose stages.")
    if audit["leaking"]:
        return Gate("leaks", False, f"These inputs see the future: {_listed(audit['leaking'])}.", dict(audit))
    failed = _said(diagnosis, HONEST, ("failed",))
    if failed:
        return Gate("leaks", False, " ".join(failed), dict(audit))
    return Gate(
        "leaks", True, f"None of {audit['audited']} inputs sees the future, and nothing is too good.", dict(audit)
    )


def bias(diagnosis: Report | None, error: Mapping[str, Any] | None, limit: float | None) -> Gate:
    """Stop what leans: a check of the market's line or of the calibration slope that left its limits, or a mean error.

    `error` is the mean error of a quantity (target's unit) with its interval, which must lie within ± limit.
    """
    if not diagnosis:
        return Gate("bias", False, "No diagnosis is on record; run the diagnose stage.")
    leaning = _said(diagnosis, BIAS, ("failed", "warning"))
    if leaning:
        return Gate("bias", False, " ".join(leaning))
    if error is None or limit is None:
        kept = _said(diagnosis, BIAS, ("ok",))
        return Gate("bias", True, " ".join(kept) or "No limit is set, and no check found a lean.")
    if error["low"] is None:
        return Gate(
            "bias", False, f"The mean error rests on {error['n']} blocks, too few for an interval.", dict(error)
        )
    said = f"The mean error is {error['value']:+.3f} ({error['low']:+.3f} to {error['high']:+.3f})"
    if max(abs(error["low"]), abs(error["high"])) > limit:
        return Gate("bias", False, f"{said}, not within ±{limit:g}.", dict(error))
    return Gate("bias", True, f"{said}, within ±{limit:g}.", dict(error))


def valid(why: str | None) -> Gate:
    """Stop what descends from data that was declared invalid."""
    if why is not None:
        return Gate("valid", False, f"It was invalidated: {why.rstrip('.')}.")
    return Gate("valid", True, "Nothing that it was made from was invalidated.")


def outputs(absent: Sequence[str], present: int) -> Gate:
    """Stop what could not be delivered: an output of which neither git nor the cache nor the remote has the bytes."""
    if absent or not present:
        which = _listed(absent[:3]) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
        return Gate(
            "outputs", False, f"Not at hand as dvc.lock names them: {which or 'any output'}; pull or run again."
        )
    return Gate("outputs", True, f"All {present} outputs are at hand, by their hashes.", {"outputs": present})


def _verdicts(report: Report) -> dict[str, str]:
    """Return how the tuned arm stands beside each baseline, in whichever of its forms the report says it."""
    rungs = at(report, ("ladder", "rungs")) or report.get("ladder") or {}
    found = {}
    for name in BASELINES:
        said = at(report, ("tuned_against", name, "micro_f1", "verdict")) or at(rungs, (name, "tuned_is"))
        if said is not None:
            found[name] = str(said)
    return found


def _said(diagnosis: Report, names: Iterable[str], statuses: tuple[str, ...]) -> list[str]:
    checks = diagnosis.get("checks", {})
    if not isinstance(checks, Mapping):
        raise TypeError("checks has no names")
    return [checks[name]["summary"] for name in names if name in checks and checks[name]["status"] in statuses]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(map(str, words))
