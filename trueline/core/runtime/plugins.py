"""Plugins: a name in params.yaml is the name of a file, or of a package, in the folder of a stage."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from trueline.core.errors import UserError, did_you_mean

STAGES_FOLDER = Path(__file__).parents[3] / "stages"


def list_plugins(stage: str) -> list[str]:
    """Return the names of the plugins in a folder of stages/, such as "train" or "diagnose/checks", sorted."""
    folder = STAGES_FOLDER / stage
    files = [file.stem for file in folder.glob("*.py") if not file.stem.startswith("_")]
    return sorted([*files, *(file.parent.name for file in folder.glob("*/__init__.py"))])


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
