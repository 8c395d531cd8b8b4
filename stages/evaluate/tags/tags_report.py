"""The shape of the tag scorer's report."""

from collections.abc import Mapping

from trueline.core.gap_measure import GapMeasure
from trueline.core.scorer_description import (
    ComparedMeasure,
    Metric,
    Report,
    ReportFigure,
    ScorerDescription,
    get_path,
    parse_finite,
)


def compute_class_shares(report: Report) -> Mapping[str, float]:
    """Return the share of rows that have each tag."""
    tags = get_path(report, "tags")
    rows = [row for row in tags if isinstance(row, Mapping)] if isinstance(tags, list) else []
    return {str(row.get("tag")): share for row in rows if (share := parse_finite(row.get("share"))) is not None}


DESCRIPTION = ScorerDescription(
    metrics=(
        Metric("micro_f1", True, "rows", "baselines.tuned.micro_f1", "micro_f1.difference"),
        Metric("macro_f1", True, "rows", "baselines.tuned.macro_f1", "macro_f1.difference"),
        Metric("lrap", True, "rows", "baselines.tuned.lrap", "lrap.difference"),
    ),
    headline="f1_score",
    figures={
        "accuracy": ReportFigure(
            "share of tag decisions that are right", "baselines.tuned.accuracy", "rows.scored",
            {"baseline": "baselines.baseline.accuracy", "prior": "baselines.prior.accuracy"},
        ),
        "auc_score": "The report of tags has no AUC; the ranking of tags is judged by lrap, see figures.",
        "f1_score": ReportFigure(
            "micro-F1 over tags", "baselines.tuned.micro_f1", "rows.scored",
            {"baseline": "baselines.baseline.micro_f1", "prior": "baselines.prior.micro_f1"},
        ),
        "log_loss": ReportFigure(
            "log loss per tag decision, nats", "baselines.tuned.log_loss", "rows.scored",
            {"baseline": "baselines.baseline.log_loss", "prior": "baselines.prior.log_loss"},
        ),
        "macro_f1": ReportFigure(
            "macro-F1 over tags", "baselines.tuned.macro_f1", "rows.scored", {"baseline": "baselines.baseline.macro_f1"}
        ),
        "lrap": ReportFigure(
            "label-ranking average precision", "baselines.tuned.lrap", "rows.scored",
            {"baseline": "baselines.baseline.lrap"},
        ),
        "subset_accuracy": ReportFigure(
            "share of rows whose tags are all right", "baselines.tuned.subset_accuracy", "rows.scored",
            {"baseline": "baselines.baseline.subset_accuracy"},
        ),
    },
    intervals={"log loss": "baselines.tuned.log_loss", "micro-F1": "baselines.tuned.micro_f1"},
    baselines=("prior", "tag_name", "baseline"),
    verdict_path="tuned_against.{baseline}.micro_f1.verdict",
    loss="1 − micro-F1",
    calibration_error="reliability.calibration_error",
    classes="rows; a row may have several tags",
    classes_path="tags",
    class_shares=compute_class_shares,
    compared=(
        ComparedMeasure("micro_f1", "Micro-F1", True),
        ComparedMeasure("log_loss", "Log loss", False),
        ComparedMeasure("macro_f1", "Macro-F1", True),
        ComparedMeasure("lrap", "Label-ranking average precision", True),
    ),
    unlearned=("prior", "tag_name"),
    gap=GapMeasure(
        name="log_loss", title="log loss", grading="chances", verbs=("loses", "lose"), unit="nats per tag decision",
        difference_unit="nats per tag decision", decimals=4, rows="tags", entities="texts", events="events",
        seen_columns={f"production_{name}": name for name in ("name", "description", "location")},
    ),
)  # fmt: skip
