"""The examples of docs/data.md are read from the page, written as files, and prepared to the values that they show."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.prepare import box_scores, events, listings, props, racing, runners
from tests.pipeline_copy import ROOT
from trueline.core.runtime.params import parse_settings

PAGE = (ROOT / "docs/data.md").read_text()
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
TASKS = {"Races": (racing, runners), "Players": (props, box_scores), "Tagged events": (events, listings)}
RUNNERS = [
    *("Amber Lane", "Bold Crow", "Cold Harbour", "Dusty Mile", "Early Frost"),
    *("Fen Walker", "Grey Heron", "Hill Song", "Iron Bark", "Jolly Roan"),
]
PRICES = [2.5, 4.0, 5.0, 10.0, 20.0]
BOX_SCORES = "Box scores of the NBA's statistics service"
POINTS = [14, 11, 8, 23, 5] * 2
TAGS = ["choir", "family", "jazz", "soul", "sport", "workshop"]
TAGS_OF_JAZZ_AT_THE_MILL = {"jazz", "soul"}


class Example(NamedTuple):
    """An example of the page: the task that it is of, its files by name, and the settings below it."""

    page_part: str
    files: dict[str, str]
    settings: dict[str, Any]


def list_examples() -> dict[str, Example]:
    """Return the examples of the page by their titles."""
    examples = {}
    for page_part in TASKS:
        text = PAGE.split(f"\n## {page_part}\n")[1].split("\n## ")[0]
        for section in text.split("\n### ")[1:]:
            files = dict(re.findall(r"^`([^`\n]+)`:\n\n```(?:csv|json)\n(.*?)\n```$", section, re.M | re.S))
            yaml_block = re.search(r"^```yaml\n(.*?)\n```$", section, re.M | re.S)
            settings: dict[str, Any] = {}
            if yaml_block:
                (settings,) = yaml.safe_load(yaml_block[1])["prepare"].values()
            examples[section.splitlines()[0]] = Example(page_part, files, settings)
    return examples


EXAMPLES = list_examples()


def prepare(folder: Path, title: str) -> pd.DataFrame:
    """Write the files of an example into a folder, and prepare them as the stage does."""
    example = EXAMPLES[title]
    for name, content in example.files.items():
        (folder / name).write_text(content + "\n")
    task, reader = TASKS[example.page_part]
    name = task.__name__.rpartition(".")[2]
    settings = parse_settings(PARAMS, task.Settings, "prepare", name)
    settings = task.Settings(**settings.model_dump() | example.settings)
    rows: pd.DataFrame = task.prepare(reader.read(str(folder), settings), settings)[0]
    return rows


def check_races(rows: pd.DataFrame, names: list[str], meters: float, day: str = "2025-03-01") -> pd.DataFrame:
    assert sorted(rows["entity"]) == sorted(name.upper() for name in names)
    by_name = rows.set_index("entity")
    assert sorted(by_name.index[by_name["target"] == 1]) == ["BOLD CROW", "FEN WALKER"]
    assert [by_name.loc[name.upper(), "bsp"] for name in names] == (PRICES * 2)[: len(names)]
    assert [by_name.loc[name.upper(), "box"] for name in names] == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5][: len(names)]
    assert rows["distance_m"].eq(meters).all()
    assert rows["time"].dt.strftime("%Y-%m-%d").eq(day).all()
    assert rows["group"].nunique() == 2
    return by_name


def check_runners(rows: pd.DataFrame) -> None:
    check_races(rows, RUNNERS, 480)
    assert sorted(rows["time"].dt.strftime("%H:%M").unique()) == ["12:05", "12:25"]


def check_betfair_month(rows: pd.DataFrame) -> None:
    check_races(rows, RUNNERS[:-1], 480)
    assert sorted(rows["group"].unique()) == ["1.2000000010", "1.2000000020"]


def check_betfair_day(rows: pd.DataFrame) -> None:
    check_races(rows, RUNNERS, 480)
    assert rows["venue"].unique().tolist() == ["Ashford (AUS)"]


def check_hkjc(rows: pd.DataFrame) -> None:
    by_name = check_races(rows, RUNNERS, 1200, "2025-03-16")
    assert by_name.loc["BOLD CROW", "run_time_s"] == pytest.approx(71.25)
    assert by_name.loc["AMBER LANE", "weight_kg"] == pytest.approx(121 * 0.45359237)
    assert by_name.loc["AMBER LANE", "margin_lengths"] == pytest.approx(0.05)


def check_uk(rows: pd.DataFrame) -> None:
    by_name = check_races(rows, RUNNERS, 1207)
    assert sorted(rows["time"].dt.strftime("%H:%M").unique()) == ["13:05", "13:25"]
    assert by_name["place"].isna().to_dict()["DUSTY MILE"]


def check_guides(rows: pd.DataFrame) -> None:
    assert sorted(rows["entity"].unique()) == sorted(name.upper() for name in RUNNERS[:5])
    winners = rows[rows["target"] == 1].sort_values("time")
    assert winners["entity"].tolist() == ["AMBER LANE", "BOLD CROW"]
    assert sorted(rows["bsp"].unique()) == PRICES
    assert rows.groupby("group").size().tolist() == [5, 5]


def check_games(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.sort_values("entity")
    assert rows["target"].tolist() == POINTS
    assert rows["home"].tolist() == [1] * 5 + [0] * 5
    assert rows["opponent"].tolist() == ["BRX"] * 5 + ["ALD"] * 5
    assert rows["time"].dt.strftime("%Y-%m-%d").eq("2024-11-02").all()
    return rows


def check_tables(rows: pd.DataFrame) -> None:
    rows = check_games(rows)
    assert rows["line"].tolist() == [points - 0.5 for points in POINTS]
    assert rows["over_price"].to_numpy() == pytest.approx(-115)


def check_nba(rows: pd.DataFrame) -> None:
    rows = check_games(rows)
    assert rows["minutes"].tolist() == [30.5, 28.5, 26.5, 24.5, 22.5] * 2
    assert rows["season"].eq("2024-25").all()


def check_odds(rows: pd.DataFrame) -> None:
    rows = check_games(rows).set_index("player")
    quoted = rows[rows["line_type"] == "actual"]
    assert quoted["line"].to_dict() == {"Abel Stone": 13.5, "Ben Hale": 10.5, "Finn Oake": 13.5}
    assert quoted["n_books"].to_dict() == {"Abel Stone": 2, "Ben Hale": 1, "Finn Oake": 1}
    assert quoted["over_price"].to_numpy() == pytest.approx(-115)
    assert quoted["under_price"].to_numpy() == pytest.approx(-105)


def check_pickem(rows: pd.DataFrame) -> None:
    rows = check_games(rows)
    assert rows["line"].tolist()[1:] == [points - 0.5 for points in POINTS[1:]]
    assert np.isnan(rows["line"].iloc[0])
    assert rows["over_price"].isna().all()


def check_football(rows: pd.DataFrame) -> None:
    assert rows.sort_values("entity")["target"].tolist() == [17 * number for number in range(10)]
    assert rows["time"].dt.strftime("%Y-%m-%d").eq("2024-09-08").all()
    assert rows["game_id"].nunique() == 1
    assert "Abel Stone" in rows["player"].tolist()


def check_soccer(rows: pd.DataFrame) -> None:
    rows = rows.sort_values("entity")
    assert rows["target"].tolist() == [0, 1, 2, 3, 4] * 2
    assert rows["minutes"].tolist() == [90, 85, 80, 75, 70] * 2
    assert rows["goals"].sum() == 1


def check_baseball(rows: pd.DataFrame) -> None:
    rows = rows.sort_values("entity")
    assert rows["target"].tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert rows["minutes"].to_numpy() == pytest.approx([6, 17 / 3, 1 / 3, 1, 2] * 2)


def check_tags(rows: pd.DataFrame, count: int = 10) -> None:
    assert len(rows) == count
    assert sorted(name.removeprefix("target:") for name in map(str, rows) if name.startswith("target:")) == TAGS
    first = rows[rows["name"].str.contains("Jazz at the Mill")].iloc[0]
    assert {tag for tag in TAGS if first[f"target:{tag}"] == 1} == TAGS_OF_JAZZ_AT_THE_MILL


def check_dated_tags(rows: pd.DataFrame) -> None:
    check_tags(rows)
    assert sorted(rows["time"].dt.strftime("%Y-%m-%d"))[::9] == ["2025-03-10", "2025-03-19"]


CHECKS: dict[str, Callable[[pd.DataFrame], None]] = {
    "A table of runners": check_runners,
    "Betfair, a month of starting prices": check_betfair_month,
    "Betfair, a day of prices": check_betfair_day,
    "Result tables of the Hong Kong Jockey Club": check_hkjc,
    "A scraper of British and Irish results": check_uk,
    "Form guides": check_guides,
    "Tables of games and lines": check_tables,
    BOX_SCORES: check_nba,
    "An odds API, JSON": check_odds,
    "An odds API, CSV": check_odds,
    "A pick'em board": check_pickem,
    "Weekly statistics of American football": check_football,
    "Matches of soccer": check_soccer,
    "Pitchers of baseball": check_baseball,
    "A list of events": check_tags,
    "Events with days": check_dated_tags,
    "One row a tag": lambda rows: check_tags(rows, 8),
    "One column a tag": check_tags,
    "Tags as numbers": check_tags,
    "Objects of an API": check_tags,
    "Hash tags, arrays and sets": check_tags,
}
BESIDE_BOX_SCORES = ("An odds API, JSON", "An odds API, CSV", "A pick'em board")


def test_every_shape_of_the_page_and_every_download_has_an_example() -> None:
    assert list(EXAMPLES) == list(CHECKS)
    for example in EXAMPLES.values():
        assert example.files
        assert all(8 <= len(content.splitlines()) <= 17 for content in example.files.values())
    for reader in (runners, box_scores):
        for shape in reader.DOWNLOADS:
            assert shape.__name__.replace(".", "/") + ".py" in PAGE


@pytest.mark.parametrize("title", CHECKS)
def test_an_example_is_prepared_to_the_values_that_it_shows(title: str, tmp_path: Path) -> None:
    if title in BESIDE_BOX_SCORES:
        for name, content in EXAMPLES[BOX_SCORES].files.items():
            (tmp_path / name).write_text(content + "\n")
    CHECKS[title](prepare(tmp_path, title))
