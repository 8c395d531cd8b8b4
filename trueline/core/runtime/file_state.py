"""File state: what tells that a file is still the one that was read, without reading it again."""

from pathlib import Path

FileState = tuple[int, ...]  # inode, size (bytes), and the times of change of content and inode (nanoseconds)


def get_file_state(path: Path) -> FileState:
    """Return what every change of a file changes; the time of change of its inode cannot be set back.

    Limit: a change of equal size within one tick of the file system's clock, a few milliseconds, is not told.
    """
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
