"""History: hit rates, losses, sharpness, drift and the data of the newest days, and what was raised on them."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from stages.diagnose._page.days import Alert, Days
from stages.diagnose._page.lines import Line, Zone, key, lines
from stages.diagnose._page.markup import Html, figure, figures, folded, join, section, table, tag
from stages.diagnose._page.words import DASH, number, plain, spoken, stopped, within

ABSENT = "There is no daily table."
EVEN = 100 * 110 / 210  # per cent of bets at −110 that must be won to break even
SHARPNESS: tuple[Zone, ...] = (("dull", 0, 40), ("normal", 40, 65), ("sharp", 65, 80), ("razor sharp", 80, 100))
DRIFT: tuple[Zone, ...] = (("none", 0, 20), ("mild", 20, 40), ("moderate", 40, 70), ("severe", 70, 100))
TABLED = 14  # days
RAISED = 10  # alerts


def history(days: Days | None, odds: bool) -> Html:
    """Return hit rates, losses and the data of every day; `odds` is whether picks are bets at −110."""
    title = "Day by day"
    if days is None:
        return section(title, tag("p", ABSENT), name="days")
    drawn = [one for part in (_losses, _beaten, _inputs, _counts) for one in part(days)]
    drawn = [*_hits(days, odds), *drawn]
    held = figures(drawn) if drawn else tag("p", "The daily table has no figure to draw.")
    return section(title, tag("p", _stretch(days), class_="soft"), held, _alerts(days), _newest(days), name="days")


def zones(days: Days | None) -> Html:
    """Return the market's sharpness and the model's drift over the zones that name them."""
    title = "Sharpness and drift"
    if days is None:
        return section(title, tag("p", ABSENT), name="zones")
    drawn = [*_sharpness(days), *_drift(days), *_bias(days)]
    held = figures(drawn) if drawn else tag("p", "The daily table has neither sharpness nor drift.")
    return section(title, held, name="zones")


def _stretch(days: Days) -> str:
    older = f"; {days.left_out:,} older ones are in the daily table only" if days.left_out else ""
    return f"{len(days.names)} days from {days.names[0]} to {days.newest}{older}."


def _hits(days: Days, odds: bool) -> Iterator[Html]:
    base = Line("baseline", days.numbers("hit_rate_baseline"), "other")
    for window in (7, 30):
        name = f"hit_rate_{window}d"
        if days.has(name):
            low, high = (days.numbers(f"{name}_{end}") for end in ("low", "high"))
            rate = Line(f"last {window} days", days.numbers(name), "model", low, high)
            said = _last(days, rate, " %", f"{name}_n")
            marks = (EVEN,) if odds else ()
            marked = f"The dashes mark {EVEN:.1f} %, which breaks even at −110." if odds else ""
            yield _figure(f"Hit rate, {window} days, %", said, days, [rate, base], (), marks, marked)


def _losses(days: Days) -> Iterator[Html]:
    """Draw model and market together where they are judged on the same units, else apart: the two are no match then."""
    model, market = Line("model", days.numbers("model_mae")), Line("market", days.numbers("line_mae"), "market")
    base = Line("market's baseline", days.numbers("line_mae_baseline"), "other")
    window = "Means over the window that ends on the day; lower is better."
    if days.has("model_mae", "line_mae") and days.alike():
        said = f"{_last(days, model)} The market's: {plain(_known(market.values))}."
        yield _figure("Mean loss, model and market", said, days, [model, market, base], (), (), window)
        return
    apart = (("model", "model_mae", [model]), ("market", "line_mae", [market, base]))
    for who, column, found in apart:
        if days.has(column):
            other = f"{window} Not on the same units as the other's: do not compare the two."
            yield _figure(f"Mean loss of the {who}", _last(days, found[0]), days, found, (), (), other)


def _beaten(days: Days) -> Iterator[Html]:
    if days.has("model_beats_line_pct"):
        low, high = (days.numbers(f"model_beats_line_pct_{end}") for end in ("low", "high"))
        share = Line("model closer than the market", days.numbers("model_beats_line_pct"), "model", low, high)
        yield _figure("Rows where the model beats the market, %", _last(days, share, " %"), days, [share], (), (50.0,))


def _inputs(days: Days) -> Iterator[Html]:
    whole = Line("completeness", days.numbers("completeness"))
    sound = Line("feature quality", days.numbers("feature_quality"), "market")
    if days.has("completeness", "feature_quality"):
        yield _figure("Data, %", _last(days, whole, " %"), days, [whole, sound])


def _counts(days: Days) -> Iterator[Html]:
    made = Line("made", days.numbers("predictions_made"))
    graded = Line("graded", days.numbers("predictions_graded"), "market")
    if days.has("predictions_made", "predictions_graded"):
        yield _figure("Predictions a day", _last(days, made), days, [made, graded])


def _sharpness(days: Days) -> Iterator[Html]:
    if days.has("sharpness_score"):
        low, high = days.numbers("sharpness_low"), days.numbers("sharpness_high")
        score = Line("sharpness", days.numbers("sharpness_score"), "model", low, high)
        said = f"{_last(days, score)} {_named(days, 'sharpness_status')}"
        yield _figure("Market's sharpness, 0 to 100", said, days, [score], SHARPNESS)


def _drift(days: Days) -> Iterator[Html]:
    if days.has("drift_score"):
        low, high = days.numbers("drift_low"), days.numbers("drift_high")
        score = Line("drift", days.numbers("drift_score"), "model", low, high)
        said = f"{_last(days, score)} {_named(days, 'drift_severity')}"
        yield _figure("Model's drift, 0 to 100", said, days, [score], DRIFT)


def _bias(days: Days) -> Iterator[Html]:
    if days.has("model_mean_error"):
        error = Line("prediction − outcome", days.numbers("model_mean_error"))
        said = f"{_last(days, error)} Beyond the dashes the model is said to lie over or under."
        yield _figure("Model's mean error", said, days, [error], (), (-0.5, 0.5))


def _figure(
    title: str,
    said: str,
    days: Days,
    found: list[Line],
    bands: tuple[Zone, ...] = (),
    marks: tuple[float, ...] = (),
    more: str = "",
) -> Html:
    shown = [line for line in found if any(value is not None for value in line.values)]
    picture = lines(title, said.strip(), days.names, shown, bands, marks)
    keyed = [key(shown)] if len(shown) > 1 else []
    return figure(title, Html(picture + "".join(keyed)), said, more)


def _known(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _last(days: Days, line: Line, unit: str = "", column: str = "") -> str:
    """Return the newest figure of a line, its interval and what it rests on."""
    known = [place for place, value in enumerate(line.values) if value is not None]
    if not known:
        return ""
    at = known[-1]
    low = line.low[at] if line.low is not None else None
    high = line.high[at] if line.high is not None else None
    rests = number(days.numbers(column)[at]) if column else None
    picks = f", {rests:,.0f} picks" if rests is not None else ""
    return f"Newest ({days.names[at]}): {within(line.values[at], low, high, unit)}{picks}."


def _named(days: Days, column: str) -> str:
    status = days.text(column)[-1]
    return f"Status: {spoken(status)}." if status else ""


def _alerts(days: Days) -> Html:
    found = days.alerts()
    if not found:
        known = any(days.text("alert_level"))
        return tag("p", "No alert was raised on these days." if known else "Which days call for an alert is not known.")
    runs = [list(run) for _, run in groupby(found, key=lambda one: (one.level, one.cause, one.message))]
    rows = [tag("li", _run(run)) for run in runs[: -RAISED - 1 : -1]]
    told = tag("p", f"{len(found)} of these days have an alert; the newest first:")
    return join([tag("h3", "Alerts"), told, tag("ul", *rows)])


def _run(run: list[Alert]) -> Html:
    """Return alerts that say the same one after the other as one."""
    first, last = run[0], run[-1]
    when = first.day if len(run) == 1 else f"{first.day} to {last.day} ({len(run)} days)"
    cause = f" Primary cause: {spoken(last.cause)}." if last.cause else ""
    return join([tag("strong", f"{when}, {spoken(last.level)}."), f" {stopped(last.message)}{cause}"])


def _newest(days: Days) -> Html:
    """Return the newest days as a table, and what contributed to the newest."""
    heads = ("Day", "Hit rate 7 d, %", "30 d, %", "Model", "Market", "Sharpness", "Drift", "Primary cause", "Alert")
    rates = [[plain(value, 1) for value in days.numbers(f"hit_rate_{window}d")] for window in (7, 30)]
    losses = [[plain(value) for value in days.numbers(name)] for name in ("model_mae", "line_mae")]
    named = ("sharpness_status", "drift_severity", "primary_cause", "alert_level")
    words = [[spoken(value) or DASH for value in days.text(name)] for name in named]
    rows = list(zip(days.names, *rates, *losses, *words, strict=True))[: -TABLED - 1 : -1]
    inside = [table("The newest days", heads, rows), *_factors(days), *_reasons(days)]
    return folded(f"The newest {len(rows)} days in figures", *inside)


def _reasons(days: Days) -> list[Html]:
    """Return why the newest day lacks figures, where the table says so."""
    told = [(name, days.text(name)[-1]) for name in sorted(map(str, days.rows)) if name.endswith("_reason")]
    rows = [(spoken(name.removesuffix("_reason")), why) for name, why in told if why]
    return [table(f"What is missing on {days.newest}", ("Figure", "Reason"), rows)] if rows else []


def _factors(days: Days) -> list[Html]:
    """Return what contributed on the newest day, where the table has it as JSON."""
    try:
        found = json.loads(days.text("contributing_factors")[-1] or "[]")
    except ValueError:
        return []
    rows = [_factor(one) for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    title = f"What contributed on {days.newest}"
    return [table(title, ("Factor", "Contribution", "Details"), rows)] if rows else []


def _factor(one: dict[str, Any]) -> tuple[str, str, str]:
    details = one.get("details")
    told = (
        ", ".join(f"{spoken(str(name))} {_told(value)}" for name, value in sorted(details.items()))
        if (isinstance(details, dict))
        else _told(details)
    )
    return spoken(str(one.get("factor", DASH))), plain(number(one.get("contribution")), sign=True), told or DASH


def _told(value: Any) -> str:
    found = number(value)
    return plain(found) if found is not None else "" if value is None else str(value)
