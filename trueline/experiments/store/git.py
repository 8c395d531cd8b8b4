"""Read git in bulk: experiment commits, and files of any commit, each query in one process."""

import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trueline.core.errors import UserError

EXPERIMENT_REFS = "refs/exps"  # DVC stores an experiment under refs/exps/<2>/<38 digits of its baseline>/<name>
SHA_DIGITS = 40  # hexadecimal digits of a commit
FOLDER_MODE, NESTED_REPOSITORY_MODE = b"40000", b"160000"  # of entries in a tree
INDEX_LOCK_SECONDS = 10  # a git command that works holds the lock of the index for less


@dataclass(frozen=True)
class Ref:
    """An experiment in git: a named commit made from a baseline commit."""

    name: str
    rev: str
    baseline: str
    created: datetime


def list_refs() -> list[Ref]:
    """Return the experiments of all baselines, without DVC's own refs under refs/exps (queue, stash)."""
    ref_format = "%(objectname) %(committerdate:iso-strict) %(refname)"
    lines = run_git("for-each-ref", f"--format={ref_format}", EXPERIMENT_REFS).decode(errors="replace").splitlines()
    entries = (line.split(" ", 2) for line in lines)
    return [
        Ref(segments[4], rev, segments[2] + segments[3], datetime.fromisoformat(created))
        for rev, created, ref in entries
        if len(segments := ref.split("/")) == 5 and _is_sha(segments[2] + segments[3])
    ]


def require_unlocked_index() -> None:
    """Raise UserError if git's index stays locked: a git command still runs, or was killed and left its lock."""
    lock_file = Path(run_git("rev-parse", "--git-path", "index.lock").decode().rstrip("\n"))
    deadline = time.monotonic() + INDEX_LOCK_SECONDS
    while lock_file.exists():
        if time.monotonic() > deadline:
            raise UserError(
                f"git's index is locked by {lock_file}, so nothing was changed; wait for the git or DVC command that "
                f"holds it, or, if none runs because one was killed, remove that file and run this again."
            )
        time.sleep(0.1)


def read_file(rev: str, path: str) -> bytes | None:
    """Return the bytes of a file in a commit, or None if the commit or the file does not exist."""
    sha = resolve_blobs([(rev, path)])[rev, path]
    return read_blobs([sha])[sha] if sha else None


def resolve_objects(files: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the kind ("blob" for a file, "tree" for a folder) and the id of each (commit, path) that exists."""
    commit_files = list(dict.fromkeys(files))
    queries = "".join(f"{rev}:{path}\n" for rev, path in commit_files).encode()
    output = run_git("cat-file", "--batch-check", stdin=queries)
    answers = (line.rsplit(" ", 2) for line in output.decode().splitlines())
    return {
        file: (fields[1], fields[0])
        for file, fields in zip(commit_files, answers, strict=True)
        if fields[-2] in ("blob", "tree")
    }


def resolve_blobs(files: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
    """Return the blob id of each (commit, path), or None; equal ids mean equal bytes."""
    commit_files = list(files)
    objects = resolve_objects(commit_files)
    return {file: objects[file][1] if objects.get(file, ("",))[0] == "blob" else None for file in commit_files}


def list_folder_blobs(trees: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return by folder the blob id of each file in it and its subfolders, by path; a folder is named by its tree's id.

    Takes one git process for each level of subfolders, however many folders there are.
    """
    files: dict[str, dict[str, str]] = {tree: {} for tree in trees}
    pending = [(tree, "", tree) for tree in files]  # a folder asked for, a subfolder's path in it, and its id
    while pending:
        contents = read_blobs(sha for _, _, sha in pending)
        entries = [
            (tree, prefix + name, sha, is_folder)
            for tree, prefix, folder in pending
            for name, sha, is_folder in _parse_tree(contents[folder])
        ]
        for tree, path, sha, is_folder in entries:
            if not is_folder:
                files[tree][path] = sha
        pending = [(tree, f"{path}/", sha) for tree, path, sha, is_folder in entries if is_folder]
    return files


def _parse_tree(content: bytes) -> Iterator[tuple[str, str, bool]]:
    """Yield name, id and whether it is a folder of each entry of a tree as git stores it, but no nested repository."""
    start = 0
    while start < len(content):
        mode_end = content.index(b" ", start)
        name_end = content.index(b"\0", mode_end)
        sha_end = name_end + 1 + SHA_DIGITS // 2
        if (mode := content[start:mode_end]) != NESTED_REPOSITORY_MODE:
            sha = content[name_end + 1 : sha_end].hex()
            yield content[mode_end + 1 : name_end].decode(errors="surrogateescape"), sha, mode == FOLDER_MODE
        start = sha_end


def read_blobs(shas: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of blobs, or of trees as git stores them, by id."""
    unique_shas = list(dict.fromkeys(shas))
    queries = "".join(f"{sha}\n" for sha in unique_shas).encode()
    output = run_git("cat-file", "--batch", stdin=queries) if unique_shas else b""
    content_by_sha, start = {}, 0
    for sha in unique_shas:
        header_end, start = output.index(b"\n", start), output.index(b"\n", start) + 1
        size = int(output[output.rindex(b" ", 0, header_end) + 1 : header_end])
        content_by_sha[sha] = output[start : start + size]
        start += size + 1
    return content_by_sha


def resolve_commit(revision: str) -> str | None:
    """Return the commit that a git revision names, or None."""
    process = _run_git_process("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return process.stdout.decode().strip() if process.returncode == 0 else None


def list_commits_since(start: str | None, paths: Sequence[str]) -> list[Ref]:
    """Return the commits of the current branch after `start` that changed one of some paths, oldest first.

    If `start` is None or not an ancestor of HEAD, all of them are returned.
    """
    if resolve_commit("HEAD") is None:
        return []
    is_ancestor = start is not None and _run_git_process("merge-base", "--is-ancestor", start, "HEAD").returncode == 0
    commit_range = f"{start}..HEAD" if is_ancestor else "HEAD"
    output = run_git("log", "--reverse", "--format=%H %P %cI", commit_range, "--", *paths).decode().splitlines()
    commits = (line.split() for line in output)
    return [
        Ref(fields[0][:7], fields[0], (fields[1:-1] or [""])[0], datetime.fromisoformat(fields[-1]))
        for fields in commits
    ]


def describe_commits(names: Mapping[str, str]) -> list[Ref]:
    """Return commits under the names they are mapped to; the baseline is the parent, if it has one."""
    if not names:
        return []
    output = run_git("log", "--no-walk=unsorted", "--format=%H %cI %P", "--stdin", stdin="\n".join(names).encode())
    commits = (line.split() for line in output.decode().splitlines())
    return [
        Ref(names[rev], rev, (parents or [rev])[0], datetime.fromisoformat(created))
        for rev, created, *parents in commits
    ]


def list_changed_paths(revs: Sequence[str]) -> dict[str, list[str]]:
    """Return by commit the paths that differ from its parent; none for merges and root commits."""
    output = run_git("diff-tree", "--stdin", "-r", "--name-only", stdin="".join(f"{rev}\n" for rev in revs).encode())
    paths: dict[str, list[str]] = {rev: [] for rev in revs}
    commit_paths: list[str] = []
    for line in output.decode(errors="replace").splitlines():
        commit_paths = paths.get(line, commit_paths)
        if line not in paths:
            commit_paths.append(line)
    return paths


def read_committer(rev: str) -> str:
    """Return the name of who made a commit."""
    return run_git("show", "-s", "--format=%cn", rev).decode(errors="replace").strip()


def find_failure(*arguments: str) -> str | None:
    """Run a git command and return the first line that says why it failed, or None if it succeeded."""
    process = _run_git_process(*arguments)
    return None if process.returncode == 0 else _get_first_line(process.stderr)


def read_setting(name: str) -> str:
    """Return a setting of git's configuration, such as `user.name`; empty if it has none."""
    return _run_git_process("config", name).stdout.decode(errors="replace").strip()


def list_tags() -> list[str]:
    """Return the names of all tags."""
    return run_git("for-each-ref", "--format=%(refname:strip=2)", "refs/tags").decode(errors="replace").splitlines()


def run_git(*arguments: str, stdin: bytes | None = None) -> bytes:
    """Return the output of a git command.

    Raises UserError with git's first line if the command fails, and if the working folder is not the root of a
    repository. In a subfolder git would work, but the cache below .dvc would create a second .dvc there, and DVC would
    find no pipeline.
    """
    if not Path(".git").exists():
        raise UserError(".git is not in this folder; run from the root of the repository.")
    process = _run_git_process(*arguments, stdin=stdin)
    if process.returncode:
        reason = _get_first_line(process.stderr)
        raise UserError(f"git {arguments[0]} failed ({reason}); `git status` may say what to do.")
    return process.stdout


def _get_first_line(message: bytes) -> str:
    return (message.decode(errors="replace").strip().splitlines() or ["no reason given"])[0].strip()


def _run_git_process(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    # quotePath off: paths are printed unquoted
    command = ["git", "-c", "core.quotePath=false", *arguments]
    try:
        return subprocess.run(command, input=stdin, capture_output=True)
    except FileNotFoundError:
        raise UserError("there is no program `git` on the PATH; install git, or add its folder to the PATH.") from None


def _is_sha(text: str) -> bool:
    return len(text) == SHA_DIGITS and not set(text) - set("0123456789abcdef")
