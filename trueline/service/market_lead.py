"""Market lead: whether the report of a model shows that it knows anything that the market's prices do not."""

from dataclasses import dataclass
from typing import Any, Protocol

from trueline.core.errors import UserError


class ReportFiles(Protocol):
    """Verified files of a version, such as artifacts/verified_files.py's VerifiedFiles."""

    def read_json(self, relative: str) -> dict[str, Any]:
        """Return the content of a JSON output. Raises UserError if it is missing or changed."""


@dataclass(frozen=True)
class LeadMeasure:
    """Where a task's report has its lead over the market, with its interval, and how it is written."""

    path: tuple[str, ...]
    sentence: str  # with {value}, {low} and {high}


GAIN = LeadMeasure(("gain_over_market", "gain"), "its gain is {value:.4f} ({low:.4f} to {high:.4f}) nats per race")
PROFIT = LeadMeasure(
    ("line_types", "actual", "roi"), "its picks on real lines returned {value:.1%} ({low:.1%} to {high:.1%}) per bet"
)


def explain_missing_lead(files: ReportFiles, task: str, measure: LeadMeasure = GAIN) -> str | None:
    """Return why an edge over the market should not be believed; None if the report shows a lead beyond chance."""
    path = f"metrics/{task}/report.json"
    try:
        lead: Any = files.read_json(path)
        for name in measure.path:
            lead = lead[name]
        bounds = {name: float(lead[name]) for name in ("value", "low", "high")}
    except (UserError, KeyError, TypeError, ValueError):
        return f"{path} of this version does not say whether it has a lead over the market."
    if bounds["low"] > 0:
        return None
    return (
        f"The report shows no lead over the market: {measure.sentence.format(**bounds)}. "
        "Post show_edge: true to see the edge all the same."
    )
