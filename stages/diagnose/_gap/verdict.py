"""Whether the backtest and production may be compared, and why not."""

from typing import Any, Protocol

from stages.diagnose._gap.words import percent, points, stretch

Report = dict[str, Any]

SHOWN = 4  # stretches


class Bounds(Protocol):
    """Shares beyond which a comparison is off."""

    @property
    def estimated_share(self) -> float: ...
    @property
    def common_share(self) -> float: ...
    @property
    def equal_share(self) -> float: ...
    @property
    def too_good(self) -> float: ...  # a hit rate against real lines that no forecast reaches
    @property
    def too_good_picks(self) -> int: ...  # picks below which it is not judged
    @property
    def ahead(self) -> float: ...  # mean error below the line's that no forecast reaches


def verdict(report: Report, clear: list[str], bounds: Bounds) -> Report:
    """Return comparable, relative only or not comparable, and the reasons.

    Not comparable: some of production's figures are no forecasts against a market, or too good for one (`too_good`), or
    hardly a row is common. Relative only: both are forecasts, but of other rows, against other lines or by another
    model or another state of it: rank by them, and expect no level.
    """
    good = _too_good(report["like_for_like"], bounds)
    grave, slight = good + _grave(report, bounds), _slight(report, clear, bounds)
    word = "not comparable" if grave else "relative only" if slight else "comparable"
    return {"verdict": word, "reasons": grave + slight, "too_good": bool(good)}


def _too_good(alike: Report, bounds: Bounds) -> list[str]:
    """Return why production's predictions are no forecasts, if against the backtest's lines they are too good for one.

    Against its own lines an honest forecast may be as good: they may be old.
    """
    tried, off, line = alike["on_backtest_lines"], alike["production"]["mae"], alike["backtest"]["line_mae"]["value"]
    rate, said = tried["hit_rate"], []
    if tried["decided"] >= bounds.too_good_picks and rate["low"] is not None and rate["low"] > bounds.too_good:
        said.append(f"hit {percent(rate)} of {tried['decided']} picks")
    if off["high"] is not None and line is not None and line - off["high"] > bounds.ahead:
        said.append(f"err {line - off['value']:.2f} less than the line")
    together = " and ".join(said)
    return (
        [f"production's predictions {together} on the backtest's lines: look for the outcome in them"] if said else []
    )


def _grave(report: Report, bounds: Bounds) -> list[str]:
    rows, late = report["rows"], report["creation"]["late"]
    estimated = report["lines"].get("estimated", 0.0)
    common, real = rows["common_on_real_lines"], rows["production_on_real_lines"]
    said = []
    if not report["common"]:
        said.append("the two sides share no graded bet")
    elif common < bounds.common_share * real:
        said.append(f"the backtest grades only {common / real:.0%} of production's rows with a real line")
    if late:
        said.append(
            f"{late['rows']} predictions for {stretch(late['first_day'], late['last_day'])} were made after their games"
        )
    if estimated > bounds.estimated_share:
        said.append(f"{estimated:.0%} of production's lines are estimated, no market's")
    return said


def _slight(report: Report, clear: list[str], bounds: Bounds) -> list[str]:
    parts, same = report["contributions"], report["equality"]
    moves = {
        "line_timing": "the lines' timing or book moves the hit rate by {}",
        "dates": "the days that only one side has move the hit rate by {}",
        "players": "the players that only one side has move the hit rate by {}",
        "grading": "the log's own grading moves the hit rate by {}",
    }
    said = [moves[cause].format(points(parts[cause])) for cause in moves if cause in clear]
    if report["main_cause"]["name"] == "predictions":
        said.append(
            f"the predictions, which are not the backtest's, move the hit rate by {points(parts['predictions'])}"
        )
    if same["same_model"] and same["equal"] < bounds.equal_share:
        said.append(f"the same model predicts the same in only {same['equal']:.1%} of {same['rows']} rows")
    said += [
        f"{batch['share']:.0%} of the log ({batch['days']} days) was made in one batch from {batch['made_from']}"
        for batch in report["creation"]["batches"]
        if batch["concentrated"]
    ]
    if report["dates"]["effect"] and report["dates"]["effect"]["matters"]:
        said.append(f"the days that production lacks move the backtest by {points(report['dates']['effect']['lift'])}")
    clearest = sorted(report["stretches"], key=lambda one: -one["errors"])[:SHOWN]
    return said + [_apart(one) for one in clearest]


def _apart(one: Report) -> str:
    when = stretch(one["first"], one["last"])
    off = f"{one['off']:+.1f}".replace("-", "−")
    if one["measure"] == "bias":
        return f"from {when} production predicted {off} from its usual distance to the backtest"
    return f"from {when} production's error was {off} from its usual distance to the backtest's"


def headline(report: Report) -> str:
    """Return the verdict and the two rates in one sentence."""
    sides = report["sides"]
    return (
        f"{report['verdict']['verdict'].capitalize()}: the backtest hits {percent(sides['backtest']['hit_rate'])}, "
        f"production {percent(sides['production']['hit_rate'])}, a gap of {points(report['gap']['hit_rate'])}"
    )
