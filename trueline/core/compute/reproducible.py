"""Whether this machine reproduces every byte of dvc.lock, and if not, why."""

import platform
import sys
from pathlib import Path

from trueline.core.runtime.numeric_pins import X86_MACHINES

LOCK_PYTHON = (3, 11)  # the Python that dvc.lock was made with
CPU_INFO_FILE = Path("/proc/cpuinfo")  # where Linux lists the features of its processor


def explain_difference(system: str, machine: str, python: tuple[int, int], processor: str) -> str:
    """Return why a machine's outputs may differ from dvc.lock in their last digits; empty if they will not."""
    if system != "Linux" or machine not in X86_MACHINES:
        return f"{system} on {machine} rounds differently from Linux on x86-64"
    if "fma" not in processor.split():
        return "this processor has no fused multiply-add, which processors have had since 2013"
    if python != LOCK_PYTHON:
        return f"Python {'.'.join(map(str, python))} is not the 3.11 that dvc.lock was made with"
    return ""


def main() -> None:
    """Print one sentence to stderr if this machine may give other bytes than those that dvc.lock records."""
    processor = CPU_INFO_FILE.read_text() if CPU_INFO_FILE.exists() else ""
    reason = explain_difference(platform.system(), platform.machine(), sys.version_info[:2], processor)
    if reason:
        print(
            f"{reason}: outputs and dvc.lock may differ in their last digits; headline figures agree as printed.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
