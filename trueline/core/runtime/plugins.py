"""Plugins: a name in params.yaml is the name of a file, or of a package, in the folder of a stage."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial, wraps
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.file_guard import forbid_files, watch_territory
from trueline.core.runtime.params import list_sources

STAGES_FOLDER = Path(__file__).parents[3] / "stages"
STORING_FUNCTIONS = {"save", "load"}  # of a learner: the only functions of a guarded plugin that may open files


class GuardedPlugin:
    """A plugin as a stage runs it: it is imported, and its functions run, where no file with data may be opened."""

    def __init__(self, stage: str, name: str, writable: Path | None) -> None:
        list_first_variables()
        self._forbid_files = partial(
            forbid_files, f"{stage} plugin {name!r}", watch_territory(list_sources(), writable)
        )
        with self._forbid_files():
            self._module = load_plugin(stage, name)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if name in STORING_FUNCTIONS or isinstance(value, type) or not callable(value):
            return value

        @wraps(value)
        def call_guarded(*args: Any, **kwargs: Any) -> Any:
            with self._forbid_files():
                return value(*args, **kwargs)

        return call_guarded


def list_plugins(stage: str) -> list[str]:
    """Return the names of the plugins in a folder of stages/, such as "train" or "diagnose/checks", sorted."""
    folder = STAGES_FOLDER / stage
    names = [file.stem for file in folder.glob("*.py")] + [file.parent.name for file in folder.glob("*/__init__.py")]
    return sorted(name for name in names if not name.startswith("_"))


def load_plugin(stage: str, name: str, requires: str = "") -> ModuleType:
    """Return the module of a plugin.

    Raises UserError for an unknown name, and for a plugin that lacks the function named by `requires`.

    >>> load_plugin("calibrate", "platt", requires="fit").__name__
    'stages.calibrate.platt'
    """
    if name not in list_plugins(stage):
        raise UserError(f"stages/{stage} has no plugin {name!r}; {did_you_mean(name, list_plugins(stage))}")
    module = import_module(f"stages.{stage.replace('/', '.')}.{name}")
    if requires and not hasattr(module, requires):
        raise UserError(
            f"stages/{stage}/{name} has no {requires}(), which is needed here; choose a plugin that has it."
        )
    return module


def load_guarded_plugin(stage: str, name: str, writable: Path | None = None) -> GuardedPlugin:
    """Return a plugin that cannot open files with data, except by its `save` and `load`.

    `writable` is a folder to which callbacks of the stage write while the plugin runs. Raises UserError as load_plugin
    does; calls raise it where the plugin opens another file, starts a program or connects to a machine.
    """
    return GuardedPlugin(stage, name, writable)


@contextmanager
def forget_plugins() -> Iterator[None]:
    """Let a block load every plugin anew, so that none remembers rows that it was handed before.

    Plugins' modules and the environment are as before afterwards. Limit: what a plugin keeps in a module of another
    package stays.
    """
    modules = {name: module for name, module in sys.modules.items() if name.startswith("stages.")}
    added_variables = {name: os.environ.pop(name) for name in os.environ.keys() - list_first_variables()}
    for name in modules:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in os.environ.keys() - list_first_variables():
            del os.environ[name]
        sys.modules.update(modules)
        os.environ.update(added_variables)


@cache
def list_first_variables() -> frozenset[str]:
    """Return the names of the environment's variables before the first guarded plugin was loaded."""
    return frozenset(os.environ)
