"""Native opens: which files of some folders this process opened, however it did so, where Linux can tell.

Python reports what it opens itself, but not what a C or C++ library opens (Arrow, HDF5, XGBoost). The kernel does,
through fanotify, which since Linux 5.13 needs no privilege and tells a process's own opens from those of others.
"""

import ctypes
import os
import struct
from collections.abc import Iterable, Iterator

INIT_FLAGS = 0x0C00 | 0x2 | 0x1  # FAN_REPORT_DFID_NAME | FAN_NONBLOCK | FAN_CLOEXEC, of the class FAN_CLASS_NOTIF
ADD_MARK = 0x1  # FAN_MARK_ADD
OPENED_CHILD = 0x20 | 0x0800_0000  # FAN_OPEN | FAN_EVENT_ON_CHILD
CURRENT_FOLDER = -100  # AT_FDCWD
HANDLE_ROOM = 128  # MAX_HANDLE_SZ
READ_BYTES = 1 << 16
EVENT = struct.Struct("=IBBHQii")  # length, version, reserved, length of this part, mask, descriptor, process
INFO_BYTES = 12  # type, padding and length of a record, then the id of the file system
HANDLE = struct.Struct("=Ii")  # bytes and type of a file handle


class NativeOpens:
    """The files that this process opens in the folders that it was told to watch; none where the kernel cannot tell.

    Limits: it sees nothing on other systems than Linux, in a container that forbids fanotify, on a file system without
    file handles, and of what a child process opens.
    """

    def __init__(self) -> None:
        self._folders: dict[bytes, str] = {}
        self._process = os.getpid()
        self._libc = ctypes.CDLL(None, use_errno=True)
        init = getattr(self._libc, "fanotify_init", None)
        self._descriptor: int = init(INIT_FLAGS, os.O_RDONLY) if init else -1

    @property
    def is_available(self) -> bool:
        """Whether the kernel lets this process ask."""
        return self._descriptor >= 0

    def watch(self, folders: Iterable[str]) -> None:
        """Also report files that lie directly in these folders; one that cannot be watched is left out."""
        if not self.is_available:
            return
        for folder in folders:
            handle = self._get_handle(folder)
            mask = ctypes.c_uint64(OPENED_CHILD)
            path = os.fsencode(folder)
            if handle and self._libc.fanotify_mark(self._descriptor, ADD_MARK, mask, CURRENT_FOLDER, path) == 0:
                self._folders[handle] = folder

    def collect(self) -> list[str]:
        """Return the paths that were opened since the last call, in order, each as often as the kernel reports it."""
        if not self.is_available or os.getpid() != self._process:
            return []
        return [path for events in self._read_events() for path in self._list_paths(events)]

    def _read_events(self) -> Iterator[bytes]:
        while True:
            try:
                events = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                return
            yield events

    def _list_paths(self, events: bytes) -> Iterator[str]:
        start = 0
        while start < len(events):
            length, _, _, header_length, _, _, process = EVENT.unpack_from(events, start)
            if process == self._process and length > header_length:
                handle, name = _parse_record(events[start + header_length : start + length])
                if handle in self._folders:
                    yield os.path.join(self._folders[handle], name)
            start += length

    def _get_handle(self, folder: str) -> bytes:
        """Return what the kernel calls a folder in its reports; nothing if its file system has no such names."""
        handle = ctypes.create_string_buffer(HANDLE.pack(HANDLE_ROOM, 0), HANDLE.size + HANDLE_ROOM)
        mount = ctypes.c_int()
        failed = self._libc.name_to_handle_at(CURRENT_FOLDER, os.fsencode(folder), handle, ctypes.byref(mount), 0)
        return b"" if failed else handle.raw[: HANDLE.size + HANDLE.unpack_from(handle.raw)[0]]


def _parse_record(record: bytes) -> tuple[bytes, str]:
    """Return the handle of the folder and the name of the file in it."""
    name_start = INFO_BYTES + HANDLE.size + HANDLE.unpack_from(record, INFO_BYTES)[0]
    return record[INFO_BYTES:name_start], os.fsdecode(record[name_start:].split(b"\0")[0])
