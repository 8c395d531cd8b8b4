"""Task: how one task stands today, its pictures, its checks and all that is known of its model."""

from collections.abc import Iterator

from service.described import TaskStatus
from service.diagnostics import Check, Diagnostics
from service.headline import FIELDS, Figure
from service.outputs import Outputs
from service.page.cards import day, said
from service.page.drawing import (
    DASH,
    Html,
    badge,
    counted,
    facts,
    figures,
    folded,
    join,
    plain,
    section,
    spoken,
    stopped,
    table,
    tag,
)  # fmt: skip
from service.page.pictures import pictures

GRAVE = ("failed", "warning")
HASH = 10  # letters of a hash that are shown
UNNAMED = {
    "none": "No cause stands out",
    "undecided": "The cause is undecided",
    "no_data": "There are no data to tell a cause from",
}
CLASSES = 8  # classes that are named


def task(status: TaskStatus, found: Diagnostics, outputs: Outputs) -> Html:
    """Return a task's section."""
    drawn = pictures(outputs, status)
    held = [today(found), figures(drawn) if drawn else Html(), _checks(found), _known(status)]
    return section(spoken(status.task).capitalize(), *held, name=status.task)


def today(found: Diagnostics) -> Html:
    """Return the newest day: its alert, what was raised, and the likeliest cause."""
    newest = found.newest
    if newest is None:
        return tag("p", f"No day to tell of: {found.reasons.get('newest', '')}", class_="soft")
    why = f" {_cause(newest.primary_cause, newest.cause_confidence)}" if newest.primary_cause else ""
    alert = (
        badge(newest.alert, f"alert {spoken(newest.alert)}") if newest.alert else badge("declined", "alert not known")
    )
    head = tag("p", tag("strong", newest.day), " ", alert, f" {_message(newest.message or '')}{why}")
    earlier = [one for one in found.alerts if one.last != newest.day][:1]
    said = [
        f"The last alert before it, {spoken(one.level)}, was on {one.last}: {_message(one.message)}" for one in earlier
    ]
    return join([head, *(tag("p", one, class_="soft") for one in said)])


def _cause(cause: str, sure: float | None) -> str:
    named = UNNAMED.get(cause, f"Primary cause: {spoken(cause)}")
    return named + ("." if sure is None else f" (so {100 * sure:.0f} % of redrawn days).")


def _message(text: str) -> str:
    """Return what was raised, without its level in front."""
    return stopped(text.partition("] ")[2] if text.startswith("[") else text)


def _checks(found: Diagnostics) -> Html:
    grave = [one for one in found.checks if one.status in GRAVE]
    rest = [one for one in found.checks if one.status not in GRAVE]
    told = [tag("ul", *map(_check, grave), class_="checks")] if grave else []
    quiet = f"{counted(len(rest), 'check', 'checks')} in order or declined"
    more = [folded(quiet, tag("ul", *map(_check, rest), class_="checks"))] if rest else []
    none = [] if found.checks else [tag("p", found.reasons.get("verdict", "No check was run."))]
    return tag("div", tag("h3", "Diagnosis ", badge(found.verdict or "declined")), *told, *more, *none, class_="after")


def _check(one: Check) -> Html:
    return tag("li", tag("p", badge(one.status), tag("strong", f" {spoken(one.name)}. "), stopped(one.summary)))


def _known(status: TaskStatus) -> Html:
    held = [table("Figures", ("Figure", "Value", "Beside", "Rows", "What it is"), list(_figures(status)))]
    held += [facts(list(_facts(status))), *_inputs(status), _hashes(status)]
    return folded("All that is known of the model", *held)


def _figures(status: TaskStatus) -> Iterator[tuple[str, ...]]:
    own = {name: getattr(status, name) for name in FIELDS} | status.figures
    for name, one in own.items():
        if isinstance(one, Figure):
            beside = ", ".join(f"{who} {said(each, one, False)}" for who, each in one.beside.items())
            rows = plain(None if one.rows is None else float(one.rows))
            yield spoken(name), said(one, one), beside or DASH, rows, stopped(one.metric)
        else:
            yield spoken(name), DASH, DASH, DASH, status.reasons.get(name, "")


def _facts(status: TaskStatus) -> Iterator[tuple[str, str]]:
    yield "learner", spoken(status.model_type or DASH)
    yield "last trained", status.last_trained or _why(status, "last_trained")
    window = status.training_window
    if window:
        yield "fitted on", f"{window.fit_from} to {window.fit_to}, {_rows(status.samples.fit)}"
        yield "calibrated on", f"{window.calibrate_from} to {window.calibrate_to}, {_rows(status.samples.calibrate)}"
    else:
        yield "training window", _why(status, "training_window")
        yield "rows", f"{_rows(status.samples.fit)} fitted, {_rows(status.samples.calibrate)} calibrated"
    tested = (
        f"{day(status.samples.scored_from)} to {day(status.samples.scored_to)}, " if status.samples.scored_from else ""
    )
    yield "judged on", f"{tested}{_rows(status.samples.scored)}"
    if status.class_balance:
        yield f"share of {status.class_balance.of}", _classes(status)
    if status.calibration:
        yield "calibration", f"{spoken(status.calibration.calibrator)}. {stopped(status.calibration.said or '')}"
    yield from _optimized(status)
    yield "inputs", plain(None if status.features.count is None else float(status.features.count))
    yield "version", f"{status.version.name}, {status.version.commit or _why(status, 'version.commit')}"


def _optimized(status: TaskStatus) -> Iterator[tuple[str, str]]:
    held = status.optimization
    if held is None:
        yield "search", _why(status, "optimization")
        return
    better = f"{plain(held.tuned)} against {plain(held.default)} by default"
    yield "search", f"{counted(held.trials, 'trial', 'trials')}, {held.complete} complete; {spoken(held.loss)} {better}"
    yield "knobs", ", ".join(f"{spoken(name)} {_word(value)}" for name, value in sorted(held.knobs.items()))


def _inputs(status: TaskStatus) -> list[Html]:
    rows = [(one.name, f"{100 * one.importance:.1f} %") for one in status.features.top if one.importance > 0]
    return [table("The most important inputs", ("Input", "Share of importance"), rows)] if rows else []


def _hashes(status: TaskStatus) -> Html:
    rows = [(path, tag("code", md5[:HASH])) for path, md5 in status.version.hashes.items()]
    return table("Outputs and the beginning of their MD5", ("Output", "MD5"), rows)


def _classes(status: TaskStatus) -> str:
    held = status.class_balance.classes if status.class_balance else []
    shown = ", ".join(f"{one.name} {100 * one.share:.1f} %" for one in held[:CLASSES])
    return shown + (f" and {len(held) - CLASSES} more" if len(held) > CLASSES else "")


def _rows(count: int | None) -> str:
    return "rows not known" if count is None else counted(count, "row", "rows")


def _word(value: object) -> str:
    return plain(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _why(status: TaskStatus, name: str) -> str:
    return f"not known: {status.reasons.get(name, 'no reason was found')}"
