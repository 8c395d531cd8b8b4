"""The file guard: while a plugin runs, it opens no file that holds data, starts no program and connects to nothing.

A plugin that reads the outcomes itself passes every audit that changes what the stage hands it. So what Python reports
to its audit hooks is refused, and what a library opens without telling Python is asked of the kernel after the call.
The rows of the stage itself lie in the same memory; code of the repository that asks the interpreter for the frames of
its callers, or for all objects, is refused too.
"""

import os
import site
import sys
import sysconfig
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from trueline.core.errors import UserError
from trueline.core.runtime.dvc_stores import list_dvc_stores
from trueline.core.runtime.native_opens import NativeOpens

Verdict = Literal["library", "temporary", "data"]

# what libraries read while they work: shared objects, time zones, the processor's description, certificates
SYSTEM_FOLDERS = (
    *("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev", "/run", "/opt", "/nix"),
    *("/var/lib", "/var/cache", "/System", "/Library", "/private/etc", "/private/var/db"),
)
# by which libraries ask about the machine; Matplotlib, which Keras loads, lists the fonts at its first start
SYSTEM_PROGRAMS = {"lscpu", "uname", "ldconfig", "sysctl", "fc-list", "system_profiler"}
CODE_SUFFIXES = {".py", ".pyc"}
REPOSITORY = Path(os.path.realpath(__file__)).parents[3]
UNWATCHED_FOLDERS = {".git", "__pycache__"}
ALL_OBJECTS, CALLERS = "the objects of the interpreter", "the variables of its callers"
FRAME_HELPERS = ("inspect", "traceback")  # modules that ask for frames on behalf of their caller
FRAME_ATTRIBUTES = ("tb_frame", "gi_frame", "cr_frame", "ag_frame")
CLOCK_SECONDS = 0.05  # a file's time of change may lie this much before the clock's time at which it was made


@dataclass(frozen=True)
class Territory:
    """What lies in which folders: the data are all of the repository but its code, its sources, and DVC's copies.

    A temporary file from before `since`, in seconds of the clock, was not made by the plugin.
    """

    root: str
    verdicts: dict[str, Verdict]
    since: float

    def judge(self, path: str) -> Verdict:
        """Return what a path is: that of the nearest folder with a verdict; data, if it lies in none."""
        real_path = Path(os.path.realpath(path))
        if real_path.suffix in CODE_SUFFIXES or "__pycache__" in real_path.parts:
            return "library"
        for folder in (real_path, *real_path.parents):
            if str(folder) in self.verdicts:
                return self.verdicts[str(folder)]
            if _is_hidden_in_home(folder):  # also one that a library makes while the plugin runs
                return "library"
        return "data"

    def list_data_folders(self) -> Iterator[str]:
        """Yield every folder that holds data, without those of libraries inside them."""
        for start in [folder for folder, verdict in self.verdicts.items() if verdict == "data"]:
            yield start if os.path.isdir(start) else os.path.dirname(start)
            for folder, names, _ in os.walk(start):
                names[:] = [name for name in names if self._has_data(folder, name)]
                yield from (os.path.join(folder, name) for name in names)

    def show(self, path: str) -> str:
        """Return a path as a reader of the repository knows it, and where it leads if it is a link."""
        absolute_path, real_path = os.path.abspath(path), os.path.realpath(path)
        shown = absolute_path.removeprefix(self.root + os.sep)
        if real_path == os.path.join(self.root, shown):
            return shown
        return f"{shown} (which is {real_path.removeprefix(self.root + os.sep)})"

    def _has_data(self, folder: str, name: str) -> bool:
        """Say what `judge` says of a folder inside one that holds data, without a look at the folders around it."""
        path = os.path.join(folder, name)
        if name in UNWATCHED_FOLDERS or os.path.splitext(name)[1] in CODE_SUFFIXES or _is_hidden_in_home(Path(path)):
            return False
        return (self.judge(path) if os.path.islink(path) else self.verdicts.get(path, "data")) == "data"


@dataclass
class Guard:
    """One call of a plugin: who it is, what it may open, and what it did although it may not."""

    plugin: str
    territory: Territory
    violations: list[str] = field(default_factory=list)

    def refuse(self, act: str) -> None:
        """Remember a violation, in case the plugin catches the error, and raise UserError."""
        self.violations.append(
            f"the {self.plugin} {act}; a plugin gets its rows from the stage: it opens no other file, starts no "
            "program and connects to nothing. Take the values from the rows that it is handed."
        )
        raise UserError(self.violations[0])

    def may_open(self, path: str) -> bool:
        """Say whether a plugin may open a path: a library's, or a temporary file that it made itself."""
        verdict = self.territory.judge(path)
        if verdict == "temporary" and os.path.isfile(path):
            return os.stat(path).st_ctime >= self.territory.since - CLOCK_SECONDS
        return verdict != "data"

    def check_path(self, path: Any, flags: int = os.O_RDWR) -> None:
        """Refuse a path that is not a library's; a number is a file that is open already.

        A temporary file that was there before may still be written: that tells the plugin nothing.
        """
        if not isinstance(path, str | bytes | os.PathLike) or self.may_open(os.fsdecode(path)):
            return
        is_only_written = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) == os.O_WRONLY
        if not (is_only_written and self.territory.judge(os.fsdecode(path)) == "temporary"):
            self.refuse(f"opened {self.territory.show(os.fsdecode(path))}")

    def check_database(self, database: Any) -> None:
        """Refuse an SQLite database that is a file."""
        path = os.fsdecode(database).removeprefix("file:").split("?")[0]
        if path not in ("", ":memory:"):
            self.check_path(path)

    def check_program(self, program: Any, arguments: Any = ()) -> None:
        """Refuse a program that does not only describe the machine."""
        command = [arguments] if isinstance(arguments, str | bytes | os.PathLike) else list(arguments or ())
        name = os.fsdecode(program or command[0])
        if os.path.basename(name) not in SYSTEM_PROGRAMS:
            self.refuse(f"started the program {name.split()[0]!r}")

    def check_address(self, address: Any) -> None:
        """Refuse a connection to a machine; a local socket has a path for an address."""
        if isinstance(address, tuple):
            self.refuse(f"connected to {address[0]}:{address[1]}")

    def check_caller(self, what: str) -> None:
        """Refuse a look into the memory of the stage by code of the repository; libraries look for their own ends."""
        code = _find_calling_code()
        if code is None:
            return
        path = Path(os.path.realpath(code.co_filename))
        if path.is_relative_to(REPOSITORY) and self.territory.judge(str(path.parent)) != "library":
            self.refuse(f"looked at {what}")


# https://docs.python.org/3/library/audit_events.html
EVENTS: dict[str, Callable[[Guard, tuple[Any, ...]], None]] = {
    "open": lambda guard, args: guard.check_path(args[0], args[2]),
    "os.link": lambda guard, args: guard.check_path(args[0]),
    "os.symlink": lambda guard, args: guard.check_path(args[0]),
    "os.rename": lambda guard, args: guard.check_path(args[0]),
    "sqlite3.connect": lambda guard, args: guard.check_database(args[0]),
    "subprocess.Popen": lambda guard, args: guard.check_program(args[0], args[1]),
    "os.system": lambda guard, args: guard.check_program(args[0]),
    "os.exec": lambda guard, args: guard.check_program(args[0]),
    "os.posix_spawn": lambda guard, args: guard.check_program(args[0]),
    "os.fork": lambda guard, _: guard.refuse("started another process"),
    "os.forkpty": lambda guard, _: guard.refuse("started another process"),
    "os.spawn": lambda guard, args: guard.check_program(args[1]),
    "socket.connect": lambda guard, args: guard.check_address(args[1]),
    "gc.get_objects": lambda guard, _: guard.check_caller(ALL_OBJECTS),
    "gc.get_referrers": lambda guard, _: guard.check_caller(ALL_OBJECTS),
    "gc.get_referents": lambda guard, _: guard.check_caller(ALL_OBJECTS),
    "sys._getframe": lambda guard, _: guard.check_caller(CALLERS),
    "sys._current_frames": lambda guard, _: guard.check_caller(CALLERS),
    "sys.setprofile": lambda guard, _: guard.check_caller(CALLERS),
    "sys.settrace": lambda guard, _: guard.check_caller(CALLERS),
    "object.__getattr__": lambda guard, args: guard.check_caller(CALLERS) if args[1] in FRAME_ATTRIBUTES else None,
}
_running: list[Guard] = []  # the calls of plugins under way in this process, the innermost last
_messenger_threads: set[int] = set()
_looking_threads: set[int] = set()  # those in which this module itself looks at frames


@contextmanager
def forbid_files(plugin: str, territory: Territory) -> Iterator[None]:
    """Run a block as a plugin, named such as "features plugin 'racing'", that may open no file that holds data.

    Raises UserError when the block does so, at the latest when it ends, also if it caught the error itself. It holds
    for all threads of the process. Limits: of the memory of the process only frames and the collector's lists are
    guarded, and NativeOpens says where it cannot tell what a library opened without telling Python.
    """
    opens = _watch_native_opens()
    opens.collect()  # what the stage itself opened
    guard = Guard(plugin, territory)
    _running.append(guard)
    try:
        yield
    finally:
        _running.remove(guard)
        native_paths = [path for path in opens.collect() if not guard.may_open(path)]
        if guard.violations:
            raise UserError(guard.violations[0]) from None
        if native_paths:
            guard.refuse(f"opened {territory.show(native_paths[0])}")


def watch_territory(sources: Iterable[str], writable: Path | None = None) -> Territory:
    """Return what lies where, seen from the repository's root, which is the current folder, with its data watched.

    `sources` are the folders and files of raw data, and `writable` is a folder of the repository that a plugin's
    callbacks write to.
    """
    root = Path(os.path.realpath(Path.cwd()))
    # a queued or temporary run of DVC works in a folder below .dvc
    repositories = [root, *(parent.parent for parent in root.parents if parent.name == ".dvc")]
    libraries = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *site.getsitepackages(), *SYSTEM_FOLDERS]
    stores = [store for repository in repositories for store in list_dvc_stores(repository)]
    data = [*map(str, repositories), *stores, *sources]
    verdicts: dict[str, Verdict] = dict.fromkeys(map(os.path.realpath, libraries), "library")
    verdicts[os.path.realpath(tempfile.gettempdir())] = "temporary"
    verdicts |= dict.fromkeys(map(os.path.realpath, data), "data")
    if writable:
        verdicts[os.path.realpath(writable)] = "library"
    territory = Territory(str(root), verdicts, time.time())
    _watch_native_opens().watch(territory.list_data_folders())
    return territory


def _is_hidden_in_home(path: Path) -> bool:
    """Say whether a path is where libraries keep a user's settings and caches."""
    return path.name.startswith(".") and str(path.parent) == os.path.realpath(Path.home())


def allow_messages(thread: int) -> None:
    """Let a thread, given by its identifier, connect and open files while a plugin runs in another one.

    It is the thread in which the engine that handed over the job exchanges messages, which runs no plugin.
    """
    _messenger_threads.add(thread)


def _watch_native_opens() -> NativeOpens:
    """Return the watch of native opens of this process, with the audit hook installed, which no process can remove."""
    _install_hooks()
    return _start_watch(os.getpid())


@lru_cache(maxsize=1)
def _start_watch(process: int) -> NativeOpens:
    """Return a watch, a new one for a forked process: the kernel would report its parent's opens to the old one."""
    return NativeOpens()


@lru_cache(maxsize=1)
def _install_hooks() -> None:
    sys.addaudithook(_check_event)
    _guard_new_processes()


def _guard_new_processes() -> None:
    """Refuse processes of multiprocessing and joblib, in which no guard would run, and of which no event tells."""
    start = BaseProcess.start

    def start_unguarded(process: BaseProcess) -> None:
        if _running:
            _running[-1].refuse("started another process")
        start(process)

    BaseProcess.start = start_unguarded  # type: ignore[method-assign,assignment]


def _check_event(event: str, args: tuple[Any, ...]) -> None:
    if _running and event in EVENTS and threading.get_ident() not in _messenger_threads | _looking_threads:
        EVENTS[event](_running[-1], args)


def _find_calling_code() -> types.CodeType | None:
    """Return the code that an audit hook was called by, beneath this module and the helpers that it looked through."""
    thread = threading.get_ident()
    _looking_threads.add(thread)  # what is asked here is an event itself
    try:
        frame: types.FrameType | None = sys._getframe()
        while frame and frame.f_globals.get("__name__") in (__name__, *FRAME_HELPERS):
            frame = frame.f_back
        return frame.f_code if frame else None
    finally:
        _looking_threads.discard(thread)
