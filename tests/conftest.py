"""The order of the suite: files of few and long tests begin, so that no worker is left alone with one at the end."""

import pytest
from hypothesis import settings

from trueline.core.runtime.numeric_pins import pin_numerics

pin_numerics()  # before any test file imports NumPy

settings.register_profile("suite", deadline=None)  # how long a case takes depends on what else the machine does
settings.load_profile("suite")

LONG = (
    *("test_shown_commands.py", "test_dvc.py", "test_fourth_task.py", "test_launch.py", "test_leakage.py"),
    *("test_combinations.py", "test_killed.py", "test_experiment_registry.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
