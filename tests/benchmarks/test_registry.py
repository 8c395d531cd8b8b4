"""What a command of the registry does to git does not grow with the number of experiments."""

import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests import promoted_repo
from trueline.benchmarks.registry import COMMANDS
from trueline.benchmarks.registry_lab.scratch_registry import build_ref
from trueline.core.errors import UserError
from trueline.experiments import __main__ as entry
from trueline.experiments.store import file_cache, git

TOY_WORDS = {"SWEEP-7": "one", "SWEEP-8": "two", COMMANDS["list --where"][-1]: "races > 3"}
LEFT_OUT = ("--help", "dashboard")  # which compares the best with up to five others
ARGUMENTS = {
    name: [TOY_WORDS.get(word, word) for word in words] for name, words in COMMANDS.items() if name not in LEFT_OUT
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two experiments."""
    folder = promoted_repo.make_repository(tmp_path_factory.mktemp("registry") / "repository")
    for seed, name in enumerate(("one", "two"), 1):
        promoted_repo.experiment(folder, name, skill=0.6 + seed / 10, seed=seed)
    return folder


def count_git_processes(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return how many git processes a command starts when its caches are empty, and when they are full."""
    monkeypatch.setattr(sys, "argv", ["experiments", *arguments])
    started: list[tuple[str, ...]] = []
    run = git._run_git_process

    def count(*words: str, stdin: bytes | None = None) -> object:
        started.append(words)
        return run(*words, stdin=stdin)

    shutil.rmtree(file_cache.CACHE_FOLDER, ignore_errors=True)
    counts = []
    for _ in range(2):
        started.clear()
        with monkeypatch.context() as context:
            context.setattr(git, "_run_git_process", count)
            # the toy has no settings with which predictions could be compared
            is_rejected = arguments[0] == "compare" and "--html" not in arguments
            with pytest.raises(UserError, match="lacks the setting") if is_rejected else nullcontext():
                entry.main()
        counts.append(len(started))
    return counts[0], counts[1]


def test_no_command_starts_more_git_processes_for_more_experiments(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    with_two = {name: count_git_processes(words, monkeypatch) for name, words in ARGUMENTS.items()}
    assert min(warm for _, warm in with_two.values()) > 0
    assert all(cold >= warm for cold, warm in with_two.values())
    head = promoted_repo.git(repository, "rev-parse", "HEAD")
    for seed in range(3, 12):
        promoted_repo.experiment(repository, f"more-{seed}", skill=0.5, seed=seed)
    assert len(promoted_repo.git(repository, "for-each-ref", build_ref(head, "more-*")).splitlines()) == 9
    with_many = {name: count_git_processes(words, monkeypatch) for name, words in ARGUMENTS.items()}
    assert with_many == with_two
