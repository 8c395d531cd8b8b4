"""A file of JSON lines that only grows: appended in one write under a lock, and mended where a writer was killed."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.outputs import LOCKS
from core.refusals import Refusal
from experiments.parsed import KEPT

FILE = Path("experiments/ledger.jsonl")
COPY = KEPT.parent / "ledger.jsonl"  # what was seen here, outside git's reach

Line = dict[str, Any]


@contextmanager
def writing() -> Iterator[list[Line]]:
    """Hold the only right to append, mend a torn last line, and yield the lines."""
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / "ledger").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _no_folder(FILE)
        _mend(FILE)
        yield read()


def read() -> list[Line]:
    """Return the lines of the ledger; a last line that a killed writer left unfinished is not one."""
    _no_folder(FILE)
    return together(parse(FILE.read_bytes())) if FILE.exists() else []


def backup() -> list[Line]:
    """Return the lines that were seen here before, whatever has become of the file; a line of it that broke is lost."""
    _no_folder(COPY)
    content = COPY.read_bytes() if COPY.exists() else b""
    return [entry for line in content.decode(errors="replace").split("\n") for entry in _finished(line) or []]


def parse(content: bytes, source: str = str(FILE)) -> list[Line]:
    """Return the lines of a ledger; refuses what is no look and no invalidation, such as the marks of a merge."""
    found: list[Line] = []
    *whole, last = content.decode(errors="replace").split("\n")
    for number, line in enumerate(whole, 1):
        entry = _finished(line) if line.strip() else []
        if entry is None:
            raise Refusal(f"{source}: line {number} {_fault(line)}")
        found += entry
    return found + (_finished(last) or [])


def together(*parts: Sequence[Line]) -> list[Line]:
    """Return the lines of several ledgers, each once, in the order in which they are first met."""
    return [json.loads(text) for text in dict.fromkeys(_text(line) for part in parts for line in part)]


def append(lines: Sequence[Line], held: Sequence[Line]) -> None:
    """Append those of some lines that are not held, in a single write; holds the right that `writing` gives."""
    have = {_text(line) for line in held}
    fresh = "".join(_text(line) + "\n" for line in lines if _text(line) not in have)
    if fresh:
        _write(FILE, fresh)
    if fresh or not COPY.exists():
        COPY.parent.mkdir(parents=True, exist_ok=True)
        draft = COPY.with_suffix(".draft")
        draft.write_text("".join(_text(line) + "\n" for line in together(held, lines)))
        os.replace(draft, COPY)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)


def _mend(path: Path) -> None:
    """End a last line that is whole but for its newline, and cut off one that is torn: its look will be found again."""
    content = path.read_bytes() if path.exists() else b""
    if content and not content.endswith(b"\n"):
        start = content.rfind(b"\n") + 1
        whole = content + b"\n" if _finished(content[start:].decode(errors="replace")) else content[:start]
        draft = path.with_name(f".{path.name}.draft")
        draft.write_bytes(whole)
        os.replace(draft, path)


def _finished(text: str) -> list[Line] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [line] if isinstance(line, dict) and _entry(line) else None


def _entry(line: Line) -> bool:
    """Return whether a line is a look or an invalidation, with all that is read of it."""
    if line.get("kind") == "invalidation":
        return all(isinstance(line.get(key), str) for key in ("hash", "why"))
    named = all(isinstance(line.get(key), str) for key in ("task", "rev"))
    told = all(
        isinstance(line.get(key, 0), str | None) for key in ("data", "experiment", "folds", "predictions", "rows")
    )
    period = {"scored", "from", "to"} <= line.keys()
    return line.get("kind") == "look" and named and told and period and isinstance(line.get("metrics"), dict)


def _fault(line: str) -> str:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return f"is not JSON ({line[:40]!r}); keep both sides of a merge and remove its marks."
    return f"is neither a look nor an invalidation ({line[:40]!r}); mend it, or remove the line."


def _no_folder(path: Path) -> None:
    if path.is_dir():
        raise Refusal(f"{path} is a folder, and a file of JSON lines is needed there; move the folder away.")


def _text(line: Line) -> str:
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))
