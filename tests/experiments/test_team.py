"""Two people, two clones, one bare repository and one remote: nothing is lost, and nobody merges by hand.

Both do everything at the same time, beside 300 experiments that the repository has already.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.experiments.team_repository import (
    DEPTH,
    L2,
    clone,
    make_team,
    measure_cpu_seconds,
    run,
    run_at_once,
    run_experiments,
)
from tests.promoted_repo import TASK, git
from trueline.experiments.ledger.append_only_file import LEDGER_FILE

EXPERIMENTS = 300
GOAL_CPU_SECONDS = 3.0
PANDAS_CPU_SECONDS = 0.45  # to import pandas, where nothing else runs; what else runs makes all work take longer
ATTEMPTS = 3
NAMES = {"ann": "ANN_DEEP", "bob": "BOB_DEEP"}
L2_BY_PERSON = {"ann": 3.0, "bob": 4.0}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_team(tmp_path_factory.mktemp("team"), tuple(NAMES), EXPERIMENTS)


def run_both(team: Mapping[str, Path], *words: str) -> dict[str, str]:
    """Run a command in both clones at once, NAME being each person's experiment, and return what they print."""
    outputs = run_at_once(
        {team[person]: tuple(word.replace("NAME", name) for word in words) for person, name in NAMES.items()}
    )
    return {person: outputs[team[person]] for person in NAMES}


def read_lines(folder: Path) -> set[str]:
    return set((folder / LEDGER_FILE).read_text().splitlines())


def test_two_people_run_push_pull_note_compare_promote_at_once_and_roll_back(team: dict[str, Path]) -> None:
    ann, bob, hub = team["ann"], team["bob"], team["hub"]
    commands = {
        team[person]: (
            "run", "--task", TASK, "--name", name, "--hypothesis", f"{person} trusts deeper trees",
            "-S", f"{DEPTH}=9", "-S", f"{L2}={L2_BY_PERSON[person]}",
        )
        for person, name in NAMES.items()
    }  # fmt: skip
    outputs = run_at_once(commands)
    assert all(f"{NAMES[person]}: completed" in outputs[team[person]] for person in NAMES), outputs

    for person, output in run_both(team, "note", "NAME", "deeper is better", "--tag", "shared").items():
        assert output.startswith(f"noted on {NAMES[person]}")
        git(team[person], "add", str(LEDGER_FILE))
        git(team[person], "commit", "--quiet", "--message", "what was learned")
        run(team[person], "dvc", "exp", "push", "--quiet", "origin", NAMES[person])
    noted = read_lines(ann) | read_lines(bob)
    git(ann, "push", "--quiet", "origin", "main")
    git(bob, "pull", "--quiet", "--no-edit")
    git(bob, "push", "--quiet", "origin", "main")
    git(ann, "pull", "--quiet")
    for person, other in (("ann", "bob"), ("bob", "ann")):
        run(team[person], "dvc", "exp", "pull", "--quiet", "origin", NAMES[other])
        assert read_lines(team[person]) == noted, "both people's lines, and no other"

    listings = run_both(team, "list", "--tag", "shared", "--json")
    assert len(set(listings.values())) == 1
    experiments = json.loads(listings["ann"])["experiments"]
    assert {record["name"]: record["conclusion"] for record in experiments} == dict.fromkeys(
        NAMES.values(), "deeper is better"
    )
    comparisons = run_both(team, "compare", TASK, "ANN_DEEP", "BOB_DEEP")
    assert comparisons["ann"] == comparisons["bob"]
    assert f"{L2}: 3.0 → 4.0" in comparisons["ann"]
    shown = run_experiments(bob, "show", "ANN_DEEP")
    assert "by:           ann" in shown
    assert f"calibrate@{TASK}" in shown, "what it took ann is known to bob"

    answers = run_both(team, "promote", "NAME", "--push")
    (winner,) = [person for person, answer in answers.items() if "is racing v1.0.0 in prod." in answer]
    (loser,) = NAMES.keys() - {winner}
    assert "someone else has changed the stage and pushed racing-model@v1.0.0 first" in answers[loser], answers
    again = run_experiments(team[loser], "promote", NAMES[loser], "--push", code=1)
    assert f"less that of {NAMES[winner]}" in again
    run_experiments(team[loser], "promote", NAMES[loser], "--push", "--force", "--why", "a trial")
    git(team[winner], "fetch", "--quiet", "--tags")
    run_experiments(team[winner], "rollback", "--push", "--why", "it errs")

    for person in NAMES:
        assert git(team[person], "status", "--porcelain", "--untracked-files=no") in ("", f"M {LEDGER_FILE}")
    visitor = clone(hub, ann.parent / "visitor")
    history = json.loads(run_experiments(visitor, "history", "--json"))
    assert [(period["experiment"], period["version"]) for period in history] == [
        (NAMES[winner], "v1.0.0"),
        (NAMES[loser], "v1.1.0"),
        (NAMES[winner], "v1.0.0"),
    ]
    (promoted,) = json.loads(run_experiments(visitor, "list", "--status", "promoted", "--json"))["experiments"]
    assert (promoted["name"], promoted["conclusion"]) == (NAMES[winner], "deeper is better")


def test_with_300_experiments_every_command_takes_less_than_three_seconds(team: dict[str, Path]) -> None:
    ann = team["ann"]
    run_experiments(ann, "list")  # fills the caches
    commands = {
        "list": 0,
        "list --where l2>2.2": 0,
        "show try-7": 0,
        "best": 0,
        "leaderboard": 0,
        "history": 0,
        "note try-7 penalties-help": 0,
        f"compare {TASK} HEAD HEAD": 0,
        "promote HEAD --dry-run": 1,
        "promote HEAD --stage ATTEMPT --force --why trial": 0,
    }
    busyness = max(measure_cpu_seconds(ann, "-c", "import pandas") / PANDAS_CPU_SECONDS, 1.0)
    goal = GOAL_CPU_SECONDS * busyness
    seconds = {command: measure_least(ann, command, code, goal) for command, code in commands.items()}
    assert max(seconds.values()) < goal, seconds


def measure_least(folder: Path, command: str, code: int, goal: float) -> float:
    """Return the CPU seconds of a command of the registry, the least of some attempts if the first misses the goal."""
    least = float("inf")
    for attempt in range(ATTEMPTS):
        words = command.replace("ATTEMPT", f"trial-{attempt}").split()
        least = min(least, measure_cpu_seconds(folder, "-m", "trueline.experiments", *words, code=code))
        if least < goal:
            break
    return least
