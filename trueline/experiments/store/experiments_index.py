"""The index of experiments: those of all baselines, read from their commits, DVC's queue and the tags."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from trueline.core.errors import UserError, did_you_mean
from trueline.experiments.store import dvc_lock, file_cache, git, param_diff, workspace_tags
from trueline.experiments.store.experiment import Experiment, Status
from trueline.experiments.store.file_cache import PARAMS, REPORT, SCORES

QUEUE_FOLDER = Path(".dvc/tmp/exps")  # DVC's queue; without this folder nothing was ever queued here
MIN_COMMIT_DIGITS = 4  # the shortest prefix by which a commit may be named


def list_experiments() -> list[Experiment]:
    """Return every experiment, newest first; those that failed or have no result yet have no scores.

    A failed experiment is left out once a newer one of the same name has a result. What is promoted or archived is an
    experiment by its tag alone: in a clone that has no other trace of it, and after `dvc exp remove`.
    """
    refs = git.list_refs()
    completed = _load_completed(refs) + _load_tagged({ref.rev for ref in refs})
    by_age = sorted(completed, key=lambda experiment: experiment.created)
    newest_by_name = {experiment.name: experiment.created for experiment in by_age}
    queued = [
        experiment
        for experiment in _load_queued()
        if experiment.status != "failed" or _is_newer(experiment, newest_by_name)
    ]
    return sorted(
        [*completed, *queued], key=lambda experiment: (experiment.created.timestamp(), experiment.name), reverse=True
    )


def load_experiment_at_commit(revision: str) -> Experiment:
    """Return a git revision as an experiment about all tasks, named as it was asked for.

    It has no scores for a task whose dvc.lock names other parameters, code or metrics than those of the revision.
    Raises UserError if the revision does not exist.
    """
    rev = git.resolve_commit(revision)
    if rev is None:
        raise UserError(f"{revision!r} is neither an experiment nor a git revision; {_suggest_names(revision)}")
    committed_at = datetime.fromisoformat(git.run_git("show", "-s", "--format=%cI", rev).decode().strip())
    return _drop_foreign_scores(_load_commits([git.Ref(revision, rev, rev, committed_at)]))[0]


def load_commits_as_experiments(refs: Sequence[git.Ref]) -> list[Experiment]:
    """Return ordinary commits as experiments, each about all tasks.

    Scores made or edited by hand are left out. Those that come from other parameters or code are kept, because they
    were evaluated all the same.
    """
    return _drop_foreign_scores(_load_commits(refs), by_hand=True)


def _load_commits(refs: Sequence[git.Ref]) -> list[Experiment]:
    statuses = _get_commit_statuses() if refs else {}
    files = file_cache.read_files((ref.rev, PARAMS) for ref in refs)
    params = {ref.rev: files[ref.rev, PARAMS] or {} for ref in refs}
    return _add_results(
        [
            _build_experiment(
                ref, statuses.get(ref.rev, "completed"), params[ref.rev], tuple(params[ref.rev].get("tasks") or {})
            )
            for ref in refs
        ]
    )


def find_experiment(
    name_or_rev: str, candidates: Sequence[Experiment] | None = None, *, allow_stale: bool = False
) -> Experiment:
    """Return the experiment with a name or a commit (or the start of one); failing that, a git revision.

    If several experiments have the name, the finished one is returned. Raises UserError if several are finished and,
    unless `allow_stale`, for a revision none of whose results come from its own parameters, code and metrics.
    """
    experiments = list_experiments() if candidates is None else candidates
    named = [experiment for experiment in experiments if experiment.name == name_or_rev]
    if len(name_or_rev) >= MIN_COMMIT_DIGITS:
        named = named or [experiment for experiment in experiments if experiment.rev.startswith(name_or_rev)]
    named = [experiment for experiment in named if experiment.is_finished] or named[:1]
    if len({experiment.rev for experiment in named}) > 1:
        revs = ", ".join(experiment.rev[:7] for experiment in named)
        raise UserError(f"{name_or_rev!r} is the name of several experiments ({revs}); choose one by its commit.")
    if named:
        return named[0]
    if allow_stale:
        return load_experiment_at_commit(name_or_rev)
    return _require_own_scores(load_experiment_at_commit(name_or_rev))


def _load_completed(refs: Sequence[git.Ref]) -> list[Experiment]:
    statuses = _get_commit_statuses() if refs else {}
    params = file_cache.read_files((rev, PARAMS) for ref in refs for rev in (ref.rev, ref.baseline))
    completed = []
    for ref in refs:
        own_params, baseline_params = params[ref.rev, PARAMS] or {}, params[ref.baseline, PARAMS] or {}
        completed.append(
            _build_experiment(
                ref,
                statuses.get(ref.rev, "completed"),
                own_params,
                param_diff.find_changed_tasks(own_params, baseline_params),
            )
        )
    return _drop_foreign_scores(_add_results(completed))


def _load_tagged(known_revs: Collection[str]) -> list[Experiment]:
    """Return the promoted and archived commits that are no experiments of DVC, each about the tasks of its tags."""
    statuses = _get_commit_statuses()
    events = [event for event in workspace_tags.read_events() if event.rev in statuses] if statuses else []
    names: dict[str, str] = {}
    tasks_by_rev: dict[str, dict[str, None]] = {}
    for event in events:
        if event.rev not in known_revs:
            names[event.rev] = event.experiment or event.rev[:7]
            tasks_by_rev.setdefault(event.rev, dict.fromkeys([event.task]))[event.task] = None
    params = file_cache.read_files((rev, PARAMS) for rev in names)
    tagged = [
        _build_experiment(ref, statuses[ref.rev], params[ref.rev, PARAMS] or {}, tuple(tasks_by_rev[ref.rev]))
        for ref in git.describe_commits(names)
    ]
    return _drop_foreign_scores(_add_results(tagged))


def _drop_foreign_scores(experiments: list[Experiment], by_hand: bool = False) -> list[Experiment]:
    """Return experiments without scores that are not their own; `by_hand` drops only those that DVC did not make."""
    issues = _find_integrity_issues(experiments)
    cleaned = []
    for experiment in experiments:
        reasons = {task: reason for task, reason in issues[experiment.rev].items() if task in experiment.scores}
        hand_signs = (_HAND_MADE, _HAND_EDITED)
        reasons = {task: why for task, why in reasons.items() if not by_hand or why.startswith(hand_signs)}
        unjudged = [task for task in experiment.scores if _UNJUDGED_KEY.format(task) in issues[experiment.rev]]
        judged_experiment = experiment.without_believability(unjudged) if unjudged else experiment
        cleaned.append(_drop_scores(judged_experiment, reasons) if reasons else judged_experiment)
    return cleaned


def _find_integrity_issues(experiments: Sequence[Experiment]) -> dict[str, dict[str, str]]:
    """Return by commit and task why scores do not come from the commit's own parameters, code and metrics.

    A further key marks a task whose scores were not judged since: whether they can be believed is not known.
    """
    issues = {
        experiment.rev: file_cache.get_cached(_ISSUES_CACHE_NAME.format(experiment.rev)) for experiment in experiments
    }
    unchecked = [experiment for experiment in experiments if issues[experiment.rev] is None]
    lock_by_rev = dvc_lock.read_locks(experiment.rev for experiment in unchecked)
    commit_files = [
        (experiment.rev, path)
        for experiment in unchecked
        for task in _get_planned_tasks(experiment)
        for path in dvc_lock.list_checked_files(lock_by_rev[experiment.rev], task)
    ]
    md5s_by_rev: dict[str, dict[str, str]] = {experiment.rev: {} for experiment in unchecked}
    for (rev, path), md5 in (file_cache.hash_files(commit_files) if commit_files else {}).items():
        md5s_by_rev[rev][path] = md5
    for experiment in unchecked:
        lock, files = lock_by_rev[experiment.rev], md5s_by_rev[experiment.rev]
        reasons = {
            task: reason
            for task in _get_planned_tasks(experiment)
            if (reason := _find_integrity_issue(lock, experiment.params, task, files))
        } | {
            _UNJUDGED_KEY.format(task): "not diagnosed with its parameters and code"
            for task in _get_planned_tasks(experiment)
            if not dvc_lock.is_judged(lock, experiment.params, task, files)
        }
        issues[experiment.rev] = file_cache.store_cached(_ISSUES_CACHE_NAME.format(experiment.rev), reasons)
    return issues


def _find_integrity_issue(
    lock: dvc_lock.Lock, params: Mapping[str, Any], task: str, md5_by_path: Mapping[str, str]
) -> str | None:
    if not dvc_lock.has_stages(lock, task):
        return f"{_HAND_MADE} dvc.lock names nothing of it"
    if path := dvc_lock.find_edited_file(lock, task, md5_by_path):
        return f"{_HAND_EDITED} {path} is not the one that dvc.lock names"
    if not dvc_lock.is_consistent(lock, params, task):
        return "not run up to evaluate with its parameters"
    path = dvc_lock.find_changed_input(lock, task, md5_by_path)
    return f"not run with its {path}" if path else None


def _get_planned_tasks(experiment: Experiment) -> tuple[str, ...]:
    return tuple(experiment.params.get("tasks") or ())


def _drop_scores(experiment: Experiment, reasons: Mapping[str, str]) -> Experiment:
    results = {field_name: getattr(experiment, field_name) for field_name in ("scores", "scored", "intervals")}
    remaining = {
        field_name: {task: value for task, value in value_by_task.items() if task not in reasons}
        for field_name, value_by_task in results.items()
    }
    sentences = (
        f"{' '.join(task for task in reasons if reasons[task] == reason)}: {reason}"
        for reason in dict.fromkeys(reasons.values())
    )
    return replace(experiment.with_results(**remaining), error="; ".join(sentences))


def _require_own_scores(experiment: Experiment) -> Experiment:
    if experiment.error and not experiment.scores:
        raise UserError(
            f"dvc.lock of {experiment.name} does not match its commit ({experiment.error}); run `dvc repro` and commit."
        )
    return experiment


def _load_queued() -> list[Experiment]:
    """Return the waiting, running and failed tasks of DVC's queue, with the parameters of their queue entries."""
    if not QUEUE_FOLDER.exists():
        return []
    # takes half a second to import, and most repositories have no queue
    from trueline.experiments.store import dvc_queue

    tasks = [task for task in dvc_queue.list_tasks() if task.status != "completed"]
    params = file_cache.read_files((rev, PARAMS) for task in tasks for rev in (task.rev, f"{task.rev}^"))
    queued = []
    for task in tasks:
        own_params, start_params = params[task.rev, PARAMS] or {}, params[f"{task.rev}^", PARAMS] or {}
        ref = git.Ref(task.name, task.rev, git.resolve_commit(f"{task.rev}^") or "", task.created)
        changed_tasks = param_diff.find_changed_tasks(own_params, start_params)
        queued.append(_build_experiment(ref, task.status, own_params, changed_tasks, task.error))
    return queued


def _build_experiment(
    ref: git.Ref, status: Status, params: dict[str, Any], tasks: tuple[str, ...], error: str | None = None
) -> Experiment:
    description = params.get("experiment") or {}
    kind, hypothesis, parent = (
        None if description.get(key) is None else str(description[key]) for key in _DESCRIPTION_KEYS
    )
    return Experiment(
        name=ref.name,
        rev=ref.rev,
        baseline=ref.baseline,
        status=status,
        created=ref.created,
        tasks=tasks,
        type=kind,
        hypothesis=hypothesis,
        parent=parent,
        tags=tuple(map(str, description.get("tags") or ())),
        error=error,
        scores={},
        scored={},
        params=params,
    )


def _add_results(experiments: list[Experiment]) -> list[Experiment]:
    """Return experiments with the scores of their tasks, and the intervals and scored rows behind them."""
    commit_files = [
        (experiment.rev, template.format(task=task))
        for experiment in experiments
        for task in experiment.tasks
        for template in _RESULT_PATHS
    ]
    contents = file_cache.read_files(commit_files)

    def collect_by_task(experiment: Experiment, template: str, select: Callable[[Any, str], Any]) -> dict[str, Any]:
        files = {task: contents[experiment.rev, template.format(task=task)] for task in experiment.tasks}
        return {task: value for task, file in files.items() if file and (value := select(file, task))}

    return [
        experiment.with_results(
            scores=_merge_scores(
                collect_by_task(experiment, SCORES, lambda file, task: file.get(task)),
                collect_by_task(experiment, REPORT, lambda file, _: file.get("scores")),
            ),
            scored=collect_by_task(experiment, REPORT, lambda file, _: file.get("scored")),
            intervals=collect_by_task(experiment, REPORT, lambda file, _: file.get("intervals")),
        )
        for experiment in experiments
    ]


def _merge_scores(
    published: dict[str, dict[str, Any]], evaluated: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return by task the scores that evaluate wrote, with what diagnose added to those it published.

    Where the two differ, diagnose was not run since.
    """
    return {task: published.get(task, {}) | evaluated.get(task, {}) for task in published | evaluated}


_UNJUDGED_KEY = "{} believable"  # among the issues of a commit
_ISSUES_CACHE_NAME = "doubts/{}.json"  # by commit: why the scores of which tasks are not its own
_HAND_MADE, _HAND_EDITED = "made by hand,", "edited by hand,"
_RESULT_PATHS = (SCORES, REPORT)
_DESCRIPTION_KEYS = ("type", "hypothesis", "parent")


def _get_commit_statuses() -> Mapping[str, Status]:
    """Return by commit whether it was promoted or archived; empty without tags of GTO's form."""
    if not any("@" in tag or "#" in tag for tag in git.list_tags()):
        return {}
    return cast(Mapping[str, Status], workspace_tags.get_current_assignments())


def _is_newer(experiment: Experiment, newest_by_name: Mapping[str, datetime]) -> bool:
    return experiment.name not in newest_by_name or experiment.created > newest_by_name[experiment.name]


def _suggest_names(name: str) -> str:
    names: Iterable[str] = {ref.name for ref in git.list_refs()}
    suggestion = did_you_mean(name, names).partition("Allowed:")[0]
    return f"{suggestion}`python -m trueline experiments list` lists them."
