"""What machine this is, in words that explain how fast it is and do not name it."""

import os
import platform
import re

from trueline.core.compute.reproducible import CPU_INFO_FILE


def describe_processors() -> str:
    """Return the model of the processors, or their architecture where the system does not tell it, and their number."""
    cpu_info = CPU_INFO_FILE.read_text() if CPU_INFO_FILE.exists() else ""
    model = re.search(r"^model name\s*: (.+)$", cpu_info, re.MULTILINE)
    return f"{model.group(1).strip() if model else platform.machine()}, {os.cpu_count()} processors"
