"""Downloads as they are, and one edited line of params.yaml, lead to the report, with the figures that are known."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests import download_makers, pipeline_copy

Walked = tuple[dict[str, Any], dict[str, Any], pd.DataFrame, pd.DataFrame]


def walk_from(folder: Path, task: str, source: Path) -> Walked:
    """Walk all stages of a task on a source, by one edited line.

    Return its scores, its quality report, its prepared rows and those of them that some test fold scores.
    """
    pipeline_copy.copy(folder)
    params = folder / "params.yaml"
    before = params.read_text().splitlines()
    after = [line.replace(f"source: data/sample/{task}", f"source: {source}") for line in before]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    params.write_text("\n".join(after).replace("\nworkers: 2 ", "\nworkers: 1 "))  # which changes no result
    pipeline_copy.run_pipeline(folder, task)
    metrics = folder / f"metrics/{task}"
    assert '<html lang="en">' in (metrics / "report.html").read_text()
    diagnosis = json.loads((metrics / "diagnosis.json").read_text())
    assert not [finding for finding in diagnosis["checks"].values() if finding["status"] == "failed"]
    scores, quality = (json.loads((metrics / f"{name}.json").read_text()) for name in ("scores", "quality"))
    rows = pd.read_parquet(folder / f"data/prepared/{task}.parquet")
    folds = pd.read_parquet(folder / f"data/folds/{task}.parquet").set_index("row_id").filter(like="test_")
    is_scored = (folds == "score").any(axis=1).reindex(rows["row_id"]).to_numpy()
    return scores[task], quality, rows, rows[is_scored]


def test_a_month_of_betfair_files_walks_to_the_report(tmp_path: Path) -> None:
    month = download_makers.make_betfair_month()
    source = tmp_path / "betfair"
    source.mkdir()
    month.to_csv(source / "ANZ_Greyhounds_2025_03.csv", index=False)
    scores, quality, rows, scored = walk_from(tmp_path / "project", "racing", source)
    ran = month[month["WIN_RESULT"] != "REMOVED"]
    assert quality["intake"]["rows"] == {"in": len(ran), "kept": len(ran)}
    assert quality["intake"]["set_aside"] == {}
    assert sorted(rows["group"].unique()) == sorted(month["WIN_MARKET_ID"].unique())
    truth = ran.assign(entity=ran["SELECTION_NAME"].str.replace(r"^\d\. ", "", regex=True).str.upper())
    joined = rows.merge(truth, left_on=["group", "entity"], right_on=["WIN_MARKET_ID", "entity"], validate="1:1")
    assert len(joined) == len(ran)
    assert (joined["target"] == (joined["WIN_RESULT"] == "WINNER")).all()
    assert joined["bsp"].to_numpy() == pytest.approx(joined["WIN_BSP"].to_numpy())
    assert joined["distance_m"].eq(480).all()
    assert scores["races"] == scored["group"].nunique() == 15 * 4  # the second half of the month
    inverse = 1 / scored["bsp"]
    chance = inverse / inverse.groupby(scored["group"]).transform("sum")
    market_loss = -np.log(chance[scored["target"] == 1]).mean()
    uniform_loss = np.log(scored.groupby("group").size()).mean()
    assert scores["log_loss_uniform"] == pytest.approx(uniform_loss, abs=1e-4)
    assert scores["market_r2"] == pytest.approx(1 - market_loss / uniform_loss, abs=1e-3)


def test_a_season_of_nba_box_scores_and_an_odds_feed_walk_to_the_report(tmp_path: Path) -> None:
    games, events = download_makers.make_nba_season()
    source = tmp_path / "nba"
    source.mkdir()
    games.to_csv(source / "player_game_logs.csv", index=False)
    download_makers.write_events(events, source / "odds.json")
    scores, quality, rows, scored = walk_from(tmp_path / "project", "props", source)
    assert (quality["sport"], quality["quantity"]) == ("basketball", "points")
    assert quality["intake"]["rows"] == {"in": len(games), "kept": len(games)}
    games = games.assign(entity=games["PLAYER_ID"].astype(str), time=pd.to_datetime(games["GAME_DATE"]))
    joined = rows.merge(games, on=["entity", "time"], validate="1:1")
    assert len(joined) == len(games)
    assert (joined["target"] == joined["PTS"]).all()
    assert (joined["home"] == joined["MATCHUP"].str.contains("vs.", regex=False)).all()
    has_line = (joined["time"] - joined["time"].min()).dt.days % 5 != 0
    assert (joined["line"].notna() == has_line).all()
    # the first book quotes the main line only, the second also an alternate above it
    main_lines = {
        (outcome["description"], market["last_update"][:10]): outcome["point"]
        for event in events
        for market in event["bookmakers"][0]["markets"]
        for outcome in market["outcomes"]
    }
    keys = zip(joined["PLAYER_NAME"], joined["GAME_DATE"].str[:10], strict=True)
    expected_lines = np.array([main_lines.get(key, np.nan) for key in keys])
    np.testing.assert_array_equal(joined["line"], expected_lines)
    assert joined["n_books"][has_line].eq(2).all()
    assert quality["set_aside"]["lines"] == {"alternate line of the same book": int(has_line.sum())}
    lined = scored[scored["line"].notna()]
    command = [sys.executable, "-m", "trueline", "gap", "props"]
    gap = subprocess.run(command, cwd=tmp_path / "project", capture_output=True, text=True, check=True).stdout
    assert gap.splitlines()[-1].startswith("The backtest's own scores are believable: ")
    assert scores["rows"] == len(lined) > 300
    assert scores["line_mae"] == pytest.approx((lined["line"] - lined["target"]).abs().mean(), abs=1e-4)


def test_weeks_of_american_football_and_an_odds_feed_walk_to_the_report(tmp_path: Path) -> None:
    weeks = download_makers.make_nfl_weeks()
    source = tmp_path / "nfl"
    source.mkdir()
    weeks.to_csv(source / "player_stats.csv", index=False)
    download_makers.make_nfl_odds(weeks).to_csv(source / "odds.csv", index=False)
    scores, quality, rows, scored = walk_from(tmp_path / "project", "props", source)
    assert (quality["sport"], quality["quantity"]) == ("american_football", "receiving_yards")
    assert quality["intake"]["rows"] == {"in": len(weeks), "kept": len(weeks)}
    assert rows["time"].dt.day_name().eq("Sunday").all()
    first_day = rows.groupby("season")["time"].transform("min")
    rows = rows.assign(week=(rows["time"] - first_day).dt.days // 7 + 1, season=rows["season"].astype(int))
    joined = rows.merge(weeks, left_on=["entity", "season", "week"], right_on=["player_id", "season", "week"])
    assert len(joined) == len(weeks)
    assert (joined["target"] == joined["receiving_yards_y"]).all()
    assert (joined["line"] == 60.5 - 10 * (joined["player_id"].str[-1].astype(int) % 4)).all()
    # no bet is graded on a quote of Thursday: it had ended when the day of the week, its Sunday, began
    thursdays = joined.loc[joined["week"] % 3 == 0, "row_id"]
    graded = scored[~scored["row_id"].isin(thursdays)]
    assert scores["rows"] == len(graded) > 200
    assert scores["line_mae"] == pytest.approx((graded["line"] - graded["target"]).abs().mean(), abs=1e-4)
