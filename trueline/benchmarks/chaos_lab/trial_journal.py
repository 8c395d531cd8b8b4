"""Trial journal: the trials of finished cases, one line of JSON each, so that a long run that was stopped goes on."""

import json
from pathlib import Path
from typing import Any

from trueline.benchmarks.chaos_lab.trials import Finding, Problem, Trial
from trueline.core.jsonl import iterate_rows


class TrialJournal:
    """The trials of one case; without a file they are kept in memory only."""

    def __init__(self, path: Path | None, case: str) -> None:
        self._path, self._case = path, case
        self.trials: list[Trial] = []
        rows = iterate_rows(path) if path is not None and path.exists() else ()
        entries = [row for row in rows if row["case"] == case]
        self._is_done = bool(entries)
        if entries:
            self.trials = [_read_trial(fields) for fields in entries[-1]["trials"]]

    def is_done(self) -> bool:
        """Return whether the case was finished earlier."""
        return self._is_done

    def write(self, trials: list[Trial]) -> None:
        """Add the trials of the case, which is then finished."""
        self.trials = trials
        if self._path is not None:
            entry = {"case": self._case, "trials": [_format_trial(trial) for trial in trials]}
            with self._path.open("a") as file:
                file.write(json.dumps(entry) + "\n")


def _format_trial(trial: Trial) -> dict[str, Any]:
    findings = [(finding.problem.value, finding.place) for finding in trial.findings]
    return trial._asdict() | {"findings": findings}


def _read_trial(fields: dict[str, Any]) -> Trial:
    findings = tuple(Finding(Problem(problem), place) for problem, place in fields["findings"])
    return Trial(**fields | {"findings": findings})
