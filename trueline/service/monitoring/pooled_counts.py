"""Pooled counts: what all worker processes have counted together, read while workers begin and end."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector  # type: ignore[no-untyped-call,unused-ignore]


def read_pooled_counts(folder: Path) -> CollectorRegistry:
    """Return a registry of the counts of all processes, for one reading of the files in a folder.

    Workers begin and end meanwhile: a gauge file that is removed is skipped (so prometheus_client does for the modes
    named "live…"), and so is a file that is not yet filled, which prometheus_client cannot read.
    """
    registry = CollectorRegistry()
    registry.register(_FilledFilesCollector(folder))
    return registry


class _FilledFilesCollector(MultiProcessCollector):
    def __init__(self, folder: Path) -> None:
        super().__init__(None, str(folder))  # type: ignore[no-untyped-call,unused-ignore]
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in self._folder.glob("*.db") if _is_filled(file)]
        return self.merge(files, accumulate=True)  # type: ignore[no-untyped-call,no-any-return,unused-ignore]


def _is_filled(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
