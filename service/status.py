"""Status: what a loaded model is and how good it was found to be, from the corridor's outputs alone."""

from collections.abc import Mapping
from typing import Any

from service.described import (
    Balance,
    Calibration,
    Features,
    Input,
    Optimization,
    Samples,
    Share,
    TaskStatus,
    Version,
    Window,
)
from service.fields import Told
from service.headline import FIELDS, FIRST, Figure, at, finite, headline, interval, part, whole
from service.outputs import Outputs
from service.training import Training

SHOWN = 10  # inputs that are named with their importance


def status(outputs: Outputs, training: Training) -> TaskStatus:
    """Return a task's status out of its outputs and of what git and the folds tell of its training."""
    found, reasons = headline(outputs)
    own = {name: found.get(name) for name in FIELDS}
    parts = {
        "model_type": _word(outputs.plan.get("learner") or outputs.tuned.get("learner")),
        "last_trained": training.last_trained,
        "training_window": _window(training),
        "class_balance": _balance(outputs),
        "calibration": _calibration(outputs),
        "optimization": _optimization(outputs),
    }
    features, samples, version = _features(outputs), _samples(outputs, training), _version(outputs, training)
    reasons |= {name: _why(name, outputs, training) for name, value in parts.items() if value is None}
    reasons |= _gaps("features", features) | _gaps("samples", samples, training.reasons.get("training_window"))
    reasons |= _gaps("version", version, training.reasons.get("commit"))
    return TaskStatus.model_validate(
        {
            "task": outputs.task,
            "headline": FIRST.get(str(outputs.plan.get("scorer")), "accuracy"),
            "figures": {name: one for name, one in found.items() if name not in FIELDS},
            "features": features,
            "samples": samples,
            "version": version,
            "reasons": reasons,
            **own,
            **parts,
        }
    )


def _features(outputs: Outputs) -> Features:
    held = part(outputs.model.get("importance"))
    told = held or {row.get("input", ""): _float(row.get("importance")) for row in outputs.importance}
    weights = {name: weight for name, value in told.items() if (weight := finite(value)) is not None}
    first = sorted(weights, key=lambda name: (-weights[name], name))[:SHOWN]
    count = len(held) or None
    return Features(count=count, top=[Input(name=name, importance=weights[name]) for name in first])


def _samples(outputs: Outputs, training: Training) -> Samples:
    scored = part(outputs.report.get("scored"))
    first, last = (str(scored[end]) if end in scored else None for end in ("from", "to"))
    clock = first != last  # without a clock all rows are of one day that is none
    return Samples(
        fit=training.rows.get("fit"),
        calibrate=training.rows.get("calibrate"),
        scored=whole(scored.get("rows")),
        scored_from=first if clock else None,
        scored_to=last if clock else None,
    )


def _window(training: Training) -> Window | None:
    if "fit" not in training.days:
        return None
    ends = dict(zip(("fit_from", "fit_to"), training.days["fit"], strict=True))
    later = dict(zip(("calibrate_from", "calibrate_to"), training.days.get("calibrate", (None, None)), strict=True))
    return Window.model_validate({**ends, **later, "source": training.source})


def _balance(outputs: Outputs) -> Balance | None:
    scorer = outputs.plan.get("scorer")
    where = f"metrics/{outputs.task}/report.json"
    never = interval(at(outputs.report, "runners.accuracy_of_never_win"))
    if scorer == "race" and never:
        classes = [Share(name="winner", share=round(1 - never.value, 6)), Share(name="other", share=never.value)]
        return Balance(of="runners", classes=classes, source=f"{where}#runners.accuracy_of_never_win")
    if scorer == "market" and (won := _sides(outputs.report)):
        return Balance(of="rows against lines that books posted", classes=won, source=f"{where}#always")
    if scorer == "tags" and (classes := _tags(outputs.report.get("tags"))):
        return Balance(of="rows; a row may have several tags", classes=classes, source=f"{where}#tags")
    return None


def _tags(found: Any) -> list[Share]:
    rows = [part(one) for one in found] if isinstance(found, list) else []
    held = [(str(row.get("tag")), finite(row.get("share"))) for row in rows]
    return [Share(name=name, share=share) for name, share in held if share is not None]


def _sides(report: Mapping[str, Any]) -> list[Share]:
    counts = {
        "over": whole(at(report, "always.over.wins")),
        "under": whole(at(report, "always.under.wins")),
        "push": whole(at(report, "always.over.pushes")),
    }
    total = sum(count or 0 for count in counts.values())
    return [Share(name=name, share=round((count or 0) / total, 6)) for name, count in counts.items()] if total else []


def _calibration(outputs: Outputs) -> Calibration | None:
    calibrator = _word(outputs.plan.get("calibrator"))
    if not calibrator:
        return None
    places = ("runners.ece", "reliability.calibration_error", "distribution.calibration_error")
    error = next((one.value for path in places if (one := interval(at(outputs.report, path)))), None)
    check = part(at(outputs.diagnosis, "checks.calibration_slope"))
    said = check.get("summary")
    return Calibration(calibrator=calibrator, error=error, slope=_slope(outputs, check), said=said and str(said))


def _slope(outputs: Outputs, check: Mapping[str, Any]) -> Figure | None:
    held = at(check, "details.slope")
    found = interval(held)
    if found is None:
        return None
    return Figure(
        **found.model_dump(),
        metric="slope of outcomes on promised log odds",
        n=whole(part(held).get("n")),
        rows=None,
        beside={},
        source=f"metrics/{outputs.task}/diagnosis.json#checks.calibration_slope.details.slope",
        reason=None if found.low is not None else "The check gives no interval.",
    )


def _optimization(outputs: Outputs) -> Optimization | None:
    if not outputs.tuned:
        return None
    loss, better = part(outputs.tuned.get("loss")), outputs.tuned.get("beats_default")
    ends = {name: one.value if (one := interval(loss.get(name))) else None for name in ("default", "tuned")}
    return Optimization(
        loss=str(loss.get("name", "")),
        **ends,
        beats_default=better if isinstance(better, bool) else None,
        trials=len(outputs.trials),
        complete=sum(row.get("state") == "complete" for row in outputs.trials),
        knobs=dict(part(outputs.tuned.get("tuned"))),
    )


def _version(outputs: Outputs, training: Training) -> Version:
    scored = at(outputs.report, "scored.hash")
    scored = None if scored is None else str(scored)
    return Version(name=outputs.version, commit=training.commit, hashes=dict(outputs.hashes), scored=scored)


def _word(value: Any) -> str | None:
    return None if value is None else str(value)


def _float(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _gaps(part: str, held: Told, why: str | None = None) -> dict[str, str]:
    """Return why the fields of a part are null."""
    told = {
        "features.count": "The model's own file does not name its inputs.",
        "samples.scored_from": "The rows have no clock.",
        "samples.scored_to": "The rows have no clock.",
        "samples.scored": "The report does not say which rows were scored.",
        "version.scored": "The report does not say which rows were scored.",
    }
    names = [f"{part}.{name}" for name, value in held if value is None]
    return {name: told.get(name) or why or "It was not found." for name in names}


def _why(name: str, outputs: Outputs, training: Training) -> str:
    if name in training.reasons:
        return training.reasons[name]
    sources = {
        "optimization": f"models/{outputs.task}/tuned.json",
        "class_balance": f"metrics/{outputs.task}/report.json",
    }
    held = sources.get(name)
    plan = "dvc.lock names no such word of the plan."
    return outputs.absent.get(held, f"{held} does not tell it.") if held else plan
