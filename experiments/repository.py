"""Git, read in bulk: the experiments' commits, and files of any commit, each in one process however many there are."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.refusals import Refusal

EXPERIMENTS = "refs/exps"  # DVC keeps an experiment as refs/exps/<2>/<38 digits of its baseline>/<name>
SHA = 40  # hexadecimal digits of a commit


@dataclass(frozen=True)
class Ref:
    """An experiment as git knows it: a commit with a name, made from a baseline."""

    name: str
    rev: str
    baseline: str
    created: datetime


def refs() -> list[Ref]:
    """Return the experiments of all baselines; DVC's own notes under refs/exps (queue, stash) are left out."""
    form = "%(objectname) %(committerdate:iso-strict) %(refname)"
    found = (line.split(" ", 2) for line in git("for-each-ref", f"--format={form}", EXPERIMENTS).decode().splitlines())
    return [
        Ref(parts[4], rev, parts[2] + parts[3], datetime.fromisoformat(created))
        for rev, created, ref in found
        if len(parts := ref.split("/")) == 5 and _hexadecimal(parts[2] + parts[3])
    ]


def read(rev: str, path: str) -> bytes | None:
    """Return a file of a commit, or None where the commit or the file does not exist."""
    sha = identify([(rev, path)])[rev, path]
    return contents([sha])[sha] if sha else None


def identify(files: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
    """Return the blob of each (commit, path), None where there is none: equal blobs are equal bytes."""
    asked = list(dict.fromkeys(files))
    said = git("cat-file", "--batch-check", given="".join(f"{rev}:{path}\n" for rev, path in asked).encode())
    answers = (line.rsplit(" ", 2) for line in said.decode().splitlines())
    return {file: words[0] if words[-2] == "blob" else None for file, words in zip(asked, answers, strict=True)}


def contents(shas: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of blobs."""
    asked = list(dict.fromkeys(shas))
    said = git("cat-file", "--batch", given="".join(f"{sha}\n" for sha in asked).encode()) if asked else b""
    found, start = {}, 0
    for sha in asked:
        head, start = said.index(b"\n", start), said.index(b"\n", start) + 1
        size = int(said[said.rindex(b" ", 0, head) + 1 : head])
        found[sha] = said[start : start + size]
        start += size + 1
    return found


def commit(word: str) -> str | None:
    """Return the commit that a git revision names, or None."""
    done = _run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{word}^{{commit}}")
    return done.stdout.decode().strip() if done.returncode == 0 else None


def since(start: str | None, paths: Sequence[str]) -> list[Ref]:
    """Return the commits of the current branch, oldest first, that changed one of some paths after a commit."""
    if commit("HEAD") is None:
        return []
    known = start is not None and _run("merge-base", "--is-ancestor", start, "HEAD").returncode == 0
    span = f"{start}..HEAD" if known else "HEAD"
    said = git("log", "--reverse", "--format=%H %P %cI", span, "--", *paths).decode().splitlines()
    commits = (line.split() for line in said)
    return [
        Ref(words[0][:7], words[0], (words[1:-1] or [""])[0], datetime.fromisoformat(words[-1])) for words in commits
    ]


def changed(revs: Sequence[str]) -> dict[str, list[str]]:
    """Return by commit the paths in which it differs from its parent; one of several parents or none has none."""
    said = git("diff-tree", "--stdin", "-r", "--name-only", given="".join(f"{rev}\n" for rev in revs).encode())
    paths: dict[str, list[str]] = {rev: [] for rev in revs}
    own: list[str] = []
    for line in said.decode().splitlines():
        own = paths.get(line, own)
        if line not in paths:
            own.append(line)
    return paths


def tags() -> list[str]:
    """Return the names of all tags."""
    return git("for-each-ref", "--format=%(refname:strip=2)", "refs/tags").decode().splitlines()


def git(*words: str, given: bytes | None = None) -> bytes:
    """Return what git says; what it refuses is refused with its first line, and so is a folder within a repository.

    There git would answer, but what we keep below .dvc would make a second .dvc, and DVC would find no pipeline.
    """
    if not Path(".git").exists():
        raise Refusal(".git is not in this folder; run from the root of the repository.")
    done = _run(*words, given=given)
    if done.returncode:
        first = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[0]
        raise Refusal(f"git {words[0]} failed ({first}); run from the root of a git repository.")
    return done.stdout


def _run(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    # quotePath off: names come back as they are
    return subprocess.run(["git", "-c", "core.quotePath=false", *words], input=given, capture_output=True)


def _hexadecimal(text: str) -> bool:
    return len(text) == SHA and not set(text) - set("0123456789abcdef")
