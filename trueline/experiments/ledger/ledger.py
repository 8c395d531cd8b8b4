"""The ledger: one line per evaluation on test rows, its cost, opening of sealed days, invalidation of data, and note.

`experiments/ledger.jsonl` is committed, and only appended to. Running, promoting, invalidating and noting bring it up
to date from git and the workspace. Reading leaves it alone, so that it never stands in the way of `git pull`; what a
reader saw is kept in a local copy outside git until the next of these. Lines have no dates: an evaluation names its
commit, which has one. Lines that a checkout or `dvc exp apply` removed are restored.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.ledger import append_only_file, cost_lines, evaluation_lines
from trueline.experiments.ledger.distinct_looks import count_distinct_looks
from trueline.experiments.store import dvc_lock, git
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.experiments_index import list_experiments
from trueline.experiments.store.file_cache import PARAMS

UNDATED_DAY = "1970-01-01"  # the day of every row if the source has no dates

LedgerLine = dict[str, Any]


@dataclass(frozen=True)
class EvaluationCounts:
    """How often some test rows were evaluated, how many evaluations differ, and how many do on overlapping periods.

    Evaluations differ in their predictions or in a figure, as that of bets from another edge on, unless one repeats the
    other (`count_distinct_looks`). `overlapping` counts those of the test rows too: it is by how many looks the best of
    them may be lucky.
    """

    total: int
    distinct: int
    overlapping: int


def update_ledger(experiments: Sequence[Experiment] | None = None) -> list[LedgerLine]:
    """Append the evaluations that the ledger lacks and return all its lines.

    Evaluations are the experiments' commits, the commits of the current branch that changed metrics, and the workspace
    if its metrics have the hashes in dvc.lock. Lines that were committed, or recorded here before, count even if the
    file has lost them.
    """
    _require_root()
    with append_only_file.lock_ledger() as recorded:
        lines = add_pending_evaluations(recorded, experiments)
        append_only_file.append_lines(lines, recorded)
        evaluation_lines.record_branch_head()
    return lines


def observe_evaluations(experiments: Sequence[Experiment] | None = None) -> list[LedgerLine]:
    """Return the lines that the ledger would have if it were updated, and remember them outside git only.

    An experiment that is looked at and then removed is thereby still counted. Where nothing can be written, as on a
    read-only file system, nothing is remembered.
    """
    lines = add_pending_evaluations(append_only_file.read_ledger(), experiments)
    with suppress(OSError):
        append_only_file.remember_lines(lines)
        evaluation_lines.record_branch_head()
    return lines


def add_pending_evaluations(
    recorded: Sequence[LedgerLine], experiments: Sequence[Experiment] | None = None
) -> list[LedgerLine]:
    """Return the recorded lines plus those that `update_ledger` would append; appends nothing."""
    _require_root()
    finished = (
        [experiment for experiment in list_experiments() if experiment.is_finished]
        if experiments is None
        else experiments
    )
    lines = _merge_known_lines(recorded)
    lines += evaluation_lines.find_experiment_evaluations(finished, lines)
    lines += evaluation_lines.find_branch_evaluations(lines)
    lines += evaluation_lines.find_workspace_evaluations(lines)
    lines += cost_lines.find_cost_lines(lines)
    return lines


def read_all_lines() -> list[LedgerLine]:
    """Return the lines of the ledger, of its committed version and of the local copy; does not look for new ones."""
    return _merge_known_lines(append_only_file.read_ledger())


def count_distinct_evaluations(
    task: str, scored_hash: str | None, ledger_lines: Iterable[LedgerLine] | None = None
) -> int:
    """Return how many different evaluations of these test rows there were; identical ones count once."""
    return count_evaluations(task, scored_hash, ledger_lines).distinct


def count_evaluations(
    task: str, scored_hash: str | None, ledger_lines: Iterable[LedgerLine] | None = None
) -> EvaluationCounts:
    """Return how often these test rows of a task were evaluated."""
    ledger_lines = read_all_lines() if ledger_lines is None else list(ledger_lines)
    matching = list_evaluations_of_test_set(task, scored_hash, ledger_lines)
    tests = [line | {"hash": scored_hash} for line in matching if line["rows"] == scored_hash][:1]
    overlapping = count_overlapping_evaluations(task, tests, ledger_lines)
    return EvaluationCounts(len(matching), count_distinct_looks(matching), overlapping)


def list_evaluations_of_test_set(
    task: str, scored_hash: str | None, ledger_lines: Iterable[LedgerLine]
) -> list[LedgerLine]:
    """Return the evaluations of some test rows; if a report did not name its rows, those of the same data and folds."""
    task_lines = [line for line in ledger_lines if line["kind"] == "look" and line["task"] == task]
    same_inputs = {(line["data"], line["folds"]) for line in task_lines if line["rows"] == scored_hash and line["data"]}
    return [
        line
        for line in task_lines
        if line["rows"] == scored_hash or (line["rows"] is None and (line["data"], line["folds"]) in same_inputs)
    ]


def count_overlapping_evaluations(
    task: str, tests: Sequence[Mapping[str, Any]], ledger_lines: Iterable[LedgerLine] | None = None
) -> int:
    """Return how many different evaluations there were on some tests, or on test periods that overlap theirs.

    A test is what a report says of it: the `hash` of its rows, and the days `from` and `to`. A test whose start is
    shifted by a day is another test, but not a fresh one. Rows without a date overlap nothing: for those only the same
    rows count.
    """
    all_lines = read_all_lines() if ledger_lines is None else list(ledger_lines)
    matching = [
        line
        for test in tests
        for line in [
            *list_evaluations_of_test_set(task, test["hash"], all_lines),
            *_list_overlapping_evaluations(task, test, all_lines),
        ]
    ]
    return count_distinct_looks(matching)


def _list_overlapping_evaluations(
    task: str, test: Mapping[str, Any], ledger_lines: Iterable[LedgerLine]
) -> list[LedgerLine]:
    test_days = _get_test_days(test)
    dated_lines = (
        (line, _get_test_days(line)) for line in ledger_lines if line["kind"] == "look" and line["task"] == task
    )
    return [
        line for line, days in dated_lines if test_days and days and days[0] <= test_days[1] and test_days[0] <= days[1]
    ]


def _get_test_days(record: Mapping[str, Any]) -> tuple[str, str] | None:
    days = str(record.get("from") or UNDATED_DAY), str(record.get("to") or UNDATED_DAY)
    return days if UNDATED_DAY not in days else None


def list_openings(
    task: str, first_day: str, last_day: str, ledger_lines: Iterable[LedgerLine] | None = None
) -> list[LedgerLine]:
    """Return the openings of sealed periods of a task that share a day with some days."""
    return [
        line
        for line in (read_all_lines() if ledger_lines is None else ledger_lines)
        if line["kind"] == "sealed_opened" and line["task"] == task
        if line["from"] <= last_day and first_day <= line["to"]
    ]


def record_opening(opening: Mapping[str, Any]) -> None:
    """Append a line that says which sealed days were opened for which commit, and what they showed."""
    with append_only_file.lock_ledger() as recorded:
        lines = append_only_file.merge_lines(_merge_known_lines(recorded), [{"kind": "sealed_opened", **opening}])
        append_only_file.append_lines(lines, recorded)


def record_note(experiment: Experiment, text: str, tags: Sequence[str], author: str) -> None:
    """Append what was learned from an experiment, or tags; a later text replaces an earlier one where it is shown.

    Raises UserError if there is neither a text nor a tag.
    """
    text, tags = " ".join(text.split()), list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if not text and not tags:
        raise UserError("a note needs a text or a tag; write what was learned in one sentence, or give --tag.")
    update_ledger()
    line = {"kind": "note", "experiment": experiment.name, "rev": experiment.rev, "by": author, "text": text}
    with append_only_file.lock_ledger() as recorded:
        lines = append_only_file.merge_lines(_merge_known_lines(recorded), [{**line, "tags": tags}])
        append_only_file.append_lines(lines, recorded)


def add_notes(experiments: Sequence[Experiment], ledger_lines: Iterable[LedgerLine]) -> list[Experiment]:
    """Return experiments with the conclusion and the tags that were noted after they had run."""
    conclusions: dict[str, str] = {}
    tags_by_rev: dict[str, list[str]] = {}
    for line in ledger_lines:
        if line["kind"] == "note":
            conclusions |= {line["rev"]: line["text"]} if line["text"] else {}
            tags_by_rev.setdefault(line["rev"], []).extend(line["tags"])
    return [
        replace(
            experiment,
            conclusion=conclusions.get(experiment.rev),
            tags=tuple(dict.fromkeys([*experiment.tags, *tags_by_rev.get(experiment.rev, ())])),
        )
        for experiment in experiments
    ]


def invalidate_data(data_hash: str, why: str) -> list[Experiment]:
    """Record that data were wrong and return the experiments that were made from them.

    `data_hash` is the MD5 of a dependency or output in a dvc.lock, or at least its first eight digits. Raises UserError
    for an empty reason, and for a hash that no experiment, no recorded evaluation and not the branch's last commit has.
    """
    if not why.strip():
        raise UserError("an invalidation needs a reason; give --why, what was wrong with the data.")
    experiments = [experiment for experiment in list_experiments() if experiment.is_finished]
    evaluated_revs = [line["rev"] for line in update_ledger(experiments) if line["kind"] == "look"]
    revs = [*(experiment.rev for experiment in experiments), *evaluated_revs, git.resolve_commit("HEAD") or ""]
    full_hash = dvc_lock.resolve_hash(data_hash, dvc_lock.read_locks(revs).values())
    with append_only_file.lock_ledger() as recorded:
        append_only_file.append_lines(
            append_only_file.merge_lines(recorded, [{"kind": "invalidation", "hash": full_hash, "why": why.strip()}]),
            recorded,
        )
    invalid_revs = find_invalidations(experiments)
    return [experiment for experiment in experiments if experiment.rev in invalid_revs]


def find_invalidation_reason(
    rev: str, task: str | None = None, ledger_lines: Sequence[LedgerLine] | None = None
) -> str | None:
    """Return why a commit's results are void (the reason why their data were invalidated), or None."""
    reasons = _collect_reasons(read_all_lines() if ledger_lines is None else ledger_lines)
    return _find_reason(dvc_lock.read_locks([rev])[rev], [task] if task else None, reasons) if reasons else None


def find_invalidations(
    experiments: Iterable[Experiment], ledger_lines: Iterable[LedgerLine] | None = None
) -> dict[str, dict[str, str]]:
    """Return by commit and task why results are void, for experiments and for the evaluations in the ledger."""
    all_lines = read_all_lines() if ledger_lines is None else list(ledger_lines)
    reasons = _collect_reasons(all_lines)
    if not reasons:
        return {}
    rev_tasks = {(experiment.rev, task): None for experiment in experiments for task in experiment.tasks}
    rev_tasks |= {(line["rev"], line["task"]): None for line in all_lines if line["kind"] == "look"}
    lock_by_rev = dvc_lock.read_locks(rev for rev, _ in rev_tasks)
    reasons_by_rev: dict[str, dict[str, str]] = {}
    for rev, task in rev_tasks:
        if why := _find_reason(lock_by_rev[rev], [task], reasons):
            reasons_by_rev.setdefault(rev, {})[task] = why
    return reasons_by_rev


def _require_root() -> None:
    if not Path(PARAMS).exists():
        raise UserError(f"{PARAMS} is not in this folder; run from the root of the repository.")


def _merge_known_lines(recorded: Sequence[LedgerLine]) -> list[LedgerLine]:
    committed_lines = append_only_file.parse_ledger(
        git.read_file("HEAD", str(append_only_file.LEDGER_FILE)) or b"", f"{append_only_file.LEDGER_FILE} of HEAD"
    )
    return append_only_file.merge_lines(recorded, committed_lines, append_only_file.read_backup())


def _collect_reasons(ledger_lines: Iterable[LedgerLine]) -> dict[str, str]:
    return {line["hash"]: line["why"] for line in ledger_lines if line["kind"] == "invalidation"}


def _find_reason(lock: Mapping[str, Any], tasks: Iterable[str] | None, reasons: Mapping[str, str]) -> str | None:
    hashes = dvc_lock.collect_hashes(lock, tasks)
    return next((why for hash_, why in reasons.items() if hash_ in hashes), None)
