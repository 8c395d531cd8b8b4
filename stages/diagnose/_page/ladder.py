"""Ladder: the model beside plainer forecasts and the market, on the same rows."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose._page.dots import Dot, dots
from stages.diagnose._page.history import EVEN
from stages.diagnose._page.markup import Html, figure, figures, folded, section, table, tag
from stages.diagnose._page.words import DASH, digits, ends, is_interval, number, plain, spoken, within

Rungs = Mapping[str, Mapping[str, Any]]

# from what needs no learning up to the model; rungs that are not named here stand before the learned ones
LOW = ("uniform", "prior", "tag_name", "last_5", "last_10", "season_mean", "line", "market", "yardstick")
HIGH = ("floor", "default", "tuned")
OWN = "tuned"
BESIDE = "tuned_minus_this"
# what counts first; a figure that is not named here comes after them, by name
FIRST = ("hit_rate", "micro_f1", "log_loss", "r2", "mae", "macro_f1", "lrap", "of_line_mae")
LOWER = ("mae", "rmse", "log_loss", "loss", "error", "brier", "coverage_error", "of_line_mae")
DRAWN = 4  # figures; the others are in the table
TITLES = {
    "mae": "Mean absolute error", "of_line_mae": "Mean absolute error as a share of the line's",
    "hit_rate": "Hit rate, %", "log_loss": "Log loss", "r2": "R²", "lrap": "Label-ranking average precision",
    "micro_f1": "Micro-F1", "macro_f1": "Macro-F1",
}  # fmt: skip


def ladder(report: Mapping[str, Any]) -> Html:
    """Return the rungs' figures with their intervals, and how the model compares with each rung."""
    title, found = "The ladder", rungs(report)
    measures = _measures(found)
    if not measures:
        return section(title, tag("p", "The report has no ladder."), name="ladder")
    drawn = [_measure(name, found) for name in measures[:DRAWN]]
    told = "The model beside plainer forecasts and the market, on the same rows, with 95 % intervals."
    rows = number(report["ladder"].get("rows"))
    told += f" {rows:,.0f} rows." if rows is not None else ""
    held = [tag("p", told, class_="soft"), figures(drawn), *_beside(found), _table(measures, found)]
    return section(title, *held, name="ladder")


def rungs(report: Mapping[str, Any]) -> Rungs:
    """Return the rungs of a report in order, wherever its ladder has them; none where there is no ladder."""
    held = report.get("ladder")
    if isinstance(held, Mapping) and isinstance(held.get("rungs"), Mapping):
        held = held["rungs"]
    if not isinstance(held, Mapping):
        return {}
    named = [name for name in held if isinstance(held[name], Mapping) and any(map(is_interval, held[name].values()))]
    order = sorted(named, key=_rank)
    return {name: held[name] for name in order}


def _rank(name: str) -> tuple[int, int, str]:
    if name in HIGH:
        return 2, HIGH.index(name), name
    return (0, LOW.index(name), name) if name in LOW else (1, 0, name)


def _measures(found: Rungs) -> list[str]:
    """Return the figures that several rungs have, what counts first."""
    held = [name for one in found.values() for name in one if is_interval(one[name]) and name != BESIDE]
    several = {name for name in held if held.count(name) > 1} or set(held)
    return sorted(several, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def _measure(measure: str, found: Rungs) -> Html:
    title = TITLES.get(measure, spoken(measure).capitalize())
    held = {name: ends(one[measure], _factor(measure)) for name, one in found.items() if is_interval(one.get(measure))}
    places = digits(*held[OWN][1:]) if OWN in held else None  # of one drawing the same, those that the model's bears
    shown = [Dot(spoken(name), within(*one, places=places), *one, strong=name == OWN) for name, one in held.items()]
    better = "Lower is better." if measure in LOWER else "Higher is better."
    marked = f" The dashes mark {EVEN:.1f} %, which breaks even at −110." if measure == "hit_rate" else ""
    said = "; ".join(f"{one.name} {one.said}" for one in shown)
    return figure(title, dots(title, f"{said}.", shown, _marks(measure)), f"{better}{marked}")


def _marks(measure: str) -> tuple[float, ...]:
    return (EVEN,) if measure == "hit_rate" else (1.0,) if measure == "of_line_mae" else ()


def _factor(measure: str) -> float:
    return 100.0 if measure == "hit_rate" else 1.0


def _beside(found: Rungs) -> list[Html]:
    rows = [
        (spoken(name), str(one.get("tuned_is", DASH)), within(*ends(one[BESIDE]), sign=True))
        for name, one in found.items()
        if is_interval(one.get(BESIDE))
    ]
    heads = ("Beside", "tuned is", "tuned − this")
    return [table("The model's loss beside that of each rung", heads, rows)] if rows else []


def _table(measures: list[str], found: Rungs) -> Html:
    heads = ["Rung", *(spoken(name) for name in measures)]
    rows = [[spoken(name), *(_said(one.get(measure)) for measure in measures)] for name, one in found.items()]
    return folded("All figures of the ladder", table("Figures of every rung", heads, rows))


def _said(value: Any) -> str:
    return within(*ends(value)) if is_interval(value) else plain(number(value))
