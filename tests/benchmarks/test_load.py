"""The load finds the service in order, and the accounts find what is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.service import trained_repo
from trueline.benchmarks.load import describe_accounts, main, run_load
from trueline.benchmarks.load_lab.accounts import Promotion, settle_accounts
from trueline.benchmarks.load_lab.clients import Received, Sent
from trueline.core.errors import UserError

PROMOTION = Promotion(10.0, 20.0, {"events": "old"}, {"events": "new"})
SENT = Sent("events", b"", ("a",), content="tea")
ANSWERED = Received(SENT, 1.0, 1.1, "200", "old", "x")
ROW = {"id": "a", "model": "old"}


def test_with_workers_killed_and_a_model_promoted_nothing_is_wrong_lost_or_doubled(tmp_path: Path) -> None:
    repository = trained_repo.repository(tmp_path / "repository")
    accounts, kills = run_load(repository, ("events",), 24.0, 5.0)
    print(describe_accounts(accounts, kills, 24.0))
    assert accounts.faults == dict.fromkeys(accounts.faults, 0)
    assert accounts.outcomes["200"] > 50
    assert accounts.outcomes["422"] > 0
    assert kills > 0


def test_what_is_in_order_is_no_fault() -> None:
    new = replace(ANSWERED, sent_at=21.0, ended_at=21.1, version="new", sent=replace(SENT, ids=("b",)))
    busy = Received(replace(SENT, ids=("c",)), 5.0, 5.1, "503")
    killed = Received(replace(SENT, ids=("d",)), 7.0, 7.3, "IncompleteReadError")
    rows = [ROW, {"id": "b", "model": "new"}, {"id": "d", "model": "old"}]
    accounts = settle_accounts([ANSWERED, new, busy, killed], rows, PROMOTION, [7.2])
    assert accounts.is_clean
    assert accounts.logged_unanswered == 1


@pytest.mark.parametrize(
    ("received", "rows", "fault"),
    [
        (replace(ANSWERED, version="other"), [{"id": "a", "model": "other"}], "answers of a version that was not"),
        (replace(ANSWERED, version="new"), [{"id": "a", "model": "new"}], "answers of a version that was not"),
        (replace(ANSWERED, sent_at=20.5, ended_at=21.0), [ROW], "answers of the old model after"),
        (ANSWERED, [], "answered rows that are not in the log"),
        (ANSWERED, [ROW, ROW], "rows that are in the log more than once"),
        (ANSWERED, [{"id": "a", "model": "new"}], "answered rows that are logged with another version"),
        (Received(SENT, 1.0, 1.1, "503"), [ROW], "refused rows that are in the log"),
        (Received(SENT, 1.0, 1.1, "500"), [], "answers with a status of 5xx"),
        (Received(SENT, 1.0, 1.1, "404"), [], "other unexpected statuses"),
        (Received(SENT, 1.0, 1.1, "ConnectionResetError"), [], "requests cut off though"),
    ],
)
def test_each_fault_is_counted(received: Received, rows: list[dict[str, str]], fault: str) -> None:
    accounts = settle_accounts([received], rows, PROMOTION, [])
    assert [name for name, count in accounts.faults.items() if count] == [
        name for name in accounts.faults if name.startswith(fault)
    ]


def test_one_version_that_answers_the_same_content_differently_contradicts_itself() -> None:
    other = replace(ANSWERED, digest="y", sent=replace(SENT, ids=("b",)))
    accounts = settle_accounts([ANSWERED, other], [ROW, ROW | {"id": "b"}], PROMOTION, [])
    assert accounts.faults["different answers of one version to the same content"] == 1


def test_minutes_that_are_no_number_are_refused() -> None:
    with pytest.raises(UserError, match="'ten' is no number of minutes"):
        main("ten")
