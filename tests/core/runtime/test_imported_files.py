"""What code imports is found before it is loaded: helpers beside the repository, other stages' modules, links."""

import sys
from pathlib import Path

import pytest

from trueline.core.runtime import imported_files
from trueline.core.runtime.imported_files import find_imported_files, list_code_files


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a plugin, a module of another stage, and a package and a module beside the stages."""
    files = {
        "stages/train/plugin.py": "from stages.prepare import shared\n\ndef fit():\n    import json, brought_along",
        "stages/prepare/__init__.py": "",
        "stages/prepare/shared.py": "import json",
        "stages/prepare/unused.py": "",
        "brought_along/__init__.py": "from . import part",
        "brought_along/part.py": "import brought_module",
        "brought_module.py": "this is no Python",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    imported_files._find_foreign_files.cache_clear()
    return tmp_path


def test_imports_are_followed_to_files_outside_the_known_folders(root: Path) -> None:
    stage_folder = root / "stages/train"
    found = find_imported_files(list_code_files(stage_folder), root, [stage_folder])
    assert [str(file.relative_to(root)) for file in found] == [
        *("brought_along/__init__.py", "brought_along/part.py", "brought_module.py"),
        *("stages/prepare/__init__.py", "stages/prepare/shared.py"),
    ]


def test_compiled_modules_and_those_below_links_are_code_of_a_folder(root: Path) -> None:
    stage_folder = root / "stages/train"
    (stage_folder / "linked").symlink_to(root / "brought_along")
    for name in ("fast.so", "notes.txt", "__pycache__/plugin.pyc"):
        (stage_folder / name).parent.mkdir(exist_ok=True)
        (stage_folder / name).touch()
    names = [str(file.relative_to(stage_folder)) for file in list_code_files(stage_folder)]
    assert names == ["fast.so", "linked/__init__.py", "linked/part.py", "plugin.py"]


def test_an_import_in_any_block_of_statements_is_found(root: Path) -> None:
    blocks = """
if 1:
    import a1
elif 2:
    import a2
else:
    import a3
for _ in ():
    import a4
else:
    import a5
while 0:
    import a6
try:
    import a7
except ValueError:
    import a8
else:
    import a9
finally:
    import b1
with open("x"):
    import b2
match 1:
    case 1:
        import b3
class Model:
    import b4
    async def fit(self):
        async with self:
            import b5
        async for _ in self:
            import b6
def fit():
    def inner():
        import b7
try:
    import b8
except* ValueError:
    import b9
"""
    (root / "stages/train/plugin.py").write_text(blocks)
    names = [f"{letter}{digit}" for letter in "ab" for digit in range(1, 10)]
    for name in names:
        (root / f"{name}.py").touch()
    found = find_imported_files([root / "stages/train/plugin.py"], root, [])
    assert [file.stem for file in found] == names
