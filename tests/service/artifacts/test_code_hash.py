"""The code of an answer is what Python really loads for it, and an edit of any of it changes the hash."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trueline.service.artifacts import code_hash

ROOT = Path(__file__).parents[3]
ROOTS = {
    "events": ("trueline.service.tasks.events", "stages.train.tfidf_linear", "stages.calibrate.thresholds"),
    "racing": ("trueline.service.tasks.racing", "stages.features.racing", "stages.calibrate.platt"),
}


@pytest.mark.parametrize("task", sorted(ROOTS))
def test_every_module_that_python_loads_is_counted(task: str) -> None:
    code = f"import sys, {', '.join(ROOTS[task])}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.partition(".")[0] in code_hash.OWN_PACKAGES}
    assert loaded - code_hash.find_imported_modules(ROOTS[task]) == set()
    assert len(loaded) > 10


def test_an_edit_of_an_imported_module_changes_the_hash_and_another_edit_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("trueline", "stages"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.lock"))
    monkeypatch.setattr(code_hash, "CODE_FOLDER", tmp_path)

    def compute_hash() -> str:
        code_hash.hash_code.cache_clear()
        code_hash._list_own_imports.cache_clear()
        return code_hash.hash_code(ROOTS["events"])

    before = compute_hash()
    assert before == compute_hash()
    with (tmp_path / "stages/prepare/racing/rules.py").open("a") as unrelated:
        unrelated.write("A = 1\n")
    assert compute_hash() == before
    with (tmp_path / "trueline/core/text/cleaning.py").open("a") as imported:
        imported.write("A = 1\n")
    assert compute_hash() != before
    code_hash.hash_code.cache_clear()
    code_hash._list_own_imports.cache_clear()
