"""The memory: what is kept comes back to the byte; what is torn, or made by other code, is unknown."""

import errno
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trueline.core.runtime import memory
from trueline.core.runtime.memory import Memory, build_key, drop_oldest_files, hash_code, open_memory
from trueline.core.runtime.stage_entry import run_stage

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEY = build_key("a", 1)


@FEW
@given(st.binary(max_size=200))
def test_what_is_kept_is_recalled_to_the_byte(tmp_path: Path, value: bytes) -> None:
    Memory(tmp_path).store(KEY, value)
    assert Memory(tmp_path).load(KEY) == value
    assert Memory(tmp_path).load(build_key("a", 2)) is None


@FEW
@given(st.binary(min_size=1, max_size=50), st.data())
def test_an_entry_that_is_cut_off_or_has_another_byte_is_unknown(
    tmp_path: Path, value: bytes, data: st.DataObject
) -> None:
    Memory(tmp_path).store(KEY, value)
    entry = (tmp_path / KEY).read_bytes()
    place = data.draw(st.integers(0, len(entry) - 1))
    other = bytes([entry[place] ^ data.draw(st.integers(1, 255))])
    for damaged in (entry[:place], entry[:place] + other + entry[place + 1 :]):
        (tmp_path / KEY).write_bytes(damaged)
        assert Memory(tmp_path).load(KEY) is None
    Memory(tmp_path).store(KEY, value)
    assert Memory(tmp_path).load(KEY) == value


def test_an_entry_that_was_copied_from_another_key_is_unknown(tmp_path: Path) -> None:
    Memory(tmp_path).store(KEY, b"value")
    other_key = build_key("b")
    (tmp_path / other_key).write_bytes((tmp_path / KEY).read_bytes())
    assert Memory(tmp_path).load(other_key) is None


def test_a_folder_that_may_not_be_entered_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    Memory(tmp_path).store(KEY, b"value")
    monkeypatch.setattr(Path, "stat", refuse)  # as root, nothing is refused
    assert not Memory(tmp_path).holds(KEY)


def test_a_write_that_is_killed_leaves_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        Memory(tmp_path).store(KEY, b"value")
    assert Memory(tmp_path).load(KEY) is None


def test_what_there_is_no_room_for_is_not_kept_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(draft: Path, content: bytes) -> int:
        with draft.open("wb") as file:
            file.write(content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    Memory(tmp_path).store(KEY, b"value")
    assert Memory(tmp_path).load(KEY) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    Memory(tmp_path / "file").store(KEY, b"value")  # where no folder can be made


def test_the_next_run_takes_away_what_a_killed_write_left(tmp_path: Path) -> None:
    (tmp_path / f".{KEY}.draft").write_bytes(b"half")
    Memory(tmp_path).store(KEY, b"value")
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


def test_the_entries_used_least_recently_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_BYTES", 3 * (memory.DIGEST_BYTES + 10))
    kept = Memory(tmp_path)
    for age, key in ((30, "a"), (20, "b"), (10, "c")):
        kept.store(key, b"0123456789")
        moment = (tmp_path / key).stat().st_mtime - age
        os.utime(tmp_path / key, (moment, moment))
    assert kept.load("a") is not None  # and so it was used after b and c
    kept.store("d", b"0123456789")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c", "d"]


def test_a_folder_within_its_limit_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123")
    drop_oldest_files(tmp_path, 4)
    assert (tmp_path / "a").exists()
    drop_oldest_files(tmp_path, 3)
    assert not (tmp_path / "a").exists()


def test_a_memory_that_is_off_knows_nothing_and_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(memory.OFF_VARIABLE, raising=False)
    open_memory().store(KEY, b"value")
    assert open_memory().load(KEY) == b"value"
    monkeypatch.setenv(memory.OFF_VARIABLE, "1")
    assert not open_memory().is_on
    assert open_memory().load(KEY) is None
    open_memory().store(build_key("b"), b"value")
    assert [path.name for path in (tmp_path / memory.MEMORY_FOLDER).iterdir()] == [KEY]


def test_a_queued_run_shares_the_memory_of_the_repository_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".dvc/tmp/exps/run").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / ".dvc/tmp/exps/run")
    assert memory.find_repository() == tmp_path


def test_the_flag_of_a_stage_switches_the_memory_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((memory.CODE_ROOT / "params.yaml").read_text())
    is_on = []
    for flags in ([], ["--no-memory"]):
        monkeypatch.setenv(memory.OFF_VARIABLE, "")
        monkeypatch.setattr(sys, "argv", ["train", "racing", *flags])
        run_stage("train", {}, {}, lambda *_: is_on.append(open_memory().is_on))
    assert is_on == [True, False]


@FEW
@given(st.text(max_size=20))
def test_what_was_computed_once_is_recalled(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    kept, computed = Memory(tmp_path_factory.mktemp("memory")), []

    def compute() -> str:
        computed.append(value)
        return value

    for key, count in ((KEY, 1), (KEY, 1), (build_key("b"), 2)):
        assert kept.recall_or_compute(key, compute, str.encode, bytes.decode) == value
        assert len(computed) == count


def test_what_cannot_be_packed_is_computed_again(tmp_path: Path) -> None:
    for value in ("first", "second"):
        assert Memory(tmp_path).recall_or_compute(KEY, value.upper, lambda _: None, bytes.decode) == value.upper()
    assert Memory(tmp_path).load(KEY) is None


def test_a_memory_that_is_off_packs_nothing() -> None:
    packed: list[str] = []
    assert Memory(None).recall_or_compute(KEY, "value".upper, packed.append, bytes.decode) == "VALUE"
    assert packed == []


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file of shared code and one of each of two stages, in the place of the repository."""
    for name in ("trueline/core/shared.py", "stages/train/learner.py", "stages/tune/search.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(memory, "CODE_ROOT", tmp_path)
    return tmp_path


def edit(file: Path, text: str) -> None:
    """Change a file after the clock of the file system has gone on, by 4 ms on some kernels."""
    time.sleep(0.01)
    file.write_text(text)


def read_hash(*stages: str) -> str:
    """Return the hash of the code as a new process would."""
    memory._hash_cached_code.cache_clear()
    memory._list_stage_files.cache_clear()
    return hash_code(*stages)


def test_the_hash_of_the_code_changes_with_every_file_that_the_stages_may_run(code: Path) -> None:
    before = read_hash("train")
    assert read_hash("train") == before
    assert read_hash("train", "tune") != before
    (code / "stages/tune/search.py").write_text("x = 2\n")
    assert read_hash("train") == before
    hashes = {before}
    for name in ("trueline/core/shared.py", "stages/train/learner.py"):
        (code / name).write_text("x = 2\n")
        hashes.add(read_hash("train"))
    (code / "stages/train/learner.py").rename(code / "stages/train/other.py")
    hashes.add(read_hash("train"))
    assert len(hashes) == 4


def test_nothing_is_kept_once_the_code_is_no_longer_that_of_the_run(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(memory.OFF_VARIABLE, raising=False)
    kept = open_memory("train")
    kept.store(KEY, b"value")
    edit(code / "stages/tune/search.py", "x = 2\n")
    assert kept.is_current
    edit(code / "stages/train/learner.py", "x = 2\n")
    kept.store(build_key("b"), b"value")
    assert kept.load(KEY) == b"value"
    assert kept.load(build_key("b")) is None
    edit(code / "stages/train/learner.py", "x = 1\n")
    assert kept.is_current
    (code / "stages/train/learner.py").unlink()
    assert not kept.is_current


def test_an_edit_of_the_code_is_seen_though_it_leaves_size_and_time_of_change(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(memory.OFF_VARIABLE, raising=False)
    kept, learner = open_memory("train"), code / "stages/train/learner.py"
    state = learner.stat()
    edit(learner, "x = 2\n")
    os.utime(learner, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert not kept.is_current


def test_the_hash_of_the_code_covers_what_a_plugin_imports_only_when_it_runs(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(code), *sys.path])
    hashes = set()
    for number in (1, 2):
        (code / "lazy_helper.py").write_text(f"x = {number}\n")
        (code / "stages/train/learner.py").write_text("def fit():\n    import lazy_helper\n")
        hashes.add(read_hash("train"))
    assert len(hashes) == 2


def test_the_hash_of_the_code_covers_a_module_that_a_plugin_brings_along(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = ModuleType("helper")
    helper.__file__ = str(code / "helper.py")
    (code / "helper.py").write_text("x = 1\n")
    before = read_hash("train")
    monkeypatch.setitem(sys.modules, "helper", helper)
    loaded = read_hash("train")
    (code / "helper.py").write_text("x = 2\n")
    assert len({before, loaded, read_hash("train")}) == 3


def test_the_hash_of_the_code_changes_with_the_libraries(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_hash("train")
    monkeypatch.setattr(memory, "list_libraries", lambda: ["numpy-9.9.dist-info"])
    assert read_hash("train") != before


def test_the_hash_of_the_code_knows_the_installed_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(name.startswith("numpy-") for name in memory.list_libraries())
    (tmp_path / "elsewhere-1.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert "elsewhere-1.0.dist-info" in memory.list_libraries()


def test_the_hash_of_the_code_changes_with_the_numeric_kernels(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_hash("train")
    monkeypatch.setattr(memory, "list_numeric_kernels", lambda: ["X86_V4"])
    assert read_hash("train") != before
