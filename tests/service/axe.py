"""axe: the violations of accessibility rules on a page that a browser has open."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.service.chromium import Chromium

# the colour of a sentence that fades in, and the like, would be judged half-way
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"
RUN = "axe.run(document, {resultTypes: ['violations']}).then(seen => seen.violations.map(JSON.stringify).join('\\n'))"


def find_violations(browser: Chromium) -> list[str]:
    """Return each violation on the open page: its rule and the elements it is seen at."""
    browser.run(read_script())
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    lines: str = browser.run(
        "axe.run(document, {resultTypes: ['violations']}).then(seen => seen.violations.flatMap(rule =>"
        " rule.nodes.map(node => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`)).join('\\n\\n'))"
    )
    return [line for line in lines.split("\n\n") if line]


def read_script() -> str:
    """Return axe's JavaScript, from a package none of whose code is run."""
    spec: Any = find_spec("axe_core_python")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
