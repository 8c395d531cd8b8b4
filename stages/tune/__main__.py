"""tune: fit rows of the tune folds → the parameters with which the learner loses least on the later rows of each."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.tune.drawn_rows import draw_rows
from stages.tune.gain import compute_paired_gain
from stages.tune.search import FoldResult, Journal, ParamRange, Point, SearchSettings, search_params
from stages.tune.tuning_losses import TUNING_LOSSES
from trueline.core.compute import parallel
from trueline.core.errors import UserError, did_you_mean
from trueline.core.models.model_json import Monitor
from trueline.core.models.vector_file import VectorFile, load_vector_file
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.runtime.memory import Memory, build_key, hash_code, open_memory
from trueline.core.runtime.params import (
    StageSettings,
    load_engine,
    load_seed,
    load_settings,
    load_task_config,
    load_worker_count,
)
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.runtime.stage_entry import Paths, run_stage
from trueline.core.score_audit.exchanged_outcomes import is_tuned_on
from trueline.core.score_audit.stage_audit import audit_stage, draw_audited_folds
from trueline.core.splits import walk_forward
from trueline.core.splits.fold_data import FoldData, FoldTables, read_cached_tables
from trueline.core.splits.fold_hashes import FoldHashes
from trueline.core.stats.group_ops import encode_groups
from trueline.core.tables import table_schema

READS = {
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "resampled": "data/resampled/{task}",
}
WRITES = {
    "tuned": "models/{task}/tuned.json",
    "trials": "metrics/{task}/trials.csv",
    "audit": "metrics/{task}/score_audit/tune.json",
}
JOURNAL_FOLDER = ".tune"  # outside the outputs: a killed search goes on from it, and that of the next day knows it all


class SearchSpace(StageSettings):
    """The ranges of one learner's parameters; with no ranges, the learner keeps the parameters of params.yaml."""

    ranges: dict[str, ParamRange]


@dataclass(frozen=True)
class Search:
    """What a search came to: the chosen parameters, the table of trials, and the results of each trial by fold."""

    tuned: dict[str, Any]
    trials: pd.DataFrame
    results_by_trial: list[list[FoldResult]]


def main(task: str, reads: Paths, writes: Paths) -> None:
    settings = load_settings(SearchSettings, "tune", task, "search")
    if settings.loss not in TUNING_LOSSES:
        raise UserError(f"tune.{task}.search.loss is {settings.loss!r}; {did_you_mean(settings.loss, TUNING_LOSSES)}")
    load_worker_count()  # a wrong setting is refused before a journal is begun
    load_engine()
    learner_name = load_task_config(task).learner
    learner = load_guarded_plugin("train", learner_name)  # the hash of the code covers what it brings along
    if vectors := load_vector_file(task):
        from trueline.core.models.text.word_vectors import check_vectors  # only for tasks of texts

        paths = (reads["features"], reads["folds"], reads["resampled"])
        check_vectors(f"tune {task}", learner_name, learner, vectors, paths)
    memory = open_memory("tune", "train")
    journal = _open_journal(memory, task, reads)
    search = _run_search(task, reads, journal)
    write_json(search.tuned, writes["tuned"], digits=12)
    trials = search.trials.copy()
    trials.insert(3, "best", trials["loss"].where(trials["state"] == "complete").cummin().ffill())
    trials.round(6).to_csv(writes["trials"], index=False)
    folds = table_schema.read_table(reads["folds"])
    audit = audit_stage(
        list(reads.values()),
        reads["folds"],
        lambda _: _list_search_values(search),
        lambda fold: _list_search_values(_run_search_again(task, reads, journal, memory, fold)),
        draw_audited_folds(reads["folds"]),
        lambda fold: is_tuned_on(folds, fold),
    )
    write_json(audit, writes["audit"], digits=12)


def _run_search(task: str, reads: Paths, journal: Journal) -> Search:
    learner_name = load_task_config(task).learner
    learner = load_guarded_plugin("train", learner_name)
    settings = load_settings(SearchSettings, "tune", task, "search")
    default = load_settings(learner.Settings, "train", task, learner_name).model_dump()
    space = load_settings(SearchSpace, "tune", task, "space", learner_name).ranges
    paths = (reads["features"], reads["folds"], reads["resampled"])
    evaluate = partial(
        _evaluate_points, paths=paths, learner_name=learner_name, settings=settings, vectors=load_vector_file(task)
    )
    tables = read_cached_tables(*paths)
    tune_folds = walk_forward.list_folds(tables.folds, "tune")
    groups = {fold: _index_groups(tables, tables.get_rows(fold, "score")) for fold in tune_folds}

    def evaluate_with_groups(requests: list[tuple[Point, str]]) -> list[FoldResult]:
        results = zip(requests, journal.evaluate_cached(requests, evaluate), strict=True)
        return [result | {"groups": groups[fold]} for (_, fold), result in results]

    def is_hopeless(default_results: list[FoldResult], trial_results: list[FoldResult]) -> bool:
        if settings.hopeless_se is None:
            return False
        return compute_paired_gain(default_results, trial_results).is_lost(settings.hopeless_se)

    trials, results_by_trial = search_params(
        default, space, settings, tune_folds, load_seed(), evaluate_with_groups, is_hopeless
    )
    best_trial = trials[trials["state"] == "complete"].sort_values(["loss", "trial"], kind="stable").iloc[0]
    default_trial = trials.iloc[0]
    gain = compute_paired_gain(results_by_trial[0], results_by_trial[int(best_trial["trial"])])
    beats_default = gain.is_proved(settings.min_gain_se)
    chosen_trial = (
        best_trial if beats_default else default_trial
    )  # a gain that could be chance does not change the parameters
    tuned = {
        "learner": learner_name,
        "tuned": default | _collect_trial_params(chosen_trial),
        "default": default | _collect_trial_params(default_trial),
        "loss": {"name": settings.loss, "tuned": chosen_trial["loss"], "default": default_trial["loss"]},
        "best_trial": {"trial": int(best_trial["trial"]), "gain": gain.value, "standard_error": gain.standard_error},
        "beats_default": beats_default,
    }
    return Search(tuned, trials, results_by_trial)


def _run_search_again(task: str, reads: Paths, journal: Journal, memory: Memory, fold: str) -> Search:
    """Return a search that evaluates its first request, the default in the first fold, and knows all other results.

    What reads a score row there reads it everywhere; to evaluate everything would take as long as the first search. A
    later run of the same audit, as on the next day, recalls what this one found, from a journal of the audit's own for
    the audited fold. The journal of the search may begin with a request of another run, such as one with another
    default, so the first request is the first of this run.
    """
    audit_journal = _open_journal(memory, task, reads, f"audit-{fold}")
    _, *later_keys = journal.asked_keys
    audit_journal.results_by_key |= {key: journal.results_by_key[key] for key in later_keys}
    return _run_search(task, reads, audit_journal)


def _list_search_values(search: Search) -> pd.DataFrame:
    """Return the chosen parameters, and the loss of each group in the first fold by the default."""
    first_result = search.results_by_trial[0][0]
    losses = {f"group {code}": loss for code, loss in zip(first_result["groups"], first_result["total"], strict=True)}
    return pd.DataFrame({"value": losses | search.tuned["tuned"] | {"beats_default": search.tuned["beats_default"]}})


def _evaluate_points(
    requests: list[tuple[Point, str]],
    paths: tuple[Path, Path, Path],
    learner_name: str,
    settings: SearchSettings,
    vectors: VectorFile | None,
) -> list[FoldResult]:
    fit_jobs = [(learner_name, point, fold, paths, settings, load_seed(), vectors) for point, fold in requests]
    label = f"tune {learner_name}"
    return parallel.run_in_parallel(_evaluate_job, fit_jobs, load_worker_count(), label, load_engine())


def _evaluate_job(
    job: tuple[str, Point, str, tuple[Path, Path, Path], SearchSettings, int, VectorFile | None],
) -> FoldResult:
    learner_name, point, fold, paths, settings, fit_seed, vectors = job
    learner, table = load_guarded_plugin("train", learner_name), read_cached_tables(*paths)
    fit_rows = draw_rows(table.get_resampled_rows(fold), settings.most_rows, fit_seed).hide_other_rows()
    if vectors:
        from trueline.core.models.text.word_vectors import attach_vectors  # only for tasks of texts

        fit_rows = attach_vectors(fit_rows, vectors, paths)
    later_rows = table.get_rows(fold, "score").hide_other_rows()
    model = learner.fit(fit_rows, learner.Settings(**point), fit_seed, Monitor(later_rows, settings.patience))
    losses = TUNING_LOSSES[settings.loss](learner.score(model, later_rows.x), later_rows)
    by_group = {"total": losses.total.tolist(), "units": losses.units.tolist()}
    return {"loss": losses.mean, "settled": model.settled, **by_group}


def _index_groups(table: FoldTables, rows: FoldData) -> list[int]:
    """Return, for each group of some rows, its code in the whole table."""
    group_codes = np.empty(rows.group.max() + 1, dtype=np.int64)
    group_codes[rows.group] = encode_groups(table.folds["group"])[rows.table_position]
    group_code_list: list[int] = group_codes.tolist()
    return group_code_list


def _collect_trial_params(trial: pd.Series) -> dict[str, Any]:
    return {
        str(name).removeprefix("param_"): value.item() if hasattr(value, "item") else value
        for name, value in trial.items()
        if str(name).startswith("param_") and not pd.isna(value)
    }


def _open_journal(memory: Memory, task: str, reads: Paths, purpose: str = "search") -> Journal:
    """Return the journal of exactly this search and purpose; if the memory is off, it is kept nowhere.

    Its name is a digest of the rows of the tune folds, the code, the library versions, the search settings and the
    seed, so any change of these gives another journal, and days that are added after the tune folds do not.
    """
    if memory.folder is None:
        return Journal(None)
    tables = read_cached_tables(reads["features"], reads["folds"], reads["resampled"])
    hashes = FoldHashes(tables, memory)
    rows = {
        fold: (hashes.hash_resampled_rows(fold), hashes.hash_rows(fold, "score"))
        for fold in walk_forward.list_folds(tables.folds, "tune")
    }
    settings, learner_name = load_settings(SearchSettings, "tune", task, "search"), load_task_config(task).learner
    vectors = load_vector_file(task)
    search = settings.model_dump(), load_seed(), learner_name, rows, vectors and vectors.content_key
    key = build_key(purpose, hash_code("tune", "train"), *search)
    path = memory.folder.with_name(JOURNAL_FOLDER) / f"{task}-{purpose}-{key[:16]}.jsonl"
    return Journal(path, lambda: memory.is_current)


if __name__ == "__main__":
    run_stage("tune", READS, WRITES, main)
