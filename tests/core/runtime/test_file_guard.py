"""The file guard: a plugin opens no file that holds data, by whatever way it tries, and libraries work as before."""

import collections
import ctypes
import gc
import inspect
import logging
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from pyarrow import dataset, parquet

from trueline.core.errors import UserError
from trueline.core.runtime import file_guard
from trueline.core.runtime.file_guard import Territory, forbid_files, watch_territory
from trueline.core.runtime.native_opens import NativeOpens

PLUGIN = "features plugin 'racing'"
PREPARED = Path("data/prepared/racing.parquet")
native = pytest.mark.skipif(not NativeOpens().is_available, reason="the kernel does not tell what was opened")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with prepared rows, their copies, and links to them."""
    root = tmp_path / "repository"
    for folder in ("data/prepared", "models/racing/curves", ".dvc/cache/files/md5/ab", "stages/features"):
        (root / folder).mkdir(parents=True)
    monkeypatch.chdir(root)
    pd.DataFrame({"target": [0.0, 1.0]}).to_parquet(PREPARED)
    shutil.copy(PREPARED, ".dvc/cache/files/md5/ab/cdef")
    (tmp_path / "link").symlink_to(root / PREPARED)
    (tmp_path / "data").symlink_to(root / "data")
    (tmp_path / "store").mkdir()
    (tmp_path / "raw").mkdir()
    for path in (tmp_path / "store/abc", tmp_path / "raw/runners.csv", Path("models/racing/curves/loss.tsv")):
        path.write_text("target\n1\n")
    Path(".dvc/config").write_text("[core]\n    analytics = false\n['remote \"near\"']\n    url = ../../store\n")
    sqlite3.connect(tmp_path / "raw.db").close()
    (tmp_path / "global").mkdir()
    (tmp_path / "global/config").write_text(f"[cache]\n    dir = {tmp_path / 'shared_cache'}\n")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    (tmp_path / "shared_cache").mkdir()
    shutil.copy(PREPARED, tmp_path / "shared_cache/cdef")
    return root


@pytest.fixture
def territory(repository: Path) -> Territory:
    """What lies where in that repository."""
    return watch_territory(["../raw", str(repository.parent / "raw.db")], Path("models/racing/curves"))


def swallow(act: Callable[[], Any]) -> None:
    with suppress(UserError):
        act()


def raise_after_reading() -> None:
    swallow(PREPARED.read_bytes)
    raise KeyError("target")


def run_in_thread(act: Callable[[], Any]) -> None:
    thread = Thread(target=swallow, args=(act,))
    thread.start()
    thread.join()


def read_in_folder() -> None:
    os.chdir("data/prepared")
    Path("racing.parquet").read_bytes()


def connect() -> None:
    with socket.socket() as client:
        client.connect(("127.0.0.1", 9))


def catch_error() -> Exception:
    try:
        raise KeyError("target")
    except KeyError as error:
        return error


ACTS: dict[str, tuple[Callable[[], Any], str]] = {
    "relative": (lambda: pd.read_parquet(PREPARED), "opened data/prepared/racing.parquet"),
    "absolute": (lambda: pd.read_parquet(PREPARED.absolute()), "opened data/prepared/racing.parquet"),
    "bytes": (lambda: np.fromfile(os.fsencode(PREPARED)), "opened data/prepared/racing.parquet"),
    "low level": (lambda: os.open(PREPARED, os.O_RDONLY), "opened data/prepared/racing.parquet"),
    "changed folder": (read_in_folder, "opened data/prepared/racing.parquet"),
    "dots": (Path("stages/../data/prepared/racing.parquet").read_bytes, "opened data/prepared/racing.parquet"),
    "memory map": (lambda: np.memmap(PREPARED, mode="r"), "opened data/prepared/racing.parquet"),
    "written": (lambda: PREPARED.write_text(""), "opened data/prepared/racing.parquet"),
    "copied": (lambda: shutil.copy(PREPARED, tempfile.gettempdir()), "opened data/prepared/racing.parquet"),
    "linked": (lambda: os.link(PREPARED, "../hard"), "opened data/prepared/racing.parquet"),
    "moved": (lambda: os.rename(PREPARED, "../moved"), "opened data/prepared/racing.parquet"),
    "symlink": (Path("../link").read_bytes, "link (which is data/prepared/racing.parquet)"),
    "symlinked folder": (Path("../data/prepared/racing.parquet").read_bytes, "(which is data/prepared/racing.parquet)"),
    "by process": (Path(f"/proc/self/cwd/{PREPARED}").read_bytes, "(which is data/prepared/racing.parquet)"),
    "cache": (Path(".dvc/cache/files/md5/ab/cdef").read_bytes, "opened .dvc/cache/files/md5/ab/cdef"),
    "cache of all repositories": (Path("../shared_cache/cdef").read_bytes, "shared_cache/cdef"),
    "remote": (Path("../store/abc").read_bytes, "store/abc"),
    "source": (lambda: pd.read_csv("../raw/runners.csv"), "raw/runners.csv"),
    "database": (lambda: sqlite3.connect("file:../raw.db?mode=ro", uri=True), "raw.db"),
    "swallowed": (lambda: swallow(PREPARED.read_bytes), "opened data/prepared/racing.parquet"),
    "thread": (lambda: run_in_thread(PREPARED.read_bytes), "opened data/prepared/racing.parquet"),
    "program": (lambda: subprocess.run(["cat", PREPARED]), "started the program 'cat'"),
    "shell": (lambda: os.system(f"cat {PREPARED}"), "started the program 'cat'"),
    "shell command": (lambda: subprocess.run("uname; cat x", shell=True), "started the program '/bin/sh'"),
    "spawn": (lambda: os.posix_spawn("/bin/cat", ["cat"], {}), "started the program '/bin/cat'"),
    "fork": (os.fork, "started another process"),
    "workers": (lambda: joblib.Parallel(2)(joblib.delayed(len)("a") for _ in range(2)), "started another process"),
    "connection": (connect, "connected to 127.0.0.1:9"),
}
LOOKS: dict[str, tuple[Callable[[], Any], str]] = {
    "frame": (lambda: sys._getframe(1).f_locals, "looked at the variables of its callers"),
    "inspect": (inspect.currentframe, "looked at the variables of its callers"),
    "stack": (inspect.stack, "looked at the variables of its callers"),
    "error": (lambda: catch_error().__traceback__.tb_frame, "looked at the variables of its callers"),  # type: ignore[union-attr]
    "threads": (sys._current_frames, "looked at the variables of its callers"),
    "profile": (lambda: sys.setprofile(None), "looked at the variables of its callers"),
    "objects": (gc.get_objects, "looked at the objects of the interpreter"),
    "referrers": (lambda: gc.get_referrers(PLUGIN), "looked at the objects of the interpreter"),
}
NATIVE_ACTS: dict[str, Callable[[], Any]] = {
    "table": lambda: parquet.read_table(PREPARED),
    "absolute": lambda: parquet.read_table(PREPARED.absolute()),
    "file": lambda: parquet.ParquetFile(PREPARED.absolute()),
    "dataset": lambda: dataset.dataset(str(PREPARED.parent)).to_table(),
    "C library": lambda: ctypes.CDLL(None).open(os.fsencode(PREPARED), os.O_RDONLY),
    "swallowed": lambda: swallow(lambda: parquet.read_table(PREPARED)),
}


@pytest.mark.parametrize("name", ACTS)
def test_every_way_to_data_is_refused_in_a_sentence_that_names_plugin_and_file(territory: Territory, name: str) -> None:
    act, deed = ACTS[name]
    with (
        pytest.raises(UserError, match=rf"^the {PLUGIN} (opened .*)?{re.escape(deed)}; a plugin gets its rows from"),
        forbid_files(PLUGIN, territory),
    ):
        act()
    assert PREPARED.stat().st_size if name != "changed folder" else True  # nothing was done


@pytest.mark.parametrize("name", LOOKS)
def test_a_plugin_may_not_look_for_rows_in_the_memory_of_the_stage(territory: Territory, name: str) -> None:
    look, deed = LOOKS[name]
    with pytest.raises(UserError, match=f"^the {PLUGIN} {deed}; "), forbid_files(PLUGIN, territory):
        look()


def test_libraries_may_ask_who_calls_them(territory: Territory) -> None:
    with forbid_files(PLUGIN, territory):
        assert logging.getLogger().findCaller()[0]  # as it does for every message
        assert collections.namedtuple("Pair", "a b").__module__ == __name__


@native
@pytest.mark.parametrize("name", NATIVE_ACTS)
def test_what_a_library_opens_without_telling_python_is_refused_afterwards(territory: Territory, name: str) -> None:
    parquet.read_table(PREPARED)  # what the stage reads before counts for nothing
    with (
        pytest.raises(UserError, match=rf"^the {PLUGIN} opened {PREPARED}; "),
        forbid_files(PLUGIN, territory),
    ):
        NATIVE_ACTS[name]()


def test_only_the_thread_of_the_engine_may_connect_while_a_plugin_runs(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_guard, "_messenger_threads", set())
    answers: list[str] = []

    def exchange_messages() -> None:
        file_guard.allow_messages(get_ident())
        is_running.wait()
        try:
            connect()
        except ConnectionRefusedError:
            answers.append("nobody listens there")
        has_answered.set()
        is_over.wait()  # a thread that has ended gives its identifier to the next

    is_running, has_answered, is_over = Event(), Event(), Event()
    messenger = Thread(target=exchange_messages)
    messenger.start()
    with forbid_files(PLUGIN, territory):
        is_running.set()
        has_answered.wait(60)
    try:
        assert answers == ["nobody listens there"]
        with pytest.raises(UserError, match="connected to"), forbid_files(PLUGIN, territory):
            run_in_thread(connect)
    finally:
        is_over.set()
        messenger.join()


def test_the_error_of_a_plugin_is_its_own_unless_it_opened_a_file(territory: Territory) -> None:
    with pytest.raises(KeyError, match="target"), forbid_files(PLUGIN, territory):
        raise KeyError("target")
    with pytest.raises(UserError, match="opened"), forbid_files(PLUGIN, territory):
        raise_after_reading()


def test_libraries_work_and_a_plugin_may_use_temporary_files_that_it_makes(territory: Territory) -> None:
    with forbid_files(PLUGIN, territory):
        Path(np.__file__).read_bytes()
        Path("/proc/cpuinfo").read_bytes()
        subprocess.run(["uname"], check=True, capture_output=True)
        sqlite3.connect(":memory:").close()
        with tempfile.TemporaryFile() as file:
            file.write(b"1")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "notes").write_text("1")
            assert (Path(folder) / "notes").read_text() == "1"
        with Path("models/racing/curves/loss.tsv").open("a") as curve:
            curve.write("2\n")
        Path("stages/features/_helper.py").write_text("")


def test_libraries_keep_their_settings_in_hidden_folders_of_the_home_that_they_make(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(repository.parent / "temporary"))
    territory = watch_territory([])
    with forbid_files(PLUGIN, territory):
        (home / ".keras").mkdir()
        (home / ".keras" / "settings.json").write_text("{}")
    (home / "outcomes.csv").write_text("1")
    with pytest.raises(UserError, match=r"opened .*/outcomes\.csv; "), forbid_files(PLUGIN, territory):
        (home / "outcomes.csv").read_text()


def test_a_file_that_lay_in_the_temporary_folder_before_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = repository.parent / "answers.csv"
    answers.write_text("1")
    monkeypatch.setattr("time.time", lambda: os.stat(answers).st_ctime + 60)
    later = watch_territory([])
    with pytest.raises(UserError, match=r"opened .*/answers\.csv; "), forbid_files(PLUGIN, later):
        answers.read_text()
    with forbid_files(PLUGIN, later):
        answers.write_text("2")  # which tells it nothing


def test_the_folders_that_are_watched_are_those_that_hold_data(territory: Territory, repository: Path) -> None:
    for folder in ("stages/code.py", "data/.git/below", "data/prepared/__pycache__", "data/raw"):
        (repository / folder).mkdir(parents=True)
    (repository / "data/library").symlink_to(sys.prefix)
    (repository / "data/elsewhere").symlink_to(repository.parent / "raw")
    inside = [folder for folder in repository.rglob("*") if folder.is_dir() and ".git" not in folder.parts]
    watched = {Path(folder) for folder in territory.list_data_folders() if Path(folder).is_relative_to(repository)}
    assert watched - {repository} == {folder for folder in inside if territory.judge(str(folder)) == "data"}


def test_outside_a_plugin_everything_is_as_before(territory: Territory) -> None:
    with forbid_files(PLUGIN, territory):
        pass
    assert pd.read_parquet(PREPARED)["target"].tolist() == [0.0, 1.0]
    subprocess.run([sys.executable, "-c", ""], check=True)


def test_a_run_of_dvc_below_a_repository_may_not_read_the_repository_above(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = repository / ".dvc/tmp/exps/one"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    territory = watch_territory([])
    with (
        pytest.raises(UserError, match=r"opened .*/data/prepared/racing\.parquet; "),
        forbid_files(PLUGIN, territory),
    ):
        (repository / PREPARED).read_bytes()
