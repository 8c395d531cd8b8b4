"""Accounts: what a load was owed and got: the right versions, each row in the log once, no failure of the service."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trueline.benchmarks.load_lab.clients import DEPARTED, Received

BUSY_STATUS = "503"
KILL_SECONDS = 2.0  # before a request is sent on a connection whose worker is already dead
ID_COLUMNS = ("id", "race_id", "player_id")


@dataclass(frozen=True)
class Promotion:
    """When a promotion was asked for and when it was announced (seconds), and the versions by task before and after."""

    asked_at: float
    announced_at: float
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True)
class Accounts:
    """How many requests there were by outcome, and how often the service did what it must not."""

    outcomes: Counter[str]
    faults: dict[str, int]
    logged_unanswered: int  # requests whose client was cut off after its rows were logged

    @property
    def is_clean(self) -> bool:
        """Whether nothing happened that must not."""
        return not any(self.faults.values())


def settle_accounts(
    received: list[Received], rows: Iterable[Mapping[str, Any]], promotion: Promotion, kills: Sequence[float]
) -> Accounts:
    """Return the accounts of a load from what its clients received, the rows of the log, and when workers were killed.

    A request whose worker is killed gets no answer, and may or may not be logged.
    """
    versions_by_id = _group_versions(rows)
    answered = [item for item in received if item.version]
    refused = [item for item in received if item.outcome.isdigit() and item.outcome != "200"]
    cut_off = [item for item in received if not item.outcome.isdigit() and item.outcome != DEPARTED]
    faults = {
        "answers of a version that was not promoted": sum(_is_wrong_version(item, promotion) for item in answered),
        "answers of the old model after its replacement was announced": sum(
            item.sent_at > promotion.announced_at and item.version == promotion.before[item.sent.task]
            for item in answered
        ),
        "different answers of one version to the same content": _count_contradictions(answered),
        "answered rows that are not in the log": sum(_count_missing(item, versions_by_id) for item in answered),
        "rows that are in the log more than once": sum(_count_extra(item, versions_by_id) for item in received),
        "answered rows that are logged with another version": sum(
            version != item.version
            for item in answered
            for name in item.sent.ids
            for version in versions_by_id.get(name, [])
        ),
        "refused rows that are in the log": sum(name in versions_by_id for item in refused for name in item.sent.ids),
        "answers with a status of 5xx other than 503": sum(
            item.outcome.startswith("5") and item.outcome != BUSY_STATUS for item in refused
        ),
        "other unexpected statuses": sum(
            item.outcome not in (str(item.sent.expected_status), BUSY_STATUS) and not item.outcome.startswith("5")
            for item in received
            if item.outcome.isdigit()
        ),
        "requests cut off though no worker had been killed": sum(
            not any(item.sent_at - KILL_SECONDS < killed_at < item.ended_at for killed_at in kills) for item in cut_off
        ),
    }
    logged_unanswered = sum(any(name in versions_by_id for name in item.sent.ids) for item in cut_off)
    return Accounts(Counter(item.outcome for item in received), faults, logged_unanswered)


def _group_versions(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the version of every logged row, by the id of the row."""
    versions_by_id: dict[str, list[str]] = {}
    for row in rows:
        name = next(str(row[column]) for column in ID_COLUMNS if column in row)
        versions_by_id.setdefault(name, []).append(str(row["model"]))
    return versions_by_id


def _is_wrong_version(item: Received, promotion: Promotion) -> bool:
    """Whether a version answered that is neither the former one nor, after it was asked for, the new one."""
    is_new = item.version == promotion.after[item.sent.task] and item.ended_at > promotion.asked_at
    return not is_new and item.version != promotion.before[item.sent.task]


def _count_contradictions(answered: list[Received]) -> int:
    digests: dict[tuple[str, str], set[str]] = {}
    for item in answered:
        digests.setdefault((item.version, item.sent.content), set()).add(item.digest)
    return sum(len(distinct_digests) - 1 for distinct_digests in digests.values())


def _count_missing(item: Received, versions_by_id: Mapping[str, list[str]]) -> int:
    return sum(max(0, item.sent.rows_per_id - len(versions_by_id.get(name, []))) for name in item.sent.ids)


def _count_extra(item: Received, versions_by_id: Mapping[str, list[str]]) -> int:
    return sum(max(0, len(versions_by_id.get(name, [])) - item.sent.rows_per_id) for name in item.sent.ids)
