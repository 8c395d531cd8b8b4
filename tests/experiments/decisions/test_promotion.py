"""Promotion: gates decide, tags in GTO's form record it, and the version in a stage on any day can be looked up."""

import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dvc.repo import Repo
from gto import api
from gto import tag as gto_tag
from scmrepo.exceptions import SCMError

from tests import promoted_repo
from tests.promoted_repo import TASK, git
from trueline.core.errors import UserError
from trueline.experiments.decisions import promotion
from trueline.experiments.decisions.promotion import (
    archive_experiment,
    demote_experiment,
    promote_experiment,
    rollback_stage,
)
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.ledger import ledger
from trueline.experiments.ledger.append_only_file import LEDGER_FILE
from trueline.experiments.store import workspace_tags
from trueline.experiments.store.experiments_index import find_experiment

ROOT = Path(__file__).parents[3]
MODEL = f"{TASK}-model"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    return folder


def get_current_commit(stage: str = "prod") -> str | None:
    """Return the commit that is current in a stage according to GTO."""
    versions = api.find_versions_in_stage(".", MODEL, stage)
    return versions[-1].commit_hexsha if versions else None


def answers(outcome: promotion.PromotionOutcome) -> dict[str, bool]:
    return {gate.name: gate.passed for gate in outcome.gates}


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-m", "trueline.experiments", *words]
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_a_better_experiment_is_registered_and_assigned_on_its_own_commit(repository: Path) -> None:
    rev = promoted_repo.experiment(repository, "sharp", skill=1.0)
    outcome = promote_experiment(find_experiment("sharp"))
    assert outcome.tags == (f"{MODEL}@v1.0.0", f"{MODEL}#prod#1")
    assert set(answers(outcome)) == {
        "valid", "outputs", "leaks", "score audit", "believable", "interval", "baselines", "bias", "noise",
    }  # fmt: skip
    assert get_current_commit() == rev == git(repository, "rev-parse", f"{MODEL}@v1.0.0^{{commit}}")
    assert find_experiment("sharp").status == "promoted"
    message = git(repository, "tag", "--list", f"{MODEL}#prod#1", "--format=%(contents)")
    assert "passed   noise: Log loss per race less that of the baseline" in message
    with pytest.raises(UserError, match=r"sharp is in prod already, as racing-model@v1\.0\.0"):
        promote_experiment(find_experiment("sharp"))


def test_scores_that_are_not_believable_stop_and_doubtful_ones_pass_only_if_it_is_said(repository: Path) -> None:
    promoted_repo.experiment(repository, "lie", skill=1.0, believable="no")
    assert promote_experiment(find_experiment("lie"), accept_doubt=True).stopped == ["believable"]
    promoted_repo.experiment(repository, "unclear", skill=1.0, believable="doubtful")
    stopped = promote_experiment(find_experiment("unclear"))
    assert stopped.stopped == ["believable"]
    assert not stopped.tags
    assert promote_experiment(find_experiment("unclear"), accept_doubt=True).tags
    message = git(repository, "tag", "--list", f"{MODEL}#prod#1", "--format=%(contents)")
    assert "passed   believable: Doubtful: too_good: R² is beyond belief. Accepted all the same." in message


def test_what_luck_explains_is_stopped_by_command_and_nothing_is_tagged(repository: Path) -> None:
    promoted_repo.experiment(repository, "lucky", skill=0.0, seed=2)
    done = command(repository, "promote", "lucky")
    assert done.returncode == 1
    assert "stopped  noise" in done.stdout
    assert done.stderr.strip() == "experiments: lucky is stopped by noise; nothing was tagged."
    assert git(repository, "tag") == ""
    refused = command(repository, "promote", "lucky", "--force")
    assert refused.stderr.startswith("experiments: --force needs --why")


def test_the_best_of_twenty_without_skill_is_held_against_all_that_were_looked_at(repository: Path) -> None:
    promoted_repo.experiment(repository, "stands", skill=0.8, seed=99)
    promote_experiment(find_experiment("stands"))
    losses = {}
    for seed in range(1, 21):
        promoted_repo.experiment(repository, f"try-{seed}", skill=0.8, seed=seed)
        table = promoted_repo.predictions(0.8, seed)
        losses[f"try-{seed}"] = -np.log(table["tuned"][table["target"] == 1]).mean()
    outcome = promote_experiment(find_experiment(min(losses, key=lambda name: losses[name])))
    assert outcome.gates[-1].figures["looks"] == 22, "twenty tries, the current model, and the baseline"
    assert outcome.stopped == ["noise"]
    assert workspace_tags.get_current_assignments() == {find_experiment("stands").rev: "promoted"}


def test_a_first_promotion_is_judged_against_what_is_committed_too(repository: Path) -> None:
    promoted_repo.write(repository, skill=1.0, seed=5)
    promoted_repo.commit(repository, "a good model, in no stage")
    promoted_repo.experiment(repository, "twin", skill=1.0, seed=6)
    outcome = promote_experiment(find_experiment("twin"))
    assert outcome.stopped == ["noise"]
    sentence = outcome.gates[-1].sentence
    assert "less that of the baseline" in sentence
    assert f"less that of what is committed ({git(repository, 'rev-parse', 'HEAD')[:7]})" in sentence
    assert promote_experiment(find_experiment("HEAD")).tags, "the commit itself has only the baseline to beat"


def test_what_stands_in_a_stage_is_an_experiment_by_its_tag_alone(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rev = promoted_repo.experiment(repository, "sharp", skill=1.0)
    promote_experiment(find_experiment("sharp"))
    git(repository, "update-ref", "-d", f"refs/exps/{git(repository, 'rev-parse', 'HEAD')[:2]}/"
        f"{git(repository, 'rev-parse', 'HEAD')[2:]}/sharp")  # fmt: skip
    git(repository, "clone", "--quiet", str(repository), str(tmp_path / "clone"))
    for folder in (repository, tmp_path / "clone"):
        monkeypatch.chdir(folder)
        (promoted,) = Registry().list(status="promoted")
        assert (promoted.name, promoted.rev, promoted.tasks) == ("sharp", rev, (TASK,))
        assert promoted.scores[TASK]["log_loss"] == 1.4
        assert Registry().show_experiment("sharp")["experiment"].rev == rev
        assert Registry().best(task=TASK).experiment.rev == rev


def test_a_promotion_takes_no_longer_for_all_those_before_it(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_every_commit(*_: Any, **__: Any) -> None:
        raise AssertionError("GTO reads the files of each commit that has a tag")

    with monkeypatch.context() as context:
        context.setattr("gto.index.RepoIndexManager.from_scm", read_every_commit)
        for name in ("first", "second"):
            promoted_repo.experiment(repository, name, skill=1.0, seed=len(name))
            assert len(promote_experiment(find_experiment(name), force="a trial").tags) == 2
        assert len(rollback_stage(TASK)[1]) == 2
    assert newest_in("prod") == find_experiment("first").rev


@pytest.mark.parametrize(("remote", "reason"), [("away", "does not appear to be a git repository"), ("strict", "none")])
def test_tags_that_a_remote_does_not_take_stay_here_and_why_is_said(
    repository: Path, tmp_path: Path, remote: str, reason: str
) -> None:
    promoted_repo.experiment(repository, "sharp", skill=1.0)
    git(tmp_path, "init", "--quiet", "--bare", "strict")
    hook = tmp_path / "strict/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho none of these tags >&2\nexit 1\n")
    hook.chmod(0o755)
    git(repository, "remote", "add", "origin", str(tmp_path / remote))
    process = command(repository, "promote", "sharp", "--push")
    assert process.returncode == 1
    assert "origin did not take the tags (" in process.stderr
    assert reason in process.stderr.partition("), which stay here: racing-model@v1.0.0, racing-model#prod#1")[0]
    assert git(repository, "tag").splitlines() == ["racing-model#prod#1", "racing-model@v1.0.0"]


def test_an_override_is_kept_in_the_tag_and_told_by_history(repository: Path) -> None:
    promoted_repo.experiment(repository, "lucky", skill=0.0, seed=2)
    outcome = promote_experiment(find_experiment("lucky"), force="the old one\nis broken")
    assert outcome.stopped == ["noise"]
    message = git(repository, "tag", "--list", f"{MODEL}@v1.0.0", "--format=%(contents)")
    assert "stopped  noise" in message
    assert "Forced: the old one is broken" in message.splitlines()
    history = json.loads(command(repository, "history", "--json").stdout)
    assert [(each["version"], each["experiment"], each["forced"]) for each in history] == [
        ("v1.0.0", "lucky", "the old one is broken")
    ]


def test_a_reason_is_not_kept_where_no_gate_had_to_be_overridden(repository: Path) -> None:
    promoted_repo.experiment(repository, "sharp", skill=1.0)
    assert promote_experiment(find_experiment("sharp"), force="to be sure").forced is None
    assert "Forced:" not in git(repository, "tag", "--list", "--format=%(contents)")


def test_asking_the_gates_dry_tags_nothing(repository: Path) -> None:
    promoted_repo.experiment(repository, "sharp", skill=1.0)
    assert promote_experiment(find_experiment("sharp"), dry_run=True).stopped == []
    assert git(repository, "tag") == ""
    assert git(repository, "status", "--porcelain", "--untracked-files=no") == ""
    assert not LEDGER_FILE.exists()
    promote_experiment(find_experiment("sharp"))
    assert LEDGER_FILE.exists()


def test_the_next_is_weighed_against_what_stands_and_rollback_goes_back(repository: Path) -> None:
    first = promoted_repo.experiment(repository, "first", skill=0.7)
    second = promoted_repo.experiment(repository, "second", skill=0.7, seed=3)
    third = promoted_repo.experiment(repository, "third", skill=-1.0, seed=4)
    promote_experiment(find_experiment("first"))
    twin = promote_experiment(find_experiment("second"))
    assert twin.stopped == ["noise"]
    assert "less that of first" in str(twin.gates[-1])
    assert promote_experiment(find_experiment("second"), force="a trial").version == "v1.1.0"
    assert promote_experiment(find_experiment("third"), force="a mistake").version == "v1.2.0"
    assert get_current_commit() == third
    back, _ = rollback_stage(TASK, why="it errs")
    assert back.rev == second == get_current_commit()
    rollback_stage(TASK)
    assert get_current_commit() == first
    with pytest.raises(UserError, match="prod of racing has no earlier model to restore; first is current"):
        rollback_stage(TASK)
    assert [find_experiment(name).status for name in ("first", "second", "third")] == [
        "promoted",
        "completed",
        "completed",
    ]


def test_out_of_a_stage_nothing_stands_and_what_is_archived_says_so(repository: Path) -> None:
    promoted_repo.experiment(repository, "first", skill=0.7)
    rev = promoted_repo.experiment(repository, "second", skill=1.2)
    promote_experiment(find_experiment("first"))
    promote_experiment(find_experiment("second"), force="a trial")
    with pytest.raises(UserError, match="first is not in prod of racing; second is current"):
        demote_experiment(find_experiment("first"))
    with pytest.raises(UserError, match="second is in prod of racing; demote it or roll back first"):
        archive_experiment(find_experiment("second"))
    demote_experiment(find_experiment("second"), why="the season is over")
    assert get_current_commit() is None
    assert [find_experiment(name).status for name in ("first", "second")] == ["completed", "completed"]
    archive_experiment(find_experiment("second"))
    assert workspace_tags.get_current_assignments() == {rev: "archived"}
    assert find_experiment("second").status == "archived"
    promote_experiment(find_experiment("second"), force="back from the shelf")
    assert workspace_tags.get_current_assignments() == {rev: "promoted"}


def test_what_was_archived_is_passed_over_and_archiving_it_leaves_the_stage_alone(repository: Path) -> None:
    revs = {name: promoted_repo.experiment(repository, name, skill=1.0, seed=ord(name)) for name in "abc"}
    for name in "abc":
        promote_experiment(find_experiment(name), force="a trial")
    archive_experiment(find_experiment("b"))
    with pytest.raises(UserError, match="b is archived already"):
        archive_experiment(find_experiment("b"))
    assert get_current_commit() == last_tagged() == revs["c"]
    assert workspace_tags.get_current_assignments() == {revs["b"]: "archived", revs["c"]: "promoted"}
    assert rollback_stage(TASK)[0].rev == revs["a"]
    assert get_current_commit() == last_tagged() == revs["a"]


def last_tagged() -> str:
    """Return the commit that DVC delivers: that of the stage's last tag."""
    with Repo(".") as repo:
        return str(repo.artifacts.get_rev(MODEL, stage="prod"))


def test_a_commit_keeps_its_version_and_a_version_its_commit(repository: Path) -> None:
    promoted_repo.experiment(repository, "first", skill=0.7)
    promoted_repo.experiment(repository, "second", skill=0.7, seed=5)
    promote_experiment(find_experiment("first"), version="v2.1.0")
    assert promote_experiment(find_experiment("first"), "shadow").tags == (f"{MODEL}#shadow#2",)
    with pytest.raises(UserError, match=r"registered as v2\.1\.0 already"):
        promote_experiment(find_experiment("first"), "other", version="2.2.0")
    with pytest.raises(UserError, match=r"racing-model@v2\.1\.0 is commit"):
        promote_experiment(find_experiment("second"), version="v2.1.0")
    with pytest.raises(UserError, match="is not a version"):
        promote_experiment(find_experiment("second"), version="latest")
    assert promote_experiment(find_experiment("second"), dry_run=True).version == "v2.2.0"


def test_an_output_that_is_nowhere_stops_and_one_in_the_remote_does_not(repository: Path, tmp_path: Path) -> None:
    promoted_repo.experiment(repository, "sharp", skill=1.0)
    lock = git(repository, "show", f"{find_experiment('sharp').rev}:dvc.lock")
    calibrator = next(
        line.split()[-1] for line in lock.split("path: models/racing/calibrator.json")[1].splitlines()[2:]
    )
    there = promoted_repo.place(repository, calibrator)
    elsewhere = promoted_repo.place(tmp_path / "remote", calibrator)
    there.rename(tmp_path / "kept")
    stopped = promote_experiment(find_experiment("sharp"), dry_run=True)
    assert stopped.stopped == ["outputs"]
    assert "models/racing/calibrator.json" in str(stopped.gates[1])
    remote = tmp_path / "remote/.dvc/cache"
    elsewhere.parent.mkdir(parents=True)
    (tmp_path / "kept").rename(elsewhere)
    (repository / ".dvc/config.local").write_text(
        f"[core]\n    remote = near\n['remote \"near\"']\n    url = {remote}\n"
    )
    assert promote_experiment(find_experiment("sharp"), dry_run=True).stopped == []


def test_what_descends_from_invalid_data_is_stopped_and_not_gone_back_to(repository: Path) -> None:
    promoted_repo.experiment(repository, "first", skill=0.5)
    promoted_repo.experiment(repository, "second", skill=1.5, seed=2)
    promote_experiment(find_experiment("first"))
    promote_experiment(find_experiment("second"), force="a trial")
    lock = git(repository, "show", f"{find_experiment('first').rev}:dvc.lock")
    ledger.invalidate_data(
        next(line.split()[-1] for line in lock.splitlines() if "md5: " in line), "scores were of friendlies"
    )
    assert promote_experiment(find_experiment("first"), "shadow", dry_run=True).stopped == ["valid"]
    with pytest.raises(UserError, match="has no earlier model to restore"):
        rollback_stage(TASK)


def test_a_revision_is_remembered_by_its_commit(repository: Path) -> None:
    promoted_repo.write(repository, skill=1.0, seed=1)
    rev = promoted_repo.commit(repository, "merged")
    assert promote_experiment(find_experiment("HEAD")).experiment == rev[:7]
    assert workspace_tags.read_events()[-1].experiment == rev[:7]


def test_who_has_no_results_is_rejected(repository: Path) -> None:
    git(repository, "rm", "--quiet", "-r", "metrics")
    promoted_repo.commit(repository, "no metrics")
    with pytest.raises(UserError, match="has no results"):
        promote_experiment(find_experiment("HEAD"))
    with pytest.raises(UserError, match="has no results of 'props', only of racing"):
        promote_experiment(find_experiment("HEAD~1"), task="props")


def make_tag(folder: Path, name: str, at: str, rev: str = "HEAD", message: str = "by hand") -> None:
    git(folder, "tag", "--annotate", name, rev, "--message", message, GIT_COMMITTER_DATE=at)


def test_which_version_stood_in_production_on_a_date_is_told(repository: Path) -> None:
    revs = [git(repository, "rev-parse", "HEAD"), promoted_repo.commit(repository, "second")]
    make_tag(repository, f"{MODEL}@v1.0.0", "2026-01-05T10:00:00+0000", revs[0])
    make_tag(repository, f"{MODEL}#prod#1", "2026-01-05T10:00:00+0000", revs[0], "into prod\n\nExperiment: weekly")
    make_tag(repository, f"{MODEL}@v1.1.0", "2026-02-01T12:00:00+0000", revs[1])
    make_tag(repository, f"{MODEL}#prod#2", "2026-02-01T12:00:00+0000", revs[1])
    make_tag(repository, f"{MODEL}#prod!#3", "2026-02-03T09:00:00+0000", revs[1])
    make_tag(repository, f"{MODEL}#prod!#4", "2026-02-05T09:00:00+0000", revs[0])

    def versions(*on: str) -> list[str]:
        found = json.loads(
            command(repository, "history", "--task", TASK, "--json", *(f"--on={day}" for day in on)).stdout
        )
        return [each["version"] for each in found]

    assert versions() == ["v1.0.0", "v1.1.0", "v1.0.0"], (
        "the earlier one is current again when the later one is taken out"
    )
    assert versions("2026-01-04") == []
    assert versions("2026-02-01") == ["v1.0.0", "v1.1.0"], "both stood there on that day"
    assert versions("2026-02-01T12:00") == ["v1.1.0"]
    assert versions("2026-02-04") == ["v1.0.0"]
    assert versions("2026-03-01") == []
    line = command(repository, "history", "--on", "2026-01-07").stdout
    assert line.startswith("2026-01-05 10:00 to 2026-02-01 12:00  prod  racing-model@v1.0.0  weekly (")
    assert command(repository, "history", "--on", "yesterday").stderr.startswith("experiments: --on got 'yesterday'")


@pytest.mark.parametrize("seed", range(2))
def test_whatever_the_tags_they_are_read_as_gto_reads_them(repository: Path, seed: int) -> None:
    chance = random.Random(seed)
    revs = [promoted_repo.commit(repository, f"commit {number}") for number in range(3)]
    for number, rev in enumerate(revs):
        make_tag(repository, f"{MODEL}@v1.{number}.0", "2026-01-01T00:00:00+0000", rev)
    for number in range(1, 13):
        at = datetime(2026, 1, 1, number, tzinfo=UTC).isoformat()
        stage, rev = chance.choice(["prod", "prod", "shadow"]), chance.choice(revs)
        inside = {each.rev for each in workspace_tags.list_assigned_commits(workspace_tags.read_events(), TASK, stage)}
        out = "!" if rev in inside and chance.random() < 0.5 else ""
        make_tag(repository, f"{MODEL}#{stage}{out}#{number}", at, rev)
        for each in ("prod", "shadow"):
            assigned = workspace_tags.list_assigned_commits(workspace_tags.read_events(), TASK, each)
            assert (assigned[-1].rev if assigned else None) == newest_in(each), f"{stage}{out} of {rev} as tag {number}"
            last = workspace_tags.list_stage_periods(workspace_tags.read_events(), TASK, each)[-1:]
            assert [period.event.rev for period in last if period.until is None] == [
                event.rev for event in assigned[-1:]
            ]


def newest_in(stage: str) -> str | None:
    versions: list[Any] = api.find_versions_in_stage(".", MODEL, stage, versions_per_stage=-1) or []
    newest = max(versions, key=lambda version: version.activated_at, default=None)
    return newest.commit_hexsha if newest else None


def test_a_tag_dated_ahead_of_the_clock_is_rejected_and_not_waited_for(repository: Path) -> None:
    promoted_repo.experiment(repository, "sharp", skill=1.0)
    make_tag(repository, f"{MODEL}@v1.0.0", "2090-01-01T00:00:00+0000")
    with pytest.raises(UserError, match="ahead; set the clock"):
        promote_experiment(find_experiment("sharp"))
    assert git(repository, "tag") == f"{MODEL}@v1.0.0", "the version made for it is taken back"


@pytest.mark.parametrize("stage", ["Prod", "eu/prod", "prod!", "-prod", "prod_", "", "a b", "prod\n"])
def test_a_stage_that_no_tag_could_name_is_rejected_before_the_gates(repository: Path, stage: str) -> None:
    promoted_repo.experiment(repository, "lucky", skill=0.0, seed=2)
    experiment = find_experiment("lucky")
    for dry, force in ((True, None), (False, "a trial")):
        with pytest.raises(UserError, match="cannot be a stage; use lowercase letters and digits"):
            promote_experiment(experiment, stage, force, dry_run=dry)
    with pytest.raises(UserError, match="cannot be a stage"):
        demote_experiment(experiment, stage)
    with pytest.raises(UserError, match="cannot be a stage"):
        rollback_stage(TASK, stage)
    assert git(repository, "tag") == ""


@pytest.mark.parametrize("stage", ["p", "9", "eu-prod_2"])
def test_a_stage_that_is_taken_is_read_back(repository: Path, stage: str) -> None:
    promoted_repo.experiment(repository, "sharp", skill=1.0)
    assert promote_experiment(find_experiment("sharp"), stage).promoted
    assert [
        event.experiment for event in workspace_tags.list_assigned_commits(workspace_tags.read_events(), TASK, stage)
    ] == ["sharp"]


def test_where_a_later_tag_fails_those_already_made_are_taken_back(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revs = {name: promoted_repo.experiment(repository, name, skill=1.0, seed=ord(name)) for name in "ab"}
    for name in revs:
        promote_experiment(find_experiment(name), force="a trial")
    promoted_repo.experiment(repository, "c", skill=1.0, seed=7)
    before = git(repository, "tag")

    create_tag = gto_tag.create_tag

    def fail(scm: Any, name: str, rev: str, message: str) -> None:
        if "#prod#" in name:
            raise SCMError("disk full")
        create_tag(scm, name, rev, message)

    monkeypatch.setattr(gto_tag, "create_tag", fail)
    with pytest.raises(UserError, match=r"^no tag was made: disk full; run it again"):
        promote_experiment(find_experiment("c"), force="a trial")
    with pytest.raises(UserError, match=r"^no tag was made: disk full; run it again"):
        rollback_stage(TASK)
    assert git(repository, "tag") == before
    assert get_current_commit() == revs["b"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--on", "9999-12-31"], "--on got '9999-12-31', where the calendar ends; give an earlier day"),
        (["--task", "racin"], "there is no task 'racin'; did you mean 'racing'? Allowed: racing."),
        (["--stage", "Prod"], "'Prod' cannot be a stage"),
    ],
)
def test_what_history_cannot_be_asked_is_rejected_in_one_sentence(
    repository: Path, words: list[str], message: str
) -> None:
    process = command(repository, "history", *words)
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.startswith(f"experiments: {message}")
    assert command(repository, "history", "--task", TASK).stdout == "Nothing was in prod.\n"
