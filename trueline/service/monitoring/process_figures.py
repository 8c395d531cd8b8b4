"""Process figures: the memory, processor time, threads and open files of this process, as Linux reports them."""

import os
import resource
from pathlib import Path

PROCESS_FIGURES = {  # name: meaning; the label `pid` is the number of the worker
    "resident_memory_bytes": "resident memory",
    "cpu_seconds": "processor time since the start",
    "threads": "threads",
    "open_files": "open file descriptors",
}
PROC_FOLDER = Path("/proc/self")


def read_process_figures() -> dict[str, float]:
    """Return the figures by name; without /proc, processor time alone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {"cpu_seconds": usage.ru_utime + usage.ru_stime}
    if PROC_FOLDER.exists():
        resident_pages = int((PROC_FOLDER / "statm").read_text().split()[1])
        figures["resident_memory_bytes"] = resident_pages * os.sysconf("SC_PAGE_SIZE")
        figures["threads"] = len(os.listdir(PROC_FOLDER / "task"))
        figures["open_files"] = len(os.listdir(PROC_FOLDER / "fd"))
    return figures
