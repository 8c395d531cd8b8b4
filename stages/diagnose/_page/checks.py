"""Checks: what each found, the gravest first, and which declined and why."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose._page.listing import listing
from stages.diagnose._page.markup import Html, folded, join, section, tag
from stages.diagnose._page.top import Checks, badge
from stages.diagnose._page.words import counted, spoken, stopped

ORDER = ("failed", "warning", "ok")
Questions = Mapping[str, str]


def findings(checks: Checks, questions: Questions) -> Html:
    """Return the checks that could be run, each with its figures folded away."""
    found = [name for status in ORDER for name in sorted(checks) if _status(checks[name]) == status]
    # a status that is not known is shown rather than lost
    found += [name for name in sorted(checks) if _status(checks[name]) not in (*ORDER, "declined")]
    declined = sum(_status(one) == "declined" for one in checks.values())
    told = f"{counted(declined, 'check', 'checks')} declined: see the end of the page." if declined else ""
    rows = [tag("li", _finding(name, checks[name], questions.get(name, ""))) for name in found]
    held = tag("ul", *rows, class_="checks") if rows else tag("p", "No check could be run.")
    return section("Checks", held, tag("p", told, class_="soft") if told else "", name="checks")


def declined(checks: Checks, questions: Questions) -> Html:
    """Return the checks that declined, each with its reason."""
    found = [name for name in sorted(checks) if _status(checks[name]) == "declined"]
    title = "Checks that declined"
    if not found:
        return section(title, tag("p", "None."), name="declined")
    rows = [tag("li", _finding(name, checks[name], questions.get(name, ""))) for name in found]
    why = f"{counted(len(found), 'check', 'checks')}, with the reason of each"
    return section(title, folded(why, tag("ul", *rows, class_="checks")), name="declined")


def _finding(name: str, found: Mapping[str, Any], question: str) -> Html:
    status, details = _status(found), found.get("details") or {}
    head = join([badge(status), tag("strong", f" {spoken(name)}. "), stopped(str(found.get("summary") or ""))])
    asked = [tag("p", question, class_="soft")] if question else []
    if not details:
        return tag("div", tag("p", head), *asked)
    return folded(head, *asked, listing(details))


def _status(found: Mapping[str, Any]) -> str:
    return str(found.get("status") or "declined")
