"""Texts that were written as UTF-8 and read as Windows-1252 or Latin-1 come back, and no other text changes."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.tables.garbled_text import restore_table, restore_text
from trueline.core.tables.raw_sources import read_table_file

LATIN = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ£§°»«¿¡"
FURTHER = "ąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽğışŞİőűāēīū"
TYPED = "–—‘’“”•…€™"
WORDS = st.text(st.sampled_from(LATIN + FURTHER + TYPED + "abc xyz-.,'"), max_size=12)


def garble(text: str, encoding: str) -> str:
    """Return a text as a program shows its UTF-8 that takes it for another encoding of single bytes."""
    return "".join(
        bytes([code]).decode(encoding, errors="ignore") or bytes([code]).decode("latin-1")
        for code in text.encode("utf-8")
    )


@given(WORDS, st.sampled_from(["cp1252", "latin-1"]))
def test_a_garbled_text_is_what_it_was(text: str, encoding: str) -> None:
    assert restore_text(garble(text, encoding)) == restore_text(text)


@pytest.mark.parametrize("word", ["Москва", "Ελλάδα", "日本語", "한국어", "😀"])
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_words_in_other_scripts_come_back(word: str, encoding: str) -> None:
    assert restore_text(garble(word, encoding)) == word


@pytest.mark.parametrize(
    "text",
    ["São João", "GARÇÃO", "VÝŠKA MALÝŽ", "Ñandú", "ÎLE À «L’ÂME»", "Ärger, Åre", "naïve – “déjà vu”", "5 £", "Ελλάδα"],
)
def test_a_text_that_is_right_stays(text: str) -> None:
    assert restore_text(text) == text


def test_every_cell_and_name_of_a_file_is_repaired_and_the_count_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"nom équipe": "Café", "tags": ["Théâtre", "food"], "n": 1}, {"nom équipe": "Bar", "tags": ["Ñ"], "n": 2}]
    garbled = garble(json.dumps(rows, ensure_ascii=False), "cp1252")
    (tmp_path / "events.json").write_text(garbled, encoding="utf-8")
    pd.DataFrame(rows)[["nom équipe", "n"]].to_csv(tmp_path / "plain.csv", index=False)
    (tmp_path / "runners.csv").write_text(garble((tmp_path / "plain.csv").read_text("utf-8"), "cp1252"))
    assert read_table_file(tmp_path / "events.json").to_dict("records") == rows
    assert "events.json: 3 cells are UTF-8 that was read as Windows-1252" in capsys.readouterr().out
    pd.testing.assert_frame_equal(read_table_file(tmp_path / "runners.csv"), read_table_file(tmp_path / "plain.csv"))
    assert "runners.csv: 1 cells are UTF-8" in capsys.readouterr().out


def test_a_table_that_is_right_is_the_same_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame(
        {
            "name": ["Café", None, "Bar"],
            "place": ["Bar", "Kö", None],
            "id": [2**60 + 1, 2, 3],
            "tags": [["é"], None, {"a": 1}],
        }
    )
    pd.testing.assert_frame_equal(restore_table(table, "a.parquet"), table)
    assert capsys.readouterr().out == ""
