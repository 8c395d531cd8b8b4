"""The shape of the race scorer's report."""

from collections.abc import Mapping

from trueline.core.gap_measure import GapMeasure
from trueline.core.scorer_description import (
    ComparedMeasure,
    ComparedPart,
    Metric,
    Report,
    ReportFigure,
    ScorerDescription,
    get_estimate,
)


def compute_class_shares(report: Report) -> Mapping[str, float]:
    """Return the shares of winners and of other runners."""
    other_share = get_estimate(report, "runners.accuracy_of_never_win")
    return {} if other_share is None else {"winner": round(1 - other_share, 6), "other": other_share}


DESCRIPTION = ScorerDescription(
    metrics=(
        Metric("log_loss", False, "races", "baselines.tuned.log_loss", "log_loss"),
        Metric("r2", True, "races", "baselines.tuned.r2", "r2"),
        Metric("gain_over_market", True, "races", "gain_over_market.gain", "gain_over_market"),
    ),
    headline="log_loss",
    figures={
        "accuracy": ReportFigure(
            "share of runners called right, a winner being one with a chance of a half or more",
            "runners.accuracy", "runners.runners", {"nobody wins": "runners.accuracy_of_never_win"},
        ),
        "auc_score": ReportFigure("area under the ROC curve over runners", "runners.auc", "runners.runners"),
        "f1_score": ReportFigure(
            "F1 of winners over runners, a winner being one with a chance of a half or more",
            "runners.f1", "runners.runners", {"everybody wins": "runners.f1_of_always_win"},
        ),
        "log_loss": ReportFigure(
            "log loss per race, nats", "baselines.tuned.log_loss", "baselines.tuned.log_loss.n",
            {
                "market": "baselines.market.log_loss",
                "baseline": "baselines.baseline.log_loss",
                "uniform": "baselines.uniform.log_loss",
            },
        ),
        "r2": ReportFigure(
            "R²: 1 − log loss / log loss of the uniform guess", "baselines.tuned.r2", "baselines.tuned.r2.n",
            {"market": "baselines.market.r2"},
        ),
        "gain_over_market": ReportFigure("what the model adds to the market, nats per race", "gain_over_market.gain"),
        "brier": ReportFigure(
            "Brier score over runners", "runners.brier", None, {"base rate": "runners.brier_of_base_rate"}
        ),
    },
    intervals={"log loss": "baselines.tuned.log_loss"},
    baselines=("uniform", "baseline"),
    verdict_path="baselines.{baseline}.tuned_is",
    loss="Log loss per race",
    calibration_error="runners.ece",
    classes="runners",
    classes_path="runners.accuracy_of_never_win",
    class_shares=compute_class_shares,
    compared=(ComparedMeasure("log_loss", "Log loss", False), ComparedMeasure("r2", "R²", True)),
    unlearned=("uniform", "market", "benchmark"),
    compared_parts=(
        ComparedPart(
            "places", "Place chances",
            (
                ComparedMeasure("log_loss", "Log loss", False),
                ComparedMeasure("slope", "Calibration slope", None, mark=1.0),
                ComparedMeasure("r2", "R²", True),
            ),
            ("uniform", "harville", "market"),
        ),
    ),
    gap=GapMeasure(
        name="log_loss", title="log loss", grading="shares", verbs=("loses", "lose"), unit="nats per race",
        difference_unit="nats per race", decimals=4, rows="runners", entities="runners", events="races",
        seen_columns={"production_price": "bsp"},
    ),
)  # fmt: skip
