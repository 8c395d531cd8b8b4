"""Results of cases, and the journal that keeps them: a run that is killed goes on where it was."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from trueline.benchmarks.lie_lab.scratch_project import Outcome
from trueline.core.jsonl import iterate_rows


class Case(NamedTuple):
    """One world, with one lie at one strength, or as it is (no lie)."""

    lie: str | None
    task: str
    strength: float
    seed: int


class Result(NamedTuple):
    """What a case came to."""

    case: Case
    outcome: Outcome

    @property
    def is_caught(self) -> bool:
        """Whether the run was refused, or its scores are not called believable."""
        return self.outcome.believable != "yes" and not self.has_crashed

    @property
    def has_crashed(self) -> bool:
        """Whether the run ended neither by itself nor with a stage's own sentence."""
        return self.outcome.believable == "crashed"

    def is_moved_from(self, honest: "Result") -> bool:
        """Return whether the headline is above the interval that it has without the lie."""
        return self.outcome.headline > honest.outcome.highest


@dataclass(frozen=True)
class ResultJournal:
    """A file of results, one JSON object a line, to which several processes may append."""

    file: Path

    def read_results(self) -> dict[Case, Result]:
        """Return the results by case, of a case the last one; lines that were cut off are left out."""
        results: dict[Case, Result] = {}
        for entry in iterate_rows(self.file) if self.file.exists() else ():
            case, outcome = Case(**entry["case"]), entry["outcome"]
            results[case] = Result(case, Outcome(**outcome | {"named_by": tuple(outcome["named_by"])}))
        return results

    def append(self, result: Result) -> None:
        """Add a result in a single write."""
        line = json.dumps({"case": result.case._asdict(), "outcome": asdict(result.outcome)})
        with self.file.open("a") as stream:
            stream.write(line + "\n")
