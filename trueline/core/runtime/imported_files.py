"""Imported files: what code imports from elsewhere than Python and its libraries, whether it is loaded yet or not."""

import ast
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.machinery import all_suffixes
from importlib.util import find_spec
from pathlib import Path

OWN_PACKAGES = ("stages", "trueline")


def list_code_files(folder: Path) -> list[Path]:
    """Return the files of a folder that Python can import, also below links to other folders, sorted."""
    suffixes = tuple(all_suffixes())
    files = []
    for place, folder_names, file_names in os.walk(folder, followlinks=True):
        folder_names[:] = [name for name in folder_names if name != "__pycache__"]
        files += [Path(place, name) for name in file_names if name.endswith(suffixes)]
    return sorted(files)


def find_imported_files(files: Iterable[Path], root: Path, known_folders: Iterable[Path]) -> list[Path]:
    """Return the files outside some folders that files import, directly or through each other, sorted.

    An import inside a function counts, too; one by a name that is computed is not found. `root` is the folder of the
    repository's packages, of which the very modules are found; of any other package, all files are.
    """
    prefixes = tuple(f"{folder}{os.sep}" for folder in known_folders)
    found: set[Path] = set()
    waiting = [file for file in files if file.suffix == ".py"]
    while waiting:
        names = _list_imports(waiting.pop())
        imported = {file for name in names for file in _find_files(name, root) if not str(file).startswith(prefixes)}
        waiting += [file for file in imported - found if file.suffix == ".py"]
        found |= imported
    return sorted(found)


def list_library_folders() -> tuple[str, ...]:
    """Return the folders of Python and of its libraries, each with a separator at its end."""
    return tuple(f"{folder}{os.sep}" for folder in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()))


def _list_imports(file: Path) -> Iterator[str]:
    """Yield every name that may be an imported module; of `from a import b` both a and a.b."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:  # nobody can import it either
        return
    for node in _list_statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _list_statements(tree: ast.Module) -> list[ast.AST]:
    """Return all statements of a module, and their handlers and cases; imports lie in no expression."""
    statements: list[ast.AST] = list(tree.body)
    for statement in statements:  # grows meanwhile
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):
            statements += getattr(statement, block, ())
    return statements


def _find_files(name: str, root: Path) -> Iterable[Path]:
    package = name.partition(".")[0]
    if package not in OWN_PACKAGES:
        return _find_foreign_files(package)
    path = root.joinpath(*name.split("."))
    return [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]


@lru_cache
def _find_foreign_files(package: str) -> list[Path]:
    """Return all files of a package or module, none if it is one of Python or of its libraries."""
    if package in sys.stdlib_module_names:
        return []
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    places = [Path(place) for place in spec.submodule_search_locations or [spec.origin or ""]]
    foreign_places = [place for place in places if not str(place).startswith(list_library_folders())]
    return [file for place in foreign_places for file in ([place] if place.is_file() else list_code_files(place))]
