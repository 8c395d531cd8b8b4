"""Top: the verdict in one sentence, and the newest figures at a glance."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.diagnose._page.days import Days
from stages.diagnose._page.markup import Html, tag
from stages.diagnose._page.words import counted, listed, plain, spoken, stopped, within

Checks = Mapping[str, Mapping[str, Any]]

GLYPHS = {"failed": "✕", "warning": "!", "ok": "✓", "declined": "–"}
UNNAMED = {
    "none": "no cause stands out",
    "undecided": "the cause is undecided",
    "no_data": "there are no data to tell a cause from",
}
SHOWN = 3  # checks that the sentence names


def badge(status: str) -> Html:
    """Return a status as a word and a sign, so that colour is never all that tells it."""
    sign = tag("span", GLYPHS.get(status, "·"), aria_hidden="true")
    return tag("span", sign, f" {status}", class_=f"badge {status if status in GLYPHS else 'declined'}")


def heading(task: str, verdict: str, checks: Checks, days: Days | None, parts: Sequence[tuple[str, str]]) -> Html:
    """Return the head of the page: verdict, sentence, newest figures, and where to find what."""
    words = tag("p", sentence(verdict, checks, days), class_="verdict")
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title in parts]
    contents = tag("nav", tag("ul", *links), aria_label="Sections") if links else ""
    title = tag("h1", f"{spoken(task).capitalize()}: diagnosis", badge(verdict))
    return tag("header", title, words, glance(days), contents)


def sentence(verdict: str, checks: Checks, days: Days | None) -> str:
    """Return the verdict, the newest alert and the newest cause in one sentence."""
    said = [_checks(verdict, checks), *(_day(days) if days else [])]
    return stopped("; ".join(said))


def glance(days: Days | None) -> Html:
    """Return the newest day's figures, as far as it has them."""
    if days is None:
        return Html()
    found = [one for one in (_hits(days), _losses(days), _sharpness(days), _drift(days), _graded(days)) if one]
    items = [tag("div", tag("dt", name), tag("dd", value, tag("small", beside))) for name, value, beside in found]
    return tag("dl", *items, class_="glance") if items else Html()


def _checks(verdict: str, checks: Checks) -> str:
    names = {status: sorted(name for name in checks if checks[name].get("status") == status) for status in GLYPHS}
    run = len(checks) - len(names["declined"])
    if not run:
        return "No check could be run" if checks else "No check was run"
    for status, verb in (("failed", "failed"), ("warning", "ask for attention")):
        if found := names[status]:
            several = verb if status == "failed" or len(found) > 1 else "asks for attention"
            more = [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
            named = listed([*map(spoken, found[:SHOWN]), *more])
            return f"{verdict.capitalize()}: {counted(len(found), 'check', 'checks')} of {run} {several} ({named})"
    return f"{verdict.capitalize()}: {counted(run, 'check is', 'checks are')} in order"


def _day(days: Days) -> list[str]:
    alerts, status = days.alerts(), days.text("status")[-1]
    newest_day = f"{days.newest}, the newest day" + (f" ({spoken(status)})" if status not in ("", "graded") else "")
    if alerts and alerts[-1].day == days.newest:
        newest = alerts[-1]
        said = f"on {newest_day}, the alert is {spoken(newest.level)}"
        said += f": {newest.message.rstrip('.')}" if newest.message else ""
    elif "alert_level" in days.rows and not days.text("alert_level")[-1]:
        why = days.text("alert_reason")[-1]
        said = f"whether {newest_day}, calls for an alert is not known" + (f" ({why})" if why else "")
    else:
        said = f"no alert on {newest_day}"
        said += f" (the last one, {spoken(alerts[-1].level)}, on {alerts[-1].day})" if alerts else ""
    cause = days.text("primary_cause")[-1]
    return [said, *([_cause(cause, days.numbers("cause_confidence")[-1])] if cause else [])]


def _cause(cause: str, sure: float | None) -> str:
    said = UNNAMED.get(cause, f"the primary cause is {spoken(cause)}")
    return said if sure is None else f"{said} (confidence {plain(sure, 2)})"


def _hits(days: Days) -> tuple[str, str, str] | None:
    for window in (30, 14, 7):
        value = days.numbers(f"hit_rate_{window}d")[-1]
        if value is not None:
            low, high = (days.numbers(f"hit_rate_{window}d_{end}")[-1] for end in ("low", "high"))
            beside = "" if low is None or high is None else f"{plain(low, 1)} to {plain(high, 1)}"
            return f"Hit rate, {window} days", f"{plain(value, 1)} %", beside
    return None


def _losses(days: Days) -> tuple[str, str, str] | None:
    model, market = days.numbers("model_mae")[-1], days.numbers("line_mae")[-1]
    if model is None:
        return None
    return "Model's mean loss", plain(model), f"market's {plain(market)}" if days.alike() else ""


def _sharpness(days: Days) -> tuple[str, str, str] | None:
    score, status = days.numbers("sharpness_score")[-1], days.text("sharpness_status")[-1]
    if score is None:
        return None
    low, high = days.numbers("sharpness_low")[-1], days.numbers("sharpness_high")[-1]
    return "Market's sharpness", spoken(status) or plain(score, 0), within(score, low, high)


def _drift(days: Days) -> tuple[str, str, str] | None:
    score, severity = days.numbers("drift_score")[-1], days.text("drift_severity")[-1]
    return None if score is None else ("Drift", severity or plain(score, 0), f"score {plain(score, 0)} of 100")


def _graded(days: Days) -> tuple[str, str, str] | None:
    made, graded = days.numbers("predictions_made")[-1], days.numbers("predictions_graded")[-1]
    return None if made is None else ("Predictions, newest day", plain(made), f"{plain(graded)} of them graded")
