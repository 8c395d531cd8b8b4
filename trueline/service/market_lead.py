"""Market lead: whether the report of a model shows that its chances add anything to the market's prices."""

from typing import Any, Protocol

from trueline.core.errors import UserError


class ReportFiles(Protocol):
    """Verified files of a version, such as artifacts/verified_files.py's VerifiedFiles."""

    def read_json(self, relative: str) -> dict[str, Any]:
        """Return the content of a JSON output. Raises UserError if it is missing or changed."""


def explain_missing_lead(files: ReportFiles, task: str) -> str | None:
    """Return why an edge over the market should not be believed; None if the report shows a gain beyond chance."""
    path = f"metrics/{task}/report.json"
    try:
        gain = files.read_json(path)["gain_over_market"]["gain"]
        value, low, high = (float(gain[name]) for name in ("value", "low", "high"))
    except (UserError, KeyError, TypeError, ValueError):
        return f"{path} of this version does not say whether its chances add anything to the market's."
    if low > 0:
        return None
    return (
        f"The report shows no lead over the market: its gain is {value:.4f} ({low:.4f} to {high:.4f}) nats per race. "
        "Post show_edge: true to see the edge all the same."
    )
