"""The verdict: can backtest and production be compared, and if not, why?"""

from typing import Any

from stages.diagnose.backtest_gap.gap_phrases import format_stretch
from stages.diagnose.backtest_gap.gap_settings import Settings
from trueline.core.gap_measure import GapMeasure
from trueline.core.stats.confidence_intervals import Interval

Report = dict[str, Any]

MAX_STRETCHES = 4


def evaluate_comparability(report: Report, clear_causes: list[str], settings: Settings, measure: GapMeasure) -> Report:
    """Return the verdict (comparable, relative only or not comparable) and its reasons.

    Not comparable: some of production's predictions are not forecasts against a market, or are too good for forecasts
    (`too_good`), or hardly any row is common. Relative only: both sides are forecasts, but of other rows, against other
    lines, or by another model or another state of it: use them for ranking, not for the level.
    """
    implausible = _list_implausible_results(report["like_for_like"], settings, measure)
    grave_reasons = implausible + _list_grave_reasons(report, settings, measure)
    slight_reasons = _list_slight_reasons(report, clear_causes, settings, measure)
    verdict_label = "not comparable" if grave_reasons else "relative only" if slight_reasons else "comparable"
    return {"verdict": verdict_label, "reasons": grave_reasons + slight_reasons, "too_good": bool(implausible)}


def _list_implausible_results(like_for_like: Report, settings: Settings, measure: GapMeasure) -> list[str]:
    """Return the reason if production's predictions are too good, against the backtest's lines, to be forecasts.

    Production's own lines are not used: they may be stale, and then an honest forecast can be as good.
    """
    if not measure.has_lines:
        return _list_implausible_losses(like_for_like["gap"], settings, measure)
    regraded, error = like_for_like["on_backtest_lines"], like_for_like["production"]["mae"]
    line_error = like_for_like["backtest"]["line_mae"]["value"]
    rate, claims = regraded[measure.name], []
    if regraded["decided"] >= settings.too_good_picks and rate["low"] is not None and rate["low"] > settings.too_good:
        claims.append(f"{measure.verbs[1]} {measure.format_rate(rate)} of {regraded['decided']} picks")
    if None not in (error["high"], line_error) and line_error - error["high"] > settings.ahead:
        claims.append(f"err {line_error - error['value']:.2f} less than the line")
    if not claims:
        return []
    return [f"production's predictions {' and '.join(claims)} on the backtest's lines: look for the outcome in them"]


def _list_implausible_losses(gap: Interval, settings: Settings, measure: GapMeasure) -> list[str]:
    if gap["high"] is None or gap["high"] > -settings.ahead:
        return []
    advantage = measure.format_difference(gap)
    return [f"production's {measure.title} is {advantage} from the backtest's: look for the outcome in its predictions"]


def _list_grave_reasons(report: Report, settings: Settings, measure: GapMeasure) -> list[str]:
    rows, late = report["rows"], report["creation"]["late"]
    estimated = report["lines"].get("estimated", 0.0)
    common_rows, real_line_rows = rows["common_on_real_lines"], rows["production_on_real_lines"]
    reasons = []
    if not report["common"]:
        reasons.append(f"the two sides share no graded {measure.rows}")
    elif common_rows < settings.common_share * real_line_rows:
        share, lines = common_rows / real_line_rows, " with a real line" if measure.has_lines else ""
        reasons.append(f"the backtest grades only {share:.0%} of production's rows{lines}")
    if late:
        period = format_stretch(late["first_day"], late["last_day"])
        reasons.append(f"{late['rows']} predictions for {period} were made after their {measure.events}")
    if measure.has_lines and estimated > settings.estimated_share:
        reasons.append(f"{estimated:.0%} of production's lines are estimated, no market's")
    return reasons


def _list_slight_reasons(report: Report, clear_causes: list[str], settings: Settings, measure: GapMeasure) -> list[str]:
    format_points, title = measure.format_difference, measure.title
    contributions, equality = report["contributions"], report["equality"]
    templates = {
        "line_timing": f"the lines' timing or book moves the {title} by {{}}",
        "dates": f"the days that only one side has move the {title} by {{}}",
        "players": f"the {measure.entities} that only one side has move the {title} by {{}}",
        "grading": f"the log's own grading moves the {title} by {{}}",
    }
    reasons = [
        templates[cause].format(format_points(contributions[cause])) for cause in templates if cause in clear_causes
    ]
    if report["main_cause"]["name"] == "predictions":
        reasons.append(
            "the predictions, which are not the backtest's, "
            f"move the {title} by {format_points(contributions['predictions'])}"
        )
    if equality["same_model"] and equality["equal"] < settings.equal_share:
        reasons.append(f"the same model predicts the same in only {equality['equal']:.1%} of {equality['rows']} rows")
    reasons += [
        f"{batch['share']:.0%} of the log ({batch['days']} days) was made in one batch from {batch['made_from']}"
        for batch in report["creation"]["batches"]
        if batch["concentrated"]
    ]
    if (effect := report["dates"]["effect"]) and effect["matters"]:
        reasons.append(f"the days that production lacks move the backtest by {format_points(effect['lift'])}")
    clearest = sorted(report["stretches"], key=lambda stretch: -stretch["errors"])[:MAX_STRETCHES]
    return reasons + [_describe_stretch(stretch, measure) for stretch in clearest]


def _describe_stretch(stretch: Report, measure: GapMeasure) -> str:
    period = format_stretch(stretch["first"], stretch["last"])
    deviation = f"{stretch['off']:+.{measure.decimals}f}".replace("-", "−")
    if stretch["measure"] == "bias":
        return f"from {period} production predicted {deviation} from its usual distance to the backtest"
    return f"from {period} production's error was {deviation} from its usual distance to the backtest's"


def format_headline(report: Report, measure: GapMeasure) -> str:
    """Return the verdict and the two figures in one sentence; "comparable, gap 0" if the log is the backtest."""
    verdict, log = report["verdict"]["verdict"].capitalize(), report["log"]
    if log and not log["differences"] and verdict == "Comparable":
        return f"{verdict}, gap 0: all {log['rows']:,} predictions that were logged are the backtest's, bit for bit"
    rates = {name: measure.format_rate(report["sides"][name][measure.name]) for name in ("backtest", "production")}
    return (
        f"{verdict}: the backtest {measure.verbs[0]} {rates['backtest']}, production {rates['production']}, "
        f"a gap of {measure.format_difference(report['gap'][measure.name])}"
    )
