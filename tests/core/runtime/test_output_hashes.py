"""The hashes of files and folders are DVC's own."""

from pathlib import Path

from dvc_data.hashfile.build import build
from dvc_data.hashfile.db.local import LocalHashFileDB
from dvc_objects.fs.local import LocalFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trueline.core.runtime.output_hashes import hash_path

NAMES = st.text("abcö_.- Z", min_size=1, max_size=4).filter(lambda name: set(name) - {".", " "} != set())
FILES = st.dictionaries(st.tuples(NAMES, NAMES), st.binary(max_size=20), min_size=1, max_size=4)


def ask_dvc(path: Path, cache: Path) -> str:
    files = LocalFileSystem()  # type: ignore[no-untyped-call]  # DVC's libraries have few types
    database = LocalHashFileDB(files, str(cache))  # type: ignore[no-untyped-call]
    _, _, built = build(database, str(path), files, "md5", dry_run=True)
    return str(built.hash_info.value)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_a_folder_and_each_of_its_files_have_the_hash_that_dvc_gives_them(
    tmp_path: Path, files: dict[tuple[str, str], bytes]
) -> None:
    root = tmp_path / str(len(list(tmp_path.iterdir())))
    for (folder, name), content in files.items():
        (root / f"d{folder}").mkdir(parents=True, exist_ok=True)
        (root / f"d{folder}" / name).write_bytes(content)
    assert hash_path(root) == ask_dvc(root, tmp_path / "cache")
    for file in root.glob("*/*"):
        assert hash_path(file) == ask_dvc(file, tmp_path / "cache")
