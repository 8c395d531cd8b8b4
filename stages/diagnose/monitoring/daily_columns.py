"""The columns of the daily table, in groups that each have a column for why figures are missing."""

from stages.diagnose.monitoring.drift_score import DRIFT_WINDOWS
from stages.diagnose.monitoring.market_sharpness import SHARPNESS_LABELS
from trueline.core.tables.table_schema import Column

DAY_STATUSES = ("graded", "ungraded", "no_data", "not_scored", "no_games")
DRIFT_SEVERITIES = ("none", "mild", "moderate", "severe")


def _make_number_column(
    name: str, meaning: str, unit: str, low: float | None = None, high: float | None = None
) -> Column:
    return Column(name, "number", "after", meaning, unit, low=low, high=high)


def _make_percent_columns(name: str, meaning: str) -> list[Column]:
    notes = {"": "", "_low": ", lower end of its 95 % interval", "_high": ", upper end of its 95 % interval"}
    return [_make_number_column(f"{name}{suffix}", f"{meaning}{note}", "%", 0, 100) for suffix, note in notes.items()]


def _make_text_column(name: str, meaning: str, allowed: tuple[str, ...] | None = None, nullable: bool = True) -> Column:
    return Column(name, "text", "after", meaning, nullable=nullable, allowed=allowed)


def _make_integer_column(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "whole", "after", meaning, nullable=nullable, low=0)


def _make_reason_column(group: str) -> Column:
    return _make_text_column(f"{group}_reason", f"why figures of {group} are missing; null where none is")


LOSS_UNIT = "loss"  # points of a quantity's error, or nats of a race
COLUMN_GROUPS: dict[str, list[Column]] = {
    "sharpness": [
        *(
            _make_number_column(
                f"line_mae_tier{tier}", f"mean loss of the market in the window, tier {tier}", LOSS_UNIT
            )
            for tier in (1, 2, 3)
        ),
        _make_number_column("line_mae", "mean loss of the market in the window", LOSS_UNIT),
        *_make_percent_columns("model_beats_line_pct", "units in which the model was strictly closer than the market"),
        _make_number_column(
            "sharpness_score", "baseline windows in which the market lost more on units as hard", "%", 0, 100
        ),
        _make_number_column("sharpness_low", "the score at the lower end of the market's 95 % interval", "%", 0, 100),
        _make_number_column("sharpness_high", "the score at its upper end", "%", 0, 100),
        _make_text_column("sharpness_status", "the score in a word", SHARPNESS_LABELS),
    ],
    "drift": [
        *(
            rate_column
            for days in DRIFT_WINDOWS
            for rate_column in _make_percent_columns(f"hit_rate_{days}d", f"picks won in {days} days")
        ),
        _make_number_column("model_mae", "mean loss of the model in the window", LOSS_UNIT),
        _make_number_column("model_mean_error", "mean of prediction − outcome in the window", LOSS_UNIT),
        _make_text_column("bias_direction", "to which side predictions err", ("under", "neutral", "over")),
        _make_number_column("drift_score", "posterior probability that the model got worse", "%", 0, 100),
        _make_text_column("drift_severity", "the score in a word", DRIFT_SEVERITIES),
    ],
    "quality": [
        _make_number_column("completeness", "rows predicted of those that test folds score", "%", 0, 100),
        _make_number_column("feature_quality", "inputs present and not at a default, of rows asked for", "%", 0, 100),
    ],
    "baseline": [
        _make_number_column("line_mae_baseline", "mean loss of the market in the baseline", LOSS_UNIT),
        _make_number_column("hit_rate_baseline", "picks won of those decided in the baseline", "%", 0, 100),
        _make_number_column("sharpness_vs_baseline", "how much less the market lost than on units as hard before", "%"),
        _make_number_column("sharpness_vs_baseline_low", "lower end of its 95 % interval", "%"),
        _make_number_column("sharpness_vs_baseline_high", "upper end of its 95 % interval", "%"),
    ],
    "cause": [
        _make_text_column("primary_cause", "what explains best that the window differs from the days before it"),
        _make_number_column("cause_confidence", "share of resamples that name the same", "share", 0, 1),
        _make_text_column("contributing_factors", "parts of the change, largest first: JSON objects"),
    ],
    "alert": [
        _make_integer_column(
            "alert_triggered", "1 if a rule alarms or nothing was predicted that should have been", nullable=True
        ),
        _make_text_column("alert_level", "the gravest", ("none", "info", "warning", "critical")),
        _make_text_column("alert_message", "what alarms, in a sentence"),
    ],
}  # fmt: skip
COUNT_COLUMNS = [
    _make_integer_column("line_n", "units in the window that stand beside a market"),
    *(_make_integer_column(f"line_n_tier{tier}", f"and of tier {tier}") for tier in (1, 2, 3)),
    *(_make_integer_column(f"hit_rate_{days}d_n", f"picks decided in {days} days") for days in DRIFT_WINDOWS),
    _make_integer_column("model_n", "units graded in the window"),
    _make_integer_column("predictions_made", "rows predicted of the day"),
    _make_integer_column("predictions_graded", "rows of them that have a result that counts"),
]
LEADING_COLUMNS = [
    Column("game_date", "time", "before", "the day", nullable=False),
    _make_text_column("status", "whether there was something to grade", DAY_STATUSES, nullable=False),
]
COLUMNS: list[Column] = [
    *LEADING_COLUMNS, *COUNT_COLUMNS,
    *(
        column
        for group, group_columns in COLUMN_GROUPS.items()
        for column in (*group_columns, _make_reason_column(group))
    ),
]  # fmt: skip
