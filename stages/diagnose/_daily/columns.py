"""The columns of the daily table, in groups that say why their figures are missing."""

from core.tables import Column
from stages.diagnose._daily.drift import WINDOWS
from stages.diagnose._daily.sharpness import STATUS

STATUSES = ("graded", "ungraded", "no_data", "not_scored", "no_games")
SEVERITY = ("none", "mild", "moderate", "severe")


def _number(name: str, meaning: str, unit: str, low: float | None = None, high: float | None = None) -> Column:
    return Column(name, "number", "after", meaning, unit, low=low, high=high)


def _percent(name: str, meaning: str) -> list[Column]:
    ends = (("", ""), ("_low", ", lower end of its 95 % interval"), ("_high", ", upper end of its 95 % interval"))
    return [_number(f"{name}{end}", f"{meaning}{said}", "%", 0, 100) for end, said in ends]


def _text(name: str, meaning: str, allowed: tuple[str, ...] | None = None, nullable: bool = True) -> Column:
    return Column(name, "text", "after", meaning, nullable=nullable, allowed=allowed)


def _whole(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "whole", "after", meaning, nullable=nullable, low=0)


def _why(group: str) -> Column:
    return _text(f"{group}_reason", f"why figures of {group} are missing; null where none is")


LOSS = "loss"  # points of a quantity's error, nats of a race
GROUPS: dict[str, list[Column]] = {
    "sharpness": [
        *(_number(f"line_mae_tier{n}", f"mean loss of the market in the window, tier {n}", LOSS) for n in (1, 2, 3)),
        _number("line_mae", "mean loss of the market in the window", LOSS),
        *_percent("model_beats_line_pct", "units in which the model was strictly closer than the market"),
        _number("sharpness_score", "baseline windows in which the market lost more on units as hard", "%", 0, 100),
        _number("sharpness_low", "the score at the lower end of the market's 95 % interval", "%", 0, 100),
        _number("sharpness_high", "the score at its upper end", "%", 0, 100),
        _text("sharpness_status", "the score in a word", STATUS),
    ],
    "drift": [
        *(one for days in WINDOWS for one in _percent(f"hit_rate_{days}d", f"picks won in {days} days")),
        _number("model_mae", "mean loss of the model in the window", LOSS),
        _number("model_mean_error", "mean of prediction − outcome in the window", LOSS),
        _text("bias_direction", "to which side predictions err", ("under", "neutral", "over")),
        _number("drift_score", "posterior probability that the model got worse", "%", 0, 100),
        _text("drift_severity", "the score in a word", SEVERITY),
    ],
    "quality": [
        _number("completeness", "rows predicted of those that test folds score", "%", 0, 100),
        _number("feature_quality", "inputs present and not at a default, of rows asked for", "%", 0, 100),
    ],
    "baseline": [
        _number("line_mae_baseline", "mean loss of the market in the baseline", LOSS),
        _number("hit_rate_baseline", "picks won of those decided in the baseline", "%", 0, 100),
        _number("sharpness_vs_baseline", "how much less the market lost than on units as hard before", "%"),
        _number("sharpness_vs_baseline_low", "lower end of its 95 % interval", "%"),
        _number("sharpness_vs_baseline_high", "upper end of its 95 % interval", "%"),
    ],
    "cause": [
        _text("primary_cause", "what explains best that the window differs from the days before it"),
        _number("cause_confidence", "share of resamples that name the same", "share", 0, 1),
        _text("contributing_factors", "parts of the change, largest first: JSON objects"),
    ],
    "alert": [
        _whole("alert_triggered", "1 if a rule alarms or nothing was predicted that should have been", nullable=True),
        _text("alert_level", "the gravest", ("none", "info", "warning", "critical")),
        _text("alert_message", "what alarms, in a sentence"),
    ],
}  # fmt: skip
COUNTS = [
    _whole("line_n", "units in the window that stand beside a market"),
    *(_whole(f"line_n_tier{n}", f"and of tier {n}") for n in (1, 2, 3)),
    *(_whole(f"hit_rate_{days}d_n", f"picks decided in {days} days") for days in WINDOWS),
    _whole("model_n", "units graded in the window"),
    _whole("predictions_made", "rows predicted of the day"),
    _whole("predictions_graded", "rows of them that have a result that counts"),
]
FIRST = [
    Column("game_date", "time", "before", "the day", nullable=False),
    _text("status", "whether there was something to grade", STATUSES, nullable=False),
]
COLUMNS: list[Column] = [
    *FIRST, *COUNTS, *(column for group, held in GROUPS.items() for column in (*held, _why(group))),
]  # fmt: skip
