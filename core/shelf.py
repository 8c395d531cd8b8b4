"""The shelf: a word in params.yaml is the name of a file in a room."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from core.refusals import Refusal, suggest

ROOMS = Path(__file__).parent.parent / "stages"


def tools(room: str) -> list[str]:
    """Return the words that a room's shelf holds, sorted."""
    return sorted(file.stem for file in (ROOMS / room).glob("*.py") if not file.stem.startswith("_"))


def tool(room: str, word: str, skill: str = "") -> ModuleType:
    """Return the tool that a word names; an unknown word, or one that lacks a needed function, is refused."""
    if word not in tools(room):
        raise Refusal(f"stages/{room} holds no tool {word!r}; {suggest(word, tools(room))}")
    found = import_module(f"stages.{room}.{word}")
    if skill and not hasattr(found, skill):
        raise Refusal(f"stages/{room}/{word}.py has no {skill}(), which is asked of it here; name a tool that has.")
    return found
