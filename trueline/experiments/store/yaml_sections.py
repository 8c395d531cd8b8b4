"""Parse many YAML files that have most sections in common: a section that occurred before is not parsed again.

The params.yaml and dvc.lock of three hundred experiments differ in a few sections each. Parsing takes most of the time
of the first command in a fresh clone.
"""

import re
from functools import lru_cache
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster, where it is built in
KEPT_SECTIONS = 8192  # sections that are kept parsed, a few kilobytes each
SPLIT_LEVELS = 2  # of nested mappings whose keys begin a section of their own
LINE = re.compile(r"[^\n]*\n|[^\n]+")
KEY_LINE = re.compile(r"""( *)[\w"'].*\n?""")  # may begin a section; whether it does shows when it is parsed
CONTINUED_LINE = re.compile(r" *(#.*|-( .*)?)?\n?")  # a comment, an item of a list, or nothing: goes on with a section
HEAD_LINE = re.compile(r"( *)[\w.@$/-]+: *(#.*)?\n?")  # a key whose value follows on lines of its own


def load_yaml(content: bytes) -> Any:
    """Return what `yaml.safe_load` returns for a file; parts of the result are shared, so change nothing in it.

    Raises YAMLError for a file that is not YAML, and ValueError for one that is not UTF-8.
    """
    text = content.decode()
    sections = _split_sections(LINE.findall(text), SPLIT_LEVELS)
    return yaml.load(content, LOADER) if sections is None else sections


@lru_cache(KEPT_SECTIONS)
def _load_section(text: str) -> Any:
    return yaml.load(text, LOADER)


def _split_sections(lines: list[str], levels: int) -> dict[Any, Any] | None:
    """Return the mapping that lines of YAML make, section by section, or None if it must be parsed as a whole."""
    sections = _group_lines(lines)
    merged: dict[Any, Any] = {}
    for section in sections or ():
        try:
            value = _load_nested(section, levels - 1)
        except yaml.YAMLError:  # such as a quoted text of several lines, or a name that another section defines
            return None
        if not isinstance(value, dict):
            return None
        merged |= value
    return merged or None


def _load_nested(section: list[str], levels: int) -> Any:
    head = HEAD_LINE.fullmatch(section[0])
    nested = _split_sections(section[1:], levels) if head and levels else None
    if nested is None:
        return _load_section("".join(section))
    (key,) = _load_section(section[0])
    return {key: nested}


def _group_lines(lines: list[str]) -> list[list[str]] | None:
    """Return the lines of each key of a mapping, or None if a line is at the keys' column and is none."""
    first_key = next((line for line in lines if not CONTINUED_LINE.fullmatch(line)), "")
    width = len(first_key) - len(first_key.lstrip(" "))
    sections: list[list[str]] = [[]]
    for line in lines:
        if line[:width].strip(" ") == "" and line[width : width + 1] != " " and not CONTINUED_LINE.fullmatch(line):
            if not KEY_LINE.fullmatch(line):
                return None
            sections.append([])
        sections[-1].append(line)
    leading, *keyed = sections
    return keyed if all(line.lstrip(" ")[:1] in ("", "\n", "#") for line in leading) else None
