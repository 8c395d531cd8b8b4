"""Believability: one word on whether the scores can be believed, from the checks that ask about honesty."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

HONESTY = "honesty"  # the `ASKS` of checks on which it depends; that of the others is "health"


@dataclass(frozen=True)
class Believability:
    """The word (yes, doubtful or no), and why it is not yes: the name and the finding of each check."""

    answer: str
    reasons: list[str]

    def format_sentence(self) -> str:
        """Return the word and its reasons in one line."""
        reasons = f": {'; '.join(reason.rstrip('.') for reason in self.reasons)}" if self.reasons else ""
        return f"Believable: {self.answer}{reasons}."


def judge_believability(
    checks: Mapping[str, Mapping[str, Any]], asks: Mapping[str, str], must_answer: Collection[str]
) -> Believability:
    """Return the word that the findings of the honesty checks give; `asks` holds the `ASKS` of every check.

    One that failed makes it no, else a warning makes it doubtful, as does one of `must_answer` that declined. Findings
    about health (shifts, production, segments) never count: honest scores may be those of a poor model.
    """
    findings = [(name, finding) for name, finding in checks.items() if asks[name] == HONESTY]
    reasons_by_answer: dict[str, list[str]] = {"no": [], "doubtful": []}
    for name, finding in findings:
        status = finding["status"]
        if status == "failed":
            reasons_by_answer["no"].append(f"{name}: {finding['summary']}")
        elif status == "warning" or (status == "declined" and name in must_answer):
            reasons_by_answer["doubtful"].append(f"{name}: {finding['summary']}")
    answer = next((answer for answer, reasons in reasons_by_answer.items() if reasons), "yes")
    return Believability(answer, [*reasons_by_answer["no"], *reasons_by_answer["doubtful"]])
