"""The ledger file: JSON lines, appended in a single write under a lock; a line torn by a killed writer is repaired."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import lock_outputs
from trueline.experiments.store.file_cache import CACHE_FOLDER

LEDGER_FILE = Path("experiments/ledger.jsonl")
BACKUP_FILE = CACHE_FOLDER.parent / "ledger.jsonl"  # a local copy that git commands do not touch
LOCK_NAME = "ledger"

LedgerLine = dict[str, Any]


@contextmanager
def lock_ledger() -> Iterator[list[LedgerLine]]:
    """Lock the ledger for appending, repair a torn last line, and yield its lines."""
    with lock_outputs(LOCK_NAME):
        _reject_folder(LEDGER_FILE)
        _repair_last_line(LEDGER_FILE)
        yield read_ledger()


def read_ledger() -> list[LedgerLine]:
    """Return the lines of the ledger, without a last line that a killed writer left unfinished."""
    _reject_folder(LEDGER_FILE)
    return merge_lines(parse_ledger(LEDGER_FILE.read_bytes())) if LEDGER_FILE.exists() else []


def read_backup() -> list[LedgerLine]:
    """Return the lines of the local copy, which outlives any change of the ledger file; broken lines are skipped."""
    _reject_folder(BACKUP_FILE)
    content = BACKUP_FILE.read_bytes() if BACKUP_FILE.exists() else b""
    return [entry for line in content.decode(errors="replace").split("\n") for entry in _parse_line(line) or []]


def parse_ledger(content: bytes, source: str = str(LEDGER_FILE)) -> list[LedgerLine]:
    """Return the lines of a ledger.

    Raises UserError, with the line number, for a line that is neither an evaluation nor an invalidation, such as a
    merge marker.
    """
    entries: list[LedgerLine] = []
    *complete_lines, last_line = content.decode(errors="replace").split("\n")
    for number, line in enumerate(complete_lines, 1):
        entry = _parse_line(line) if line.strip() else []
        if entry is None:
            raise UserError(f"{source}: line {number} {_describe_fault(line)}")
        entries += entry
    return entries + (_parse_line(last_line) or [])


def merge_lines(*line_lists: Sequence[LedgerLine]) -> list[LedgerLine]:
    """Return the distinct lines of several ledgers, in the order in which they first occur."""
    texts = dict.fromkeys(_format_line(line) for lines in line_lists for line in lines)
    return [json.loads(text) for text in texts]


def append_lines(lines: Sequence[LedgerLine], recorded: Sequence[LedgerLine]) -> None:
    """Append the lines that are not yet recorded, in a single write, and update the local copy.

    The caller must hold the lock of `lock_ledger`.
    """
    recorded_texts = {_format_line(line) for line in recorded}
    new_text = "".join(_format_line(line) + "\n" for line in lines if _format_line(line) not in recorded_texts)
    if new_text:
        _append_text(LEDGER_FILE, new_text)
    _store_backup(merge_lines(recorded, lines))


def remember_lines(lines: Sequence[LedgerLine]) -> None:
    """Add lines to the local copy, and leave the ledger as it is; raises OSError if the copy cannot be written."""
    with lock_outputs(LOCK_NAME):
        _store_backup(merge_lines(read_backup(), lines))


def _store_backup(lines: Sequence[LedgerLine]) -> None:
    """Replace the local copy, unless it holds these lines already."""
    text = "".join(_format_line(line) + "\n" for line in lines)
    if BACKUP_FILE.exists() and BACKUP_FILE.read_bytes() == text.encode():
        return
    BACKUP_FILE.parent.mkdir(parents=True, exist_ok=True)
    draft = BACKUP_FILE.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, BACKUP_FILE)


def _append_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)


def _repair_last_line(path: Path) -> None:
    """Add the newline that a complete last line lacks; cut off a torn one, whose evaluation will be found again."""
    content = path.read_bytes() if path.exists() else b""
    if content and not content.endswith(b"\n"):
        start = content.rfind(b"\n") + 1
        repaired = content + b"\n" if _parse_line(content[start:].decode(errors="replace")) else content[:start]
        draft = path.with_name(f".{path.name}.draft")
        draft.write_bytes(repaired)
        os.replace(draft, path)


def _parse_line(text: str) -> list[LedgerLine] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [line] if isinstance(line, dict) and _is_valid_line(line) else None


def _is_valid_line(line: LedgerLine) -> bool:
    """Return whether a line is an evaluation, an opening, a note, a cost or an invalidation, with all that is read."""
    if line.get("kind") == "cost":
        has_ids = all(isinstance(line.get(key), str) for key in ("rev", "experiment", "task"))
        stages = line.get("stages")
        return has_ids and isinstance(stages, dict) and all(isinstance(cost, dict) for cost in stages.values())
    if line.get("kind") == "note":
        has_tags = isinstance(line.get("tags"), list) and all(isinstance(tag, str) for tag in line["tags"])
        return has_tags and all(isinstance(line.get(key), str) for key in ("rev", "experiment", "by", "text"))
    if line.get("kind") == "invalidation":
        return all(isinstance(line.get(key), str) for key in ("hash", "why"))
    if line.get("kind") == "sealed_opened":
        return all(isinstance(line.get(key), str) for key in ("task", "experiment", "rev", "from", "to"))
    has_ids = all(isinstance(line.get(key), str) for key in ("task", "rev"))
    has_valid_fields = all(
        isinstance(line.get(key, 0), str | None) for key in ("data", "experiment", "folds", "predictions", "rows")
    ) and isinstance(line.get("origins"), str | None)  # older lines have no origins
    has_period = {"scored", "from", "to"} <= line.keys()
    return (
        line.get("kind") == "look"
        and has_ids
        and has_valid_fields
        and has_period
        and isinstance(line.get("metrics"), dict)
    )


def _describe_fault(line: str) -> str:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return (
            f"is not JSON ({line[:40]!r}); after a merge, keep the lines of both sides and remove the conflict markers."
        )
    return f"is neither an evaluation nor an invalidation ({line[:40]!r}); correct or remove the line."


def _reject_folder(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder, but must be a file of JSON lines; move the folder away.")


def _format_line(line: LedgerLine) -> str:
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))
