"""Dashboard: one page that tells people what answers here, how it stands and what was tried, and lets them ask it."""

from collections.abc import Mapping

from service.described import ModelStatus
from service.diagnostics import Diagnostics
from service.outputs import Outputs
from service.page.cards import cards
from service.page.drawing import Html, counted, listed, section, spoken, tag
from service.page.policy import whole
from service.page.runs import runs
from service.page.task import task
from service.page.trial import trials
from service.registry import Experiments


def dashboard(
    status: ModelStatus,
    diagnoses: Mapping[str, Diagnostics],
    outputs: Mapping[str, Outputs],
    experiments: Experiments,
    forms: Mapping[str, Html],
) -> str:
    """Return the page as HTML; it reads without its script, which only sends the forms, and fetches nothing."""
    names = [one.task for one in status.tasks]
    said = sentence(diagnoses)
    head = tag("header", tag("h1", "Trueline"), tag("p", said, class_="verdict"), _contents(names))
    tasks = [task(one, diagnoses[one.task], outputs[one.task]) for one in status.tasks]
    headlines = {period.task: period.metric for period in experiments.test_periods}
    tried = section("Ask a model", trials(forms), name="ask")
    parts = [cards(status.tasks, dict(diagnoses)), tried, *tasks, runs(experiments, headlines)]
    last = tag("footer", "Intervals are of 95 %. The same for another program:", *_addresses(names))
    return whole("Trueline", said, head, tag("main", *parts), last)


def sentence(diagnoses: Mapping[str, Diagnostics]) -> str:
    """Return which tasks answer, and which of them ask for attention."""
    names = [spoken(name) for name in diagnoses]
    whole = f"{counted(len(names), 'model answers', 'models answer')}: {listed(names)}."
    raised = [f"{spoken(name)} ({one.newest.alert})" for name, one in diagnoses.items() if _raised(one) and one.newest]
    grave = [spoken(name) for name, one in diagnoses.items() if one.verdict == "failed"]
    alerts = f"alert on the newest day: {listed(raised)}" if raised else "no alert on the newest day"
    return f"{whole} {alerts.capitalize()}; " + (
        f"the diagnosis of {listed(grave)} failed." if grave else "no diagnosis failed."
    )


def _raised(one: Diagnostics) -> bool:
    return one.newest is not None and one.newest.alert not in (None, "none", "ok")


def _contents(names: list[str]) -> Html:
    parts = [("models", "Models"), ("ask", "Ask a model"), *((name, spoken(name).capitalize()) for name in names)]
    links = [tag("li", tag("a", said, href=f"#{name}")) for name, said in [*parts, ("experiments", "Experiments")]]
    return tag("nav", tag("ul", *links), aria_label="Sections")


def _addresses(names: list[str]) -> list[Html]:
    held = ["/api/model_status", "/api/experiments", *(f"/api/diagnostics/{name}" for name in names), "/openapi.json"]
    return [tag("ul", *(tag("li", tag("a", one, href=one)) for one in held), class_="addresses")]
