"""The shipped cards are of the day after each sample, and of those who are in it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline_copy import ROOT
from trueline.samples import events, props, racing

SAMPLES = {"racing": racing, "props": props, "events": events}
SHIPPED = ROOT / "data/sample/cards"


@pytest.mark.parametrize("task", SAMPLES)
def test_the_card_in_the_repository_is_the_one_that_the_command_writes(task: str, tmp_path: Path) -> None:
    SAMPLES[task].write_card(tmp_path)
    files = [file for file in sorted(tmp_path.rglob("*")) if file.is_file()]
    assert files
    for file in files:
        assert file.read_bytes() == (SHIPPED / file.relative_to(tmp_path)).read_bytes()


def test_runners_are_those_of_the_sample_on_the_day_after_it() -> None:
    card, sample = pd.read_csv(SHIPPED / "racing.csv", parse_dates=["start_time"]), racing.make_sample()
    assert set(card["runner"]) <= set(sample["runner"])
    assert set(card["start_time"].dt.normalize()) == {sample["start_time"].max().normalize() + pd.Timedelta(days=1)}
    assert not {"won", "place", "bsp"} & set(card)
    known = card.merge(sample[["runner", "trainer"]].drop_duplicates(), on=["runner", "trainer"])
    assert len(known) == len(card)


def test_players_are_those_of_their_teams_on_the_day_after_the_sample() -> None:
    games, lines = (pd.read_csv(SHIPPED / f"props/{name}.csv") for name in ("games", "lines"))
    sample = pd.read_parquet(ROOT / "data/sample/props/games.parquet")
    newest = sample.sort_values("date").drop_duplicates("player_id", keep="last").set_index("player_id")
    assert (newest.loc[games["player_id"], "team"].to_numpy() == games["team"]).all()
    assert set(games["date"]) == {f"{sample['date'].max() + pd.Timedelta(days=1):%Y-%m-%d}"}
    assert not {"minutes", "points"} & set(games)
    assert set(lines["player_id"]) <= set(games["player_id"])
    assert (lines.groupby("player_id")["line"].nunique() > 1).any()


def test_texts_are_none_of_the_sample_and_have_no_tags() -> None:
    card = json.loads((SHIPPED / "events.json").read_text("utf-8"))
    sample = {event["description"] for event in events.make_sample()}
    assert all("tags" not in event and event["description"] not in sample for event in card)
    assert len({event["id"] for event in card}) == len(card)
