"""Sealed days: a promotion scores them once, by the candidate's own stages, and every opening is on record."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests import pipeline_copy, promoted_repo
from tests.promoted_repo import TASK, git
from trueline.core.errors import UserError
from trueline.experiments.decisions import sealed_opening
from trueline.experiments.decisions.promotion import PromotionOutcome, promote_experiment
from trueline.experiments.decisions.sealed_opening import SealedResult
from trueline.experiments.ledger import ledger
from trueline.experiments.ledger.append_only_file import LEDGER_FILE
from trueline.experiments.store.experiments_index import find_experiment

PERIOD = {"from_day": "2024-05-01", "to_day": "2024-05-09", "rows": 400}
SEALED_DAYS = 9
OUTPUTS = {
    "prepare": [f"data/prepared/{TASK}.parquet"],
    "tune": [f"models/{TASK}/tuned.json"],
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an experiment that has skill, made while some days were sealed."""
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    return folder


def make_sealed_experiment(folder: Path, name: str, seed: int = 1) -> str:
    """Make an experiment that beats the baseline, with a quality report that names sealed days."""
    promoted_repo.experiment(folder, name, skill=0.7, seed=seed)
    rev = find_experiment(name).rev
    git(folder, "checkout", "--quiet", "--detach", rev)
    (folder / f"metrics/{TASK}/quality.json").write_text(json.dumps({"sealed": PERIOD}))
    sealed_rev = promoted_repo.commit(folder, name)
    git(folder, "checkout", "--quiet", "main")
    return sealed_rev


def score_with(monkeypatch: pytest.MonkeyPatch, skills: dict[str, float]) -> list[str]:
    """Replace the stages by predictions of some skill for each commit; return the list of the commits they score."""
    scored_revs: list[str] = []

    def score(rev: str, task: str, period: object, check_data: bool = False) -> SealedResult:
        scored_revs.append(rev)
        if rev not in skills:
            raise UserError("the sealed days could not be scored; it is too old.")
        table = promoted_repo.predictions(skills[rev], seed=5)
        report = {"scored": promoted_repo.scored(table), "scores": {"log_loss": 1.4}}
        report |= {"baselines": promoted_repo.baselines("better")}
        return SealedResult(table, report, "d" * 32)

    monkeypatch.setattr(sealed_opening, "score_sealed_days", score)
    return scored_revs


def promote(rev: str, dry_run: bool = False, force: str | None = None) -> PromotionOutcome:
    return promote_experiment(find_experiment(rev), dry_run=dry_run, force=force)


def get_sealed_sentence(outcome: PromotionOutcome) -> str:
    return next(gate.sentence for gate in outcome.gates if gate.name == "sealed")


def list_openings() -> list[dict[str, object]]:
    return [line for line in map(json.loads, LEDGER_FILE.read_text().splitlines()) if line["kind"] == "sealed_opened"]


def test_a_dry_run_and_a_model_that_another_gate_stops_open_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored_revs = score_with(monkeypatch, {})
    rev = make_sealed_experiment(repository, "sharp")
    assert get_sealed_sentence(promote(rev, dry_run=True)) == (
        "The days from 2024-05-01 to 2024-05-09 stay sealed; a promotion opens them."
    )
    ledger.invalidate_data(promoted_repo_hash(repository, rev), "wrong")
    assert promote(rev).stopped == ["valid"]
    assert scored_revs == []
    assert list_openings() == []


def promoted_repo_hash(folder: Path, rev: str) -> str:
    lock = yaml.safe_load(git(folder, "show", f"{rev}:dvc.lock"))
    return str(next(iter(lock["stages"].values()))["outs"][0]["md5"])


def test_an_opening_is_in_the_tag_and_the_ledger_and_a_second_one_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (make_sealed_experiment(repository, name, seed) for name, seed in (("one", 1), ("two", 2)))
    scored_revs = score_with(monkeypatch, {first: 1.0, second: 1.0})
    outcome = promote(first)
    assert outcome.promoted
    sentence = get_sealed_sentence(outcome)
    assert sentence.startswith("On the days from 2024-05-01 to 2024-05-09, sealed until now: ")
    assert "less that of the baseline: -" in sentence
    assert sentence.endswith("on 80 groups: better.")
    tag = git(repository, "tag", "--list", outcome.tags[0], "--format=%(contents)")
    assert f"passed   sealed: {sentence}" in tag
    opening = list_openings()[0]
    assert (opening["rev"], opening["data"], opening["from"], opening["to"]) == (
        first, "d" * 32, "2024-05-01", "2024-05-09",
    )  # fmt: skip
    assert (opening["earlier"], opening["metrics"]) == (0, {"log_loss": 1.4, "log_loss_low": 1.3, "log_loss_high": 1.5})
    again = promote(second, force="see what it says twice")
    assert scored_revs == [first, second, first]
    assert get_sealed_sentence(again).endswith(f"This is not a first look: they were opened before, for {first[:7]}.")
    assert "not a first look" in git(repository, "tag", "--list", again.tags[0], "--format=%(contents)")
    assert [line["earlier"] for line in list_openings()] == [0, 1]
    assert ledger.list_openings(TASK, "2024-05-10", "2024-06-01") == []
    assert len(ledger.list_openings(TASK, "2024-05-09", "2024-06-01")) == 2


def test_a_model_that_is_worse_on_the_sealed_days_is_refused_and_one_that_cannot_be_scored_too(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rev, unscored_rev = make_sealed_experiment(repository, "bad"), make_sealed_experiment(repository, "old", seed=2)
    score_with(monkeypatch, {rev: -1.0})
    outcome = promote(rev)
    assert outcome.stopped == ["sealed"]
    assert not outcome.promoted
    assert "worse." in get_sealed_sentence(outcome)
    assert len(list_openings()) == 1
    assert get_sealed_sentence(promote(unscored_rev)) == "The sealed days could not be scored; it is too old."
    assert len(list_openings()) == 1
    assert git(repository, "tag") == ""


def test_where_the_current_model_cannot_be_scored_the_baseline_takes_its_place(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (make_sealed_experiment(repository, name, seed) for name, seed in (("one", 1), ("two", 2)))
    score_with(monkeypatch, {first: 1.0})
    promote(first)
    score_with(monkeypatch, {second: 1.0})
    sentence = get_sealed_sentence(promote(second, force="try"))
    assert f"the baseline ({first[:7]} could not be scored on these days): -" in sentence


def test_the_stages_of_the_commit_score_the_sealed_rows_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_pipeline_commit(tmp_path / "repository")
    monkeypatch.chdir(folder)
    rev = git(folder, "rev-parse", "HEAD")
    period = sealed_opening.find_sealed_period(rev, TASK)
    assert period is not None
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if ".git/" not in str(path) and path.is_file()}
    result = sealed_opening.score_sealed_days(rev, TASK, period, check_data=True)
    assert before == {path: path.read_bytes() for path in before}
    pipeline_copy.change(folder, folds__racing__sealed_days=None)
    assert pipeline_copy.run(folder, "prepare", TASK).returncode == 0
    rows = pd.read_parquet(folder / OUTPUTS["prepare"][0])
    sealed_rows = rows[rows["time"] >= pd.Timestamp(period["from_day"])]
    assert len(sealed_rows) == period["rows"]
    assert sorted(result.predictions["row_id"]) == sorted(sealed_rows["row_id"])
    assert result.report["scored"]["rows"] == period["rows"]
    assert result.data_hash == hashlib.md5((folder / OUTPUTS["prepare"][0]).read_bytes()).hexdigest()
    source = folder / "data/sample/racing/runners.parquet"
    pd.read_parquet(source).iloc[:-200].to_parquet(source)
    git(folder, "add", "--all", "data/sample")
    git(folder, "commit", "--quiet", "--message", "another source", "data/sample")
    with pytest.raises(UserError, match=r"^the source data/sample/racing no longer gives the rows that .* made from"):
        sealed_opening.score_sealed_days(git(folder, "rev-parse", "HEAD"), TASK, period, check_data=True)


def make_pipeline_commit(folder: Path) -> Path:
    """Return a repository whose commit was made while days were sealed, with what an opening needs in the cache."""
    pipeline_copy.copy(folder)
    pipeline_copy.quicken(folder, TASK)
    pipeline_copy.shrink(folder, TASK)
    pipeline_copy.change(
        folder,
        tasks__racing__learner="conditional_logit",
        features__racing__audits=1,
        folds__racing__sealed_days=SEALED_DAYS,
        folds__racing__tune_days=4,
        folds__racing__calibrate_days=5,
    )
    (folder / ".gitignore").write_text("/data/*\n!/data/sample/\n/models/\n/.locks/\n__pycache__/\n")
    assert pipeline_copy.run(folder, "prepare", TASK).returncode == 0
    settings = pipeline_copy.params(folder)["train"][TASK]["conditional_logit"]
    (folder / f"models/{TASK}").mkdir(parents=True)
    (folder / f"models/{TASK}/tuned.json").write_text(json.dumps({"tuned": settings, "default": settings}))
    stages = {
        f"{stage}@{TASK}": {
            "cmd": "true",
            "outs": [promoted_repo.cached(folder, path, (folder / path).read_bytes()) for path in paths],
        }
        for stage, paths in OUTPUTS.items()
    }
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "user.name", "tester")
    git(folder, "config", "user.email", "tester@example.org")
    promoted_repo.commit(folder, "a run")
    return folder


def test_sources_and_word_vectors_that_the_commit_does_not_hold_are_named_by_their_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "commit/stages").mkdir(parents=True)
    (tmp_path / "commit/stages/no_vectors.txt").touch()
    tasks = {"one": {"source": "my", "vectors": "my/vectors.txt"}, "two": {"vectors": "stages/no_vectors.txt"}}
    params = {"tasks": {name: {"source": "/data"} | task for name, task in tasks.items()}}
    for name in tasks:
        sealed_opening._find_source(Path("commit"), params, name)
    assert params["tasks"]["one"] == {"source": str(tmp_path / "my"), "vectors": str(tmp_path / "my/vectors.txt")}
    assert params["tasks"]["two"] == {"source": "/data", "vectors": "stages/no_vectors.txt"}
