"""The shape of the market scorer's report."""

from collections.abc import Mapping

from trueline.core.gap_measure import GapMeasure
from trueline.core.scorer_description import (
    ComparedMeasure,
    Metric,
    Report,
    ReportFigure,
    ScorerDescription,
    get_estimate,
)

SIDE_COUNTS = {"over": "always.over.wins", "under": "always.under.wins", "push": "always.over.pushes"}


def compute_class_shares(report: Report) -> Mapping[str, float]:
    """Return the shares of rows that ended over the line, under it and on it."""
    counts = {side: int(get_estimate(report, path) or 0) for side, path in SIDE_COUNTS.items()}
    total = sum(counts.values())
    return {side: round(count / total, 6) for side, count in counts.items()} if total else {}


DESCRIPTION = ScorerDescription(
    metrics=(
        Metric("hit_rate", True, "bets", "picks.by_edge.0.hit_rate", "picks.difference_points", scale=100),
        Metric("mae", False, "rows", "baselines.models.tuned.mae", "error", "the error on all rows"),
        Metric("roi", True, "bets", "picks.by_edge.0.roi"),
    ),
    headline="accuracy",
    figures={
        "accuracy": ReportFigure(
            "hit rate: share of decided picks against lines that books posted which won",
            "line_types.actual.hit_rate", "line_types.actual.bets",
            {"always over": "always.over.hit_rate", "always under": "always.under.hit_rate"},
        ),
        "auc_score": "A quantity is predicted: there are no classes to rank, and the report has no AUC.",
        "f1_score": "A quantity is predicted: there are no classes to name, and the report has no F1.",
        "log_loss": "A quantity is predicted: its distribution is judged by the CRPS, see figures.",
        "mae": ReportFigure(
            "mean absolute error on the rows that the model and all baselines predict",
            "baselines.models.tuned.mae", "baselines.rows",
            {"line": "baselines.models.line.mae", "baseline": "baselines.models.baseline.mae"},
        ),
        "line_mae": ReportFigure(
            "mean absolute error of the posted line", "line_types.actual.line_mae", "line_types.actual.rows"
        ),
        "roi": ReportFigure(
            "won per unit staked, at −110 unless evaluate.<task>.payout says otherwise",
            "line_types.actual.roi", "line_types.actual.bets",
        ),
        "crps": ReportFigure(
            "continuous ranked probability score", "distribution.crps", None,
            {"line, same spread": "distribution.crps_of_line_with_same_spread"},
        ),
    },
    intervals={"hit rate": "picks.by_edge.0.hit_rate", "mean absolute error": "all_rows.tuned.mae"},
    baselines=("last_5", "last_10", "season_mean", "baseline"),
    verdict_path="baselines.models.{baseline}.tuned_is",
    loss="Mean absolute error",
    calibration_error="distribution.calibration_error",
    classes="rows against lines that books posted",
    classes_path="always",
    class_shares=compute_class_shares,
    compared=(
        ComparedMeasure("hit_rate", "Hit rate, %", True, scale=100),
        ComparedMeasure("mae", "Mean absolute error", False),
        ComparedMeasure("of_line_mae", "Mean absolute error as a share of the line's", False, mark=1.0),
    ),
    unlearned=("last_5", "last_10", "season_mean", "line"),
    gap=GapMeasure(
        name="hit_rate", title="hit rate", grading="bets", verbs=("hits", "hit"), unit="%", difference_unit="points",
        decimals=1, rows="bets", entities="players", events="games", scale=100,
        seen_columns={"production_line": "soft_label"},
    ),
    has_bets=True,
)  # fmt: skip
