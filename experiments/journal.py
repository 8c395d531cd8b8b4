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
        _mend(FILE)
        yield read()


def read() -> list[Line]:
    """Return the lines of the ledger; a last line that a killed writer left unfinished is not one."""
    return together(parse(FILE.read_bytes())) if FILE.exists() else []


def backup() -> list[Line]:
    """Return the lines that were seen here before, whatever has become of the file."""
    return parse(COPY.read_bytes()) if COPY.exists() else []


def parse(content: bytes) -> list[Line]:
    """Return the lines of a ledger; refuses what is not JSON, such as the marks of an unresolved merge."""
    found: list[Line] = []
    *whole, last = content.decode(errors="replace").split("\n")
    for number, line in enumerate(whole, 1):
        try:
            found += [json.loads(line)] if line.strip() else []
        except ValueError:
            raise Refusal(
                f"{FILE}: line {number} is not JSON ({line[:40]!r}); keep both sides of a merge and remove its marks."
            ) from None
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
    except ValueError:
        return None
    return [line] if isinstance(line, dict) else None


def _text(line: Line) -> str:
    return json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))
