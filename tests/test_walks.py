"""Downloads as they are, and one edited line of params.yaml, lead to the report, with the figures that are known."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests import download_makers, pipeline_copy


def walk_from(folder: Path, task: str, source: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Walk all stages of a task on a source, by one edited line; return its quality report and prepared rows."""
    pipeline_copy.copy(folder)
    params = folder / "params.yaml"
    before = params.read_text().splitlines()
    after = [
        line.replace(f"source: data/sample/{task}", f"source: {source}") if "data/sample" in line else line
        for line in before
    ]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    params.write_text("\n".join(after))
    pipeline_copy.walk(folder, task)
    assert "<html" in (folder / f"metrics/{task}/report.html").read_text()[:200]
    assert json.loads((folder / f"metrics/{task}/scores.json").read_text())
    quality = json.loads((folder / f"metrics/{task}/quality.json").read_text())
    return quality, pd.read_parquet(folder / f"data/prepared/{task}.parquet")


def test_a_month_of_betfair_files_walks_to_the_report(tmp_path: Path) -> None:
    month = download_makers.make_betfair_month()
    source = tmp_path / "betfair"
    source.mkdir()
    month.to_csv(source / "ANZ_Greyhounds_2025_03.csv", index=False)
    quality, rows = walk_from(tmp_path / "project", "racing", source)
    print(quality)
    assert len(rows) == len(month)


def test_a_season_of_nba_box_scores_and_an_odds_feed_walk_to_the_report(tmp_path: Path) -> None:
    games, events = download_makers.make_nba_season()
    source = tmp_path / "nba"
    source.mkdir()
    games.to_csv(source / "player_game_logs.csv", index=False)
    download_makers.write_events(events, source / "odds.json")
    quality, rows = walk_from(tmp_path / "project", "props", source)
    print(quality)
    assert len(rows) == len(games)


def test_weeks_of_american_football_walk_to_the_report(tmp_path: Path) -> None:
    weeks = download_makers.make_nfl_weeks()
    source = tmp_path / "nfl"
    source.mkdir()
    weeks.to_csv(source / "player_stats.csv", index=False)
    quality, rows = walk_from(tmp_path / "project", "props", source)
    print(quality)
    assert len(rows) == len(weeks)
