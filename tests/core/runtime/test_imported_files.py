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
