"""JSON lines: rows survive wherever a file was cut off."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trueline.core import jsonl


def test_lines_that_hold_no_object_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1}\n[1]\n{"a"\n\n\xff\n3\n{"a": 2}')
    (tmp_path / "b.txt").write_text('{"a": 3}\n')
    (tmp_path / "c").mkdir()
    (tmp_path / "c/d.jsonl").write_text('{"a": 4}\n')
    assert jsonl.read_json_lines(tmp_path) == [{"a": 1}, {"a": 2}]


def test_files_come_in_the_order_of_their_names_and_no_folder_is_no_row(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"a": "{name}"}}\n')
    assert [row["a"] for row in jsonl.read_json_lines(tmp_path)] == ["a", "b"]
    assert jsonl.read_json_lines(tmp_path / "nowhere") == []


@given(st.integers(0, 60))
def test_a_file_that_was_cut_loses_the_line_it_was_cut_in_and_no_other(tmp_path_factory: object, cut: int) -> None:
    folder = tmp_path_factory.mktemp("cut")  # type: ignore[attr-defined]
    whole = b"".join(b'{"number": %d}\n' % number for number in range(4))
    (folder / "a.jsonl").write_bytes(whole[:cut])
    ends = range(14, 57, 14)  # ends of the lines, each with its line feed, which need not be there
    assert [row["number"] for row in jsonl.read_json_lines(folder)] == [
        n for n, end in enumerate(ends) if cut >= end - 1
    ]
