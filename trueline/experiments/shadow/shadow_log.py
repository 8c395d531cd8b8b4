"""Read the service's shadow log: the answers of a champion and its challenger to the same requests.

`<log>/<task>/*.jsonl` holds the champion's rows and `<log>/<task>/shadow/*.jsonl` the challenger's, one JSON object a
line: `model` (the version that answered), `created_at` (UTC), `role` (champion or shadow), and what the task logs
(`predicted` and its keys). `request` (its id) and `place` (the row's index in it) pair the two.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueline.core import jsonl
from trueline.core.errors import UserError

SHADOW_FOLDER = "shadow"
Row = dict[str, Any]
RowPair = tuple[Row, Row]  # champion, challenger
VersionPair = tuple[str, str]  # champion, challenger


@dataclass(frozen=True)
class ShadowedRequests:
    """Requests that both versions answered, each with its rows in order."""

    champion: str
    challenger: str
    requests: list[list[RowPair]]
    champion_only: int  # requests in the same period that only the champion answered: dropped, failed or incomplete
    earlier_pairs: dict[VersionPair, int]  # earlier version pairs, with the number of requests that both answered

    @property
    def rows(self) -> list[RowPair]:
        """Every row that both answered."""
        return [row for request in self.requests for row in request]


def read_shadow_log(log: Path, task: str) -> ShadowedRequests:
    """Return the requests that the latest champion and challenger of a task both answered.

    Raises UserError if the log has none.
    """
    champion, challenger = (
        _group_by_request(jsonl.read_json_lines(folder)) for folder in (log / task, log / task / SHADOW_FOLDER)
    )
    paired = [_align_rows(champion[name], challenger[name]) for name in champion if name in challenger]
    complete = [request for request in paired if request]
    if not complete:
        raise UserError(
            f"{log / task} holds no request that a champion and a shadow both answered; start the service with "
            f"--shadow {task}-model#staging, or give the folder of its log with --log."
        )
    counts = Counter(_get_versions(request) for request in complete)
    latest_versions = _get_versions(max(complete, key=_get_request_time))
    latest_requests = sorted(
        (request for request in complete if _get_versions(request) == latest_versions), key=_get_request_time
    )
    first_time, last_time = _get_request_time(latest_requests[0]), _get_request_time(latest_requests[-1])
    champion_count = sum(
        rows[0].get("model") == latest_versions[0] and first_time <= _get_row_time(rows[0]) <= last_time
        for rows in champion.values()
    )
    earlier_pairs = {versions: count for versions, count in counts.items() if versions != latest_versions}
    return ShadowedRequests(*latest_versions, latest_requests, champion_count - len(latest_requests), earlier_pairs)


def _group_by_request(rows: Iterable[Row]) -> dict[str, list[Row]]:
    by_request: dict[str, list[Row]] = {}
    for row in rows:
        if (
            isinstance(row.get("request"), str)
            and isinstance(row.get("place"), int)
            and row.get("predicted") is not None
        ):
            by_request.setdefault(row["request"], []).append(row)
    return {name: sorted(rows, key=lambda row: row["place"]) for name, rows in by_request.items()}


def _align_rows(champion: list[Row], challenger: list[Row]) -> list[RowPair]:
    """Return the rows of a request in pairs; empty if either side lacks a row."""
    positions = [[row["place"] for row in rows] for rows in (champion, challenger)]
    is_complete = positions[0] == positions[1] == list(range(len(champion)))
    return list(zip(champion, challenger, strict=True)) if is_complete else []


def _get_versions(request: list[RowPair]) -> VersionPair:
    champion, challenger = request[0]
    return str(champion.get("model")), str(challenger.get("model"))


def _get_request_time(request: list[RowPair]) -> str:
    return _get_row_time(request[0][0])


def _get_row_time(row: Row) -> str:
    return str(row.get("created_at", ""))
