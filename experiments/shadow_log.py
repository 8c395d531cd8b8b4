"""Shadow log: what a champion and its challenger answered to the same requests, as the service wrote it down.

`<log>/<task>/*.jsonl` holds the champion's rows and `<log>/<task>/shadow/*.jsonl` the challenger's, a JSON object a
line: `model` (the version that answered), `created_at` (UTC), `role` (champion or shadow), `request` (its name) and
`place` (of the row in it), which bring the two together, besides what the task logs (`predicted` and its keys).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import lines
from core.refusals import Refusal

SHADOW = "shadow"
Row = dict[str, Any]
Both = tuple[Row, Row]  # champion, challenger
Versions = tuple[str, str]  # likewise


@dataclass(frozen=True)
class Asked:
    """Requests that two versions answered, each with its rows in order."""

    champion: str
    challenger: str
    requests: list[list[Both]]
    alone: int  # requests meanwhile that only the champion answered: dropped, failed, or not whole
    others: dict[Versions, int]  # earlier champions and challengers, with the requests that both answered

    @property
    def rows(self) -> list[Both]:
        """Every row that both answered."""
        return [row for request in self.requests for row in request]


def read(log: Path, task: str) -> Asked:
    """Return what the latest champion and challenger of a task both answered; refuse a log without such requests."""
    champion, challenger = (_requests(lines.read(folder)) for folder in (log / task, log / task / SHADOW))
    both = [_side_by_side(champion[name], challenger[name]) for name in champion if name in challenger]
    whole = [request for request in both if request]
    if not whole:
        raise Refusal(
            f"{log / task} holds no request that a champion and a shadow both answered; start the service with "
            f"--shadow {task}-model#staging, or name its log with --log."
        )
    counts = Counter(_versions(request) for request in whole)
    latest = _versions(max(whole, key=_moment))
    kept = sorted((request for request in whole if _versions(request) == latest), key=_moment)
    first, last = _moment(kept[0]), _moment(kept[-1])
    meanwhile = sum(
        rows[0].get("model") == latest[0] and first <= _stamp(rows[0]) <= last for rows in champion.values()
    )
    others = {versions: count for versions, count in counts.items() if versions != latest}
    return Asked(*latest, kept, meanwhile - len(kept), others)


def _requests(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if (
            isinstance(row.get("request"), str)
            and isinstance(row.get("place"), int)
            and row.get("predicted") is not None
        ):
            found.setdefault(row["request"], []).append(row)
    return {name: sorted(rows, key=lambda row: row["place"]) for name, rows in found.items()}


def _side_by_side(champion: list[Row], challenger: list[Row]) -> list[Both]:
    """Return the rows of a request in pairs; none where a row is missing on either side."""
    places = [[row["place"] for row in rows] for rows in (champion, challenger)]
    whole = places[0] == places[1] == list(range(len(champion)))
    return list(zip(champion, challenger, strict=True)) if whole else []


def _versions(request: list[Both]) -> Versions:
    champion, challenger = request[0]
    return str(champion.get("model")), str(challenger.get("model"))


def _moment(request: list[Both]) -> str:
    return _stamp(request[0][0])


def _stamp(row: Row) -> str:
    return str(row.get("created_at", ""))
