"""Pictures: how good, how honest, how it was fitted, and day by day."""

from collections.abc import Iterator

from service.days import Days
from service.described import TaskStatus
from service.headline import Figure, Interval
from service.outputs import Outputs
from service.page.cards import largest, percent, said
from service.page.drawing import (
    Cell,
    Dot,
    Html,
    Line,
    counted,
    diagonal,
    dots,
    figure,
    key,
    lines,
    number,
    plain,
    spoken,
    stopped,
    within,
)  # fmt: skip

EVEN = 100 * 110 / 210  # per cent of bets at −110 that must be won to break even
BREAKS = f"The dashes mark {EVEN:.1f} %, which breaks even at −110."
INPUTS = 5  # drawn
LOSS = "loss"  # the curve that every learner has


def pictures(outputs: Outputs, status: TaskStatus) -> list[Html]:
    """Return a task's drawings, as far as its outputs have what they show."""
    days = Days.of(outputs.days)
    found = [*_beside(status, str(outputs.plan.get("scorer"))), *_reliability(outputs, status), *_training(outputs)]
    daily = [part for draw in (_hits, _losses) for part in (draw(days, outputs) if days else ())]
    return [*found, *daily, *_inputs(status)]


def _beside(status: TaskStatus, scorer: str) -> Iterator[Html]:
    """Draw the headline beside what it must beat; another figure where the headline stands alone."""
    others = [*status.figures.values()]
    shown = next((one for one in (largest(status)[1], *others) if one and one.beside), None)
    if shown is None:
        return
    found = [_dot("the model", shown, shown, True), *(_dot(name, one, shown) for name, one in shown.beside.items())]
    words = "; ".join(f"{one.name} {one.said}" for one in found)
    title = f"{shown.metric[0].upper()}{shown.metric[1:]}"
    bets = scorer == "market" and percent(shown)
    marks = (EVEN,) if bets else ()
    below = f"Whiskers are 95 % intervals; {counted(shown.n, 'group', 'groups')}." if shown.n else ""
    below += f" {BREAKS}" if bets else ""
    yield figure("Beside what it must beat", dots(title, f"{words}.", found, marks), stopped(title), below)


def _dot(name: str, one: Interval, like: Figure, strong: bool = False) -> Dot:
    factor = 100.0 if percent(like) else 1.0
    value, low, high = (None if end is None else end * factor for end in (one.value, one.low, one.high))
    return Dot(name, said(one, like), value, low, high, strong=strong)


def _reliability(outputs: Outputs, status: TaskStatus) -> Iterator[Html]:
    cells = [cell for row in outputs.reliability for cell in _cell(row)]
    if not cells:
        return
    far = max(cells, key=lambda one: abs(one.predicted - one.observed))
    words = (
        f"{len(cells)} groups of predictions; the farthest promised {100 * far.predicted:.1f} % "
        f"and came true in {100 * far.observed:.1f} %."
    )
    held = status.calibration
    error = "" if held is None or held.error is None else f"Calibration error {plain(held.error, 3)}. "
    calibrated = f"{error}Calibrated by {spoken(held.calibrator)}." if held else ""
    yield figure("Promised and happened", diagonal("Promised and happened", words, cells), words, calibrated)


def _cell(row: dict[str, str]) -> Iterator[Cell]:
    names = ("predicted", "observed", "low", "high")
    predicted, observed, low, high = (_float(row.get(name)) for name in names)
    if predicted is not None and observed is not None:
        yield Cell(predicted, observed, low, high)


def _training(outputs: Outputs) -> Iterator[Html]:
    """Draw the loss by round, of the rows that were fitted and of later ones; of a rival, under its name."""
    owners = sorted({name.rpartition(f"{LOSS}/")[0] for name in outputs.curves if f"{LOSS}/" in name})
    for owner in owners:
        held = {
            look: outputs.curves.get(f"{owner}{LOSS}/{side}", {})
            for look, side in (("model", "fit"), ("market", "later"))
        }
        rounds = sorted({step for curve in held.values() for step in curve})
        names = {"model": "rows it is fitted on", "market": "later rows"}
        found = [Line(names[look], [curve.get(step) for step in rounds], look) for look, curve in held.items() if curve]
        if len(rounds) < 2 or not found:
            continue
        rival = spoken(owner.rstrip("/"))
        title = f"Training of the rival {rival}" if rival else "Training"
        last = "; ".join(f"{one.name} {plain(one.values[-1])}" for one in found)
        picture = lines(title, f"{last}.", [f"round {step}" for step in rounds], found)
        yield figure(title, Html(picture + key(found)), f"Loss by round; at the last, {last}.")


def _inputs(status: TaskStatus) -> Iterator[Html]:
    """Draw what the model looks at most."""
    held = [one for one in status.features.top[:INPUTS] if one.importance > 0]
    found = [Dot(one.name, f"{100 * one.importance:.1f} %", 100 * one.importance, start=0.0) for one in held]
    if len(found) > 1:
        words = "; ".join(f"{one.name} {one.said}" for one in found)
        more = f"The first of {counted(status.features.count, 'input', 'inputs')}." if status.features.count else ""
        yield figure("Inputs by importance", dots("Inputs by importance", f"{words}.", found), more)


def _hits(days: Days, outputs: Outputs) -> Iterator[Html]:
    rate = Line("last 30 days", days.numbers("hit_rate_30d"), "model", *_ends(days, "hit_rate_30d"))
    base = Line("baseline", days.numbers("hit_rate_baseline"), "other")
    bets = outputs.plan.get("scorer") == "market"
    if any(value is not None for value in rate.values):
        marked = BREAKS if bets else ""
        yield _daily("Hit rate, 30 days, %", days, [rate, base], (EVEN,) if bets else (), " %", marked)


def _losses(days: Days, outputs: Outputs) -> Iterator[Html]:
    model = Line("model", days.numbers("model_mae"))
    market = Line("market", days.numbers("line_mae"), "market")
    counts = days.numbers("model_n"), days.numbers("line_n")
    if not any(value is not None for value in model.values):
        return
    alike = counts[0] == counts[1]  # judged on the same units: else the two are no match
    below = "Lower is better." if alike else "The market is judged on other rows: the two are not drawn together."
    yield _daily("Mean loss, day by day", days, [model, market] if alike else [model], (), "", below)


def _daily(title: str, days: Days, found: list[Line], marks: tuple[float, ...], unit: str, below: str) -> Html:
    shown = [one for one in found if any(value is not None for value in one.values)]
    newest = _newest(days, shown[0], unit)
    picture = lines(title, newest, days.names, shown, (), marks)
    return figure(title, Html(picture + (key(shown) if len(shown) > 1 else "")), newest, below)


def _newest(days: Days, line: Line, unit: str) -> str:
    at = max(place for place, value in enumerate(line.values) if value is not None)
    low, high = (None if end is None else end[at] for end in (line.low, line.high))
    return f"Newest ({days.names[at]}): {within(line.values[at], low, high, unit)}."


def _ends(days: Days, name: str) -> tuple[list[float | None], list[float | None]]:
    return days.numbers(f"{name}_low"), days.numbers(f"{name}_high")


def _float(text: str | None) -> float | None:
    try:
        return number(float(text or ""))
    except ValueError:
        return None
