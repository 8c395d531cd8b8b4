"""A card is read by the reader of its task, from a file, a folder or a database."""

from pathlib import Path

import pandas as pd
import pytest

from trueline.core.errors import UserError
from trueline.core.tables.source_settings import PLAIN_SOURCE
from trueline.predict.card_reading import read_raw_card

ROWS = pd.DataFrame({"race_id": ["r1", "r1"], "runner": ["Ann", "Bob"], "box": [1, 2]})


def test_a_file_a_folder_and_a_compressed_file_give_the_same_table(tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "tomorrow.csv", index=False)
    ROWS.to_csv(tmp_path / "2024.05.csv.gz", index=False)
    (tmp_path / "folder").mkdir()
    ROWS.to_parquet(tmp_path / "folder/runners.parquet")
    for name in ("tomorrow.csv", "2024.05.csv.gz", "folder"):
        pd.testing.assert_frame_equal(read_raw_card("runners", tmp_path / name, PLAIN_SOURCE), ROWS, check_dtype=False)
    games = read_raw_card("box_scores", tmp_path / "tomorrow.csv", PLAIN_SOURCE)
    assert list(games) == ["games"]


def test_a_card_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "card.doc").write_text("")
    (tmp_path / "card.csv").write_text("")
    for name, problem in (
        ("none.csv", "does not exist"),
        ("card.doc", "is not one of .parquet, .csv"),
        ("card.csv", r"card\.csv is empty"),
    ):
        with pytest.raises(UserError, match=problem) as refusal:
            read_raw_card("runners", tmp_path / name, PLAIN_SOURCE)
        assert str(tmp_path / name) in str(refusal.value)
        assert "trueline-" not in str(refusal.value)
