"""Cards: every task at a glance."""

from service.described import TaskStatus
from service.diagnostics import Diagnostics
from service.headline import Figure, Interval
from service.page.drawing import DASH, Html, badge, digits, facts, plain, section, spoken, tag, within


def cards(tasks: list[TaskStatus], diagnoses: dict[str, Diagnostics]) -> Html:
    """Return a card for each task: its headline beside what it must beat, and what was last found."""
    found = [_card(one, diagnoses[one.task]) for one in tasks]
    return section("Models", tag("div", *found, class_="cards"), name="models")


def largest(status: TaskStatus) -> tuple[str, Figure | None]:
    """Return the name and the figure that counts most for a task."""
    found = dict(status).get(status.headline) or status.figures.get(status.headline)
    return status.headline, found if isinstance(found, Figure) else None


def said(figure: Interval, like: Figure, whole: bool = True) -> str:
    """Return a figure with its ends; shares in per cent, with the digits that its interval bears."""
    factor = 100.0 if percent(like) else 1.0
    value, low, high = (None if end is None else end * factor for end in (figure.value, figure.low, figure.high))
    places = digits(*(None if end is None else end * factor for end in (like.low, like.high)))
    unit = " %" if percent(like) else ""
    return within(value, low if whole else None, high if whole else None, unit, places=places)


def percent(figure: Figure) -> bool:
    """Return whether a figure is read in per cent."""
    return figure.metric.startswith(("hit rate", "share"))


def day(stamp: str | None) -> str:
    """Return the day of a time."""
    return stamp[:10] if stamp else DASH


def _card(status: TaskStatus, found: Diagnostics) -> Html:
    name = tag("a", spoken(status.task).capitalize(), href=f"#{status.task}")
    head = tag("h3", tag("span", name), badge(found.verdict or "declined", f"diagnosis {found.verdict or 'none'}"))
    shown = [head, *_figure(status), facts(_facts(status, found))]
    return tag("article", *shown, class_="card")


def _figure(status: TaskStatus) -> list[Html]:
    name, figure = largest(status)
    if figure is None:
        return [tag("p", status.reasons.get(name, "There is no headline."), class_="what soft")]
    reach = said(figure, figure)
    value, _, rest = reach.partition(" (")
    ends = tag("small", f" ({rest}") if rest else ""
    return [tag("p", value, ends, class_="large"), tag("p", figure.metric, class_="what soft")]


def _facts(status: TaskStatus, found: Diagnostics) -> list[tuple[str, str]]:
    figure, newest = largest(status)[1], found.newest
    beside = [(name, said(one, figure, False)) for name, one in figure.beside.items()] if figure else []
    alert = badge(newest.alert) if newest and newest.alert else DASH
    shown = [("alert", Html(f"{alert} {newest.day}") if newest else "no days to watch")]
    shown += [("learner", spoken(status.model_type or DASH)), ("trained", _trained(status))]
    return [*beside, *shown, ("version", f"{status.version.name} {(status.version.commit or '')[:7]}")]


def _trained(status: TaskStatus) -> str:
    rows = f" on {plain(float(status.samples.fit))} rows" if status.samples.fit else ""
    return f"{day(status.last_trained)}{rows}"
