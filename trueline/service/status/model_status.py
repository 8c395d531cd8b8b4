"""Model status: what a loaded model is and how well it scored, from the pipeline's outputs alone."""

from collections.abc import Mapping
from typing import Any

from trueline.core.scorer_description import get_estimate, get_path, parse_finite
from trueline.service.request_fields import ResponseModel
from trueline.service.status.headline_metrics import (
    HEADLINE_FIELDS,
    Figure,
    ensure_mapping,
    find_description,
    parse_count,
    parse_interval,
    read_headline_metrics,
)
from trueline.service.status.stage_outputs import TaskOutputs
from trueline.service.status.status_schema import (
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
from trueline.service.status.training_info import TrainingInfo

MAX_TOP_INPUTS = 10  # inputs that are listed with their importance


def build_task_status(outputs: TaskOutputs, training: TrainingInfo) -> TaskStatus:
    """Return a task's status from its outputs, and from what git and the folds reveal about its training."""
    figures, reasons = read_headline_metrics(outputs)
    headline_figures = {name: figures.get(name) for name in HEADLINE_FIELDS}
    sections = {
        "model_type": _convert_to_text(outputs.task_config.get("learner") or outputs.tuned.get("learner")),
        "last_trained": training.last_trained,
        "training_window": _build_training_window(training),
        "class_balance": _build_class_balance(outputs),
        "calibration": _build_calibration(outputs),
        "optimization": _build_optimization(outputs),
    }
    features = _build_features(outputs)
    samples = _build_samples(outputs, training)
    version = _build_version(outputs, training)
    reasons |= {name: _explain_missing(name, outputs, training) for name, value in sections.items() if value is None}
    reasons |= _collect_missing_reasons("features", features) | _collect_missing_reasons(
        "samples", samples, training.reasons.get("training_window")
    )
    reasons |= _collect_missing_reasons("version", version, training.reasons.get("commit"))
    return TaskStatus.model_validate(
        {
            "task": outputs.task,
            "headline": description.headline if (description := find_description(outputs)) else "accuracy",
            "figures": {name: figure for name, figure in figures.items() if name not in HEADLINE_FIELDS},
            "features": features,
            "samples": samples,
            "version": version,
            "reasons": reasons,
            **headline_figures,
            **sections,
        }
    )


def _build_features(outputs: TaskOutputs) -> Features:
    importance = ensure_mapping(outputs.model.get("importance"))
    shares = importance or {row.get("input", ""): _parse_float(row.get("importance")) for row in outputs.importance}
    weights = {name: weight for name, value in shares.items() if (weight := parse_finite(value)) is not None}
    top_names = sorted(weights, key=lambda name: (-weights[name], name))[:MAX_TOP_INPUTS]
    count = len(importance) or None
    return Features(count=count, top=[Input(name=name, importance=weights[name]) for name in top_names])


def _build_samples(outputs: TaskOutputs, training: TrainingInfo) -> Samples:
    scored = ensure_mapping(outputs.report.get("scored"))
    first_day, last_day = (str(scored[end]) if end in scored else None for end in ("from", "to"))
    has_clock = first_day != last_day  # without a clock every row has the same placeholder day
    return Samples(
        fit=training.rows.get("fit"),
        calibrate=training.rows.get("calibrate"),
        scored=parse_count(scored.get("rows")),
        scored_from=first_day if has_clock else None,
        scored_to=last_day if has_clock else None,
    )


def _build_training_window(training: TrainingInfo) -> Window | None:
    if "fit" not in training.days:
        return None
    fit_days = dict(zip(("fit_from", "fit_to"), training.days["fit"], strict=True))
    days = training.days.get("calibrate", (None, None))
    calibrate_days = dict(zip(("calibrate_from", "calibrate_to"), days, strict=True))
    return Window.model_validate({**fit_days, **calibrate_days, "source": training.source})


def _build_class_balance(outputs: TaskOutputs) -> Balance | None:
    description = find_description(outputs)
    shares = description.class_shares(outputs.report) if description else {}
    if description is None or not shares:
        return None
    return Balance(
        of=description.classes,
        classes=[Share(name=name, share=share) for name, share in shares.items()],
        source=f"metrics/{outputs.task}/report.json#{description.classes_path}",
    )


def _build_calibration(outputs: TaskOutputs) -> Calibration | None:
    calibrator = _convert_to_text(outputs.task_config.get("calibrator"))
    if not calibrator:
        return None
    description = find_description(outputs)
    error = get_estimate(outputs.report, description.calibration_error) if description else None
    check = ensure_mapping(get_path(outputs.diagnosis, "checks.calibration_slope"))
    summary = check.get("summary")
    slope = _build_slope(outputs, check)
    return Calibration(calibrator=calibrator, error=error, slope=slope, said=summary and str(summary))


def _build_slope(outputs: TaskOutputs, check: Mapping[str, Any]) -> Figure | None:
    slope = get_path(check, "details.slope")
    estimate = parse_interval(slope)
    if estimate is None:
        return None
    return Figure(
        **estimate.model_dump(),
        metric="slope of outcomes on predicted log odds",
        n=parse_count(ensure_mapping(slope).get("n")),
        rows=None,
        beside={},
        source=f"metrics/{outputs.task}/diagnosis.json#checks.calibration_slope.details.slope",
        reason=None if estimate.low is not None else "The check gives no interval.",
    )


def _build_optimization(outputs: TaskOutputs) -> Optimization | None:
    if not outputs.tuned:
        return None
    loss, beats_default = ensure_mapping(outputs.tuned.get("loss")), outputs.tuned.get("beats_default")
    estimates = {name: parse_interval(loss.get(name)) for name in ("default", "tuned")}
    losses = {name: estimate.value if estimate else None for name, estimate in estimates.items()}
    return Optimization(
        loss=str(loss.get("name", "")),
        **losses,
        beats_default=beats_default if isinstance(beats_default, bool) else None,
        trials=len(outputs.trials),
        complete=sum(row.get("state") == "complete" for row in outputs.trials),
        params=dict(ensure_mapping(outputs.tuned.get("tuned"))),
    )


def _build_version(outputs: TaskOutputs, training: TrainingInfo) -> Version:
    scored = get_path(outputs.report, "scored.hash")
    scored = None if scored is None else str(scored)
    return Version(
        name=outputs.version,
        commit=training.commit,
        answers=outputs.answer_version,
        part_hashes=dict(outputs.part_hashes),
        hashes=dict(outputs.hashes),
        scored=scored,
    )


def _convert_to_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _parse_float(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _collect_missing_reasons(section: str, values: ResponseModel, fallback: str | None = None) -> dict[str, str]:
    """Return by name why the null fields of a section are null."""
    reasons = {
        "features.count": "The model's own file does not name its inputs.",
        "samples.scored_from": "The rows have no clock.",
        "samples.scored_to": "The rows have no clock.",
        "samples.scored": "The report does not say which rows were scored.",
        "version.scored": "The report does not say which rows were scored.",
    }
    missing_fields = [f"{section}.{name}" for name, value in values if value is None]
    return {name: reasons.get(name) or fallback or "It was not found." for name in missing_fields}


def _explain_missing(name: str, outputs: TaskOutputs, training: TrainingInfo) -> str:
    if name in training.reasons:
        return training.reasons[name]
    sources = {
        "optimization": f"models/{outputs.task}/tuned.json",
        "class_balance": f"metrics/{outputs.task}/report.json",
    }
    source = sources.get(name)
    fallback = "The task config in dvc.lock has no such entry."
    return outputs.missing_reasons.get(source, f"{source} does not contain it.") if source else fallback
