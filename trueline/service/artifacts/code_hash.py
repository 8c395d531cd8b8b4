"""Code hash: the hash of the modules of this repository that others import, directly or through each other."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

CODE_FOLDER = Path(__file__).parents[3]
OWN_PACKAGES = ("trueline", "stages")


@cache
def hash_code(roots: tuple[str, ...]) -> str:
    """Return the MD5 of the modules named `roots` and of all that they import, wherever the repository is.

    Only the source counts, not the order of the roots or what else is loaded. Libraries are pinned by
    requirements.lock and do not count.
    """
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(find_imported_modules(roots)):
        if (file := _find_file(name)) is not None:
            digest.update(name.encode() + b"\0" + hashlib.md5(file.read_bytes(), usedforsecurity=False).digest())
    return digest.hexdigest()


def find_imported_modules(roots: Iterable[str]) -> set[str]:
    """Return the names of the roots and of the repository's modules that they import, also inside functions.

    The packages around a module are imported with it.
    """
    names: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += [*_list_own_imports(name), *filter(None, [name.rpartition(".")[0]])]
    return names


@cache
def _list_own_imports(name: str) -> tuple[str, ...]:
    file = _find_file(name)
    if file is None:
        return ()
    candidates = set(_iterate_imports(ast.parse(file.read_bytes())))
    return tuple(candidate for candidate in candidates if _find_file(candidate) is not None)


def _iterate_imports(tree: ast.AST) -> Iterator[str]:
    """Yield every name that may be an imported module; of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _find_file(name: str) -> Path | None:
    """Return the file of one of the repository's modules; None if it has no such module."""
    if name.partition(".")[0] not in OWN_PACKAGES:
        return None
    module_path = CODE_FOLDER.joinpath(*name.split("."))
    return next(
        (file for file in (module_path.with_suffix(".py"), module_path / "__init__.py") if file.is_file()), None
    )
