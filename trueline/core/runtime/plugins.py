"""The shelf: a word in params.yaml is the name of a file in a room."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from trueline.core.errors import UserError, did_you_mean

STAGES_FOLDER = Path(__file__).parents[3] / "stages"


def list_plugins(stage: str) -> list[str]:
    """Return the words that a room's shelf holds, sorted."""
    return sorted(file.stem for file in (STAGES_FOLDER / stage).glob("*.py") if not file.stem.startswith("_"))


def load_plugin(stage: str, name: str, requires: str = "") -> ModuleType:
    """Return the tool that a word names; an unknown word, or one that lacks a needed function, is refused."""
    if name not in list_plugins(stage):
        raise UserError(f"stages/{stage} holds no tool {name!r}; {did_you_mean(name, list_plugins(stage))}")
    module = import_module(f"stages.{stage}.{name}")
    if requires and not hasattr(module, requires):
        raise UserError(
            f"stages/{stage}/{name}.py has no {requires}(), which is asked of it here; name a tool that has."
        )
    return module
