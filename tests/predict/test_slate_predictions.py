"""Slates: the service's forecasts bit for bit, every line with its chances and best prices, and one logged row each."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.prepare import box_scores
from tests.own_fixtures import add_own_columns, get_posted_own
from tests.predict.page_commands import run_page_command
from tests.service import running_service
from trueline.core.errors import UserError
from trueline.core.stats.count_distribution import compute_cdf
from trueline.predict.card import Card
from trueline.predict.predict_card import PredictedCard, predict_with_model
from trueline.predict.predict_settings import PredictSettings
from trueline.predict.proven_lead import Lead
from trueline.predict.tasks import props as slate_predictions
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.loaded_models import LoadedModel
from trueline.service.model_loading import load_task_model
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.tasks import props as service

SCHEDULE = ["player_id", "player", "date", "start_time", "game_id", "season", "season_type", "team", "opponent", "home"]
OWN_BEFORE = ["Jockey", "Official Rating", "hood"]
QUOTE = ["player_id", "date", "line", "over_price", "under_price", "book", "quoted_at"]
LIMITS: dict[str, Any] = {
    "kelly_fraction": 0.5,
    "cap": 0.02,
    "group_cap": 0.1,
    "min_edge": 0.0,
    "max_model_age_days": None,
}
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the pipeline ran; tests must not change it."""
    folder = running_service.repository(tmp_path_factory.mktemp("slates"), "props", own_table="games")
    card = folder / "data/sample/cards/props/games.csv"
    add_own_columns(pd.read_csv(card)).to_csv(card, index=False)
    return folder


@pytest.fixture(scope="module")
def loaded(repository: Path) -> LoadedModel:
    """The workspace's model."""
    return load_task_model("props", open_workspace(repository))


@pytest.fixture(scope="module")
def prepared(repository: Path) -> pd.DataFrame:
    """The prepared rows of the last two days with games."""
    rows = running_service.table(repository, "prepared", "props")
    return rows[rows["time"].isin(rows["time"].drop_duplicates().iloc[-2:])]


@pytest.fixture(scope="module")
def slate(repository: Path, prepared: pd.DataFrame) -> Tables:
    """The schedule of these days, shuffled, and one book's quotes of the first morning: main lines and alternates."""
    raw = box_scores.read(str(repository / "data/sample/props"))["games"]
    games = raw[raw["date"].isin(prepared["time"])].drop_duplicates(["player_id", "date"])
    games = games[SCHEDULE + OWN_BEFORE].sample(frac=1, random_state=3).reset_index(drop=True)
    quoted = games.iloc[::2][["player_id", "date"]]
    morning = games["date"].min() + pd.Timedelta(hours=8)
    mains = quoted.assign(line=11.5, over_price=-110.0, under_price=-110.0, book="North Book", quoted_at=morning)
    alternates = mains.assign(line=14.5, over_price=150.0, under_price=-180.0)
    return {"games": games, "lines": pd.concat([mains, alternates], ignore_index=True)[QUOTE]}


def moment_of(slate: Tables) -> pd.Timestamp:
    """Return noon of the slate's first day."""
    first: pd.Timestamp = slate["games"]["date"].min() + pd.Timedelta(hours=12)
    return first


def predicted(repository: Path, loaded: LoadedModel, slate: Tables, folder: Path, **options: Any) -> PredictedCard:
    """Return the predictions of a slate that is written as a folder of CSV files."""
    card = folder / "slate"
    card.mkdir(exist_ok=True)
    for name, table in slate.items():
        table.to_csv(card / f"{name}.csv", index=False)
    return predict_with_model(repository, loaded, card, options.pop("moment", moment_of(slate)), **options)


@pytest.fixture(scope="module")
def answer(
    repository: Path, loaded: LoadedModel, slate: Tables, tmp_path_factory: pytest.TempPathFactory
) -> PredictedCard:
    """The predictions of the slate."""
    return predicted(repository, loaded, slate, tmp_path_factory.mktemp("answer"))


def main_lines(answer: PredictedCard) -> Any:
    """Return the rows of the main lines, and of players without one, by player and day."""
    rows = answer.table[answer.table["line_kind"] != "alternate"]
    return rows.assign(player_id=rows["player_id"].astype(str)).set_index(["player_id", "date"])


def test_a_slate_s_forecasts_and_log_are_those_of_the_service_bit_for_bit(
    loaded: LoadedModel, prepared: pd.DataFrame, answer: PredictedCard
) -> None:
    rows = main_lines(answer)
    posted = [
        {"player_id": row["entity"], "date": f"{row['time']:%Y-%m-%d}", "home": row["home"] == 1}
        | {name: row[name] for name in ("game_id", "season", "season_type", "team", "opponent")}
        | {"own_columns": get_posted_own(row, "before")}
        for row in running_service.records(prepared)
    ]
    for row in posted:
        shown = rows.loc[(row["player_id"], pd.Timestamp(row["date"]))]
        if not np.isnan(shown["line"]):
            row |= {"line": shown["line"], "over_price": shown["over_price"], "under_price": shown["under_price"]}
    request = service.Request.model_validate({"rows": posted, "show_edge": True})
    served = service.answer(loaded.model, request)
    for outlook in served.rows:
        shown = rows.loc[(outlook.player_id, pd.Timestamp(outlook.date))]
        assert (shown["forecast"], shown["mean"], shown["spread"]) == (outlook.forecast, outlook.mean, outlook.spread)
        if outlook.line is not None:
            assert (shown["over_chance"], shown["under_chance"]) == (outlook.p_over, outlook.p_under)
            assert (shown["edge"], shown["pick"]) == (outlook.edge, outlook.pick)
        else:
            assert (shown["pick"], shown["line_kind"]) == ("no_line", "none")
    logged = {(row["player_id"], row["date"]): row for row in answer.log_rows}
    for row in service.log_rows(loaded.model, request, served):
        books = {"over_book": "North Book", "under_book": "North Book"} if row["line"] is not None else {}
        expected = row | books
        assert {name: logged[row["player_id"], row["date"]][name] for name in expected} == expected


def test_a_slate_s_forecasts_are_those_of_the_batch_bit_for_bit(
    repository: Path, prepared: pd.DataFrame, answer: PredictedCard
) -> None:
    batch = running_service.batch(repository, "props")
    rows = main_lines(answer).loc[pd.MultiIndex.from_frame(prepared[["entity", "time"]])]
    for name, column in (("forecast", ""), ("mean", "mean"), ("spread", "spread")):
        np.testing.assert_array_equal(rows[name], batch[column][prepared.index])


def test_rows_come_as_the_slate_gives_them_the_main_line_before_the_alternate(
    slate: Tables, answer: PredictedCard
) -> None:
    games, table = slate["games"], answer.table
    assert table["player_id"].drop_duplicates().tolist() == games["player_id"].drop_duplicates().tolist()
    assert table.loc[table["line_kind"] != "alternate", "player"].tolist() == games["player"].tolist()
    kinds = ["main" if number % 2 == 0 else "none" for number in range(len(games))]
    expected = [kind for each in kinds for kind in ([each, "alternate"] if each == "main" else [each])]
    assert table["line_kind"].tolist() == expected


def test_every_line_has_chances_that_sum_to_one_and_quantiles_are_those_of_the_distribution(
    answer: PredictedCard,
) -> None:
    lines = answer.table[answer.table["line_kind"] != "none"]
    chances = lines[["over_chance", "push_chance", "under_chance"]]
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    alternates = lines[lines["line_kind"] == "alternate"]
    assert (alternates["over_chance"].to_numpy() < lines.loc[lines["line_kind"] == "main", "over_chance"]).all()
    mean, spread = (answer.table[name].to_numpy() for name in ("mean", "spread"))
    for name, share in (("q10", 0.1), ("q50", 0.5), ("q90", 0.9)):
        quantile = answer.table[name].to_numpy()
        assert (compute_cdf(quantile, mean, spread, True) >= share).all()
        assert (compute_cdf(quantile - 1, mean, spread, True) < share).all()


def test_the_best_price_of_each_side_counts_and_its_book_is_named(
    repository: Path, loaded: LoadedModel, slate: Tables, tmp_path: Path
) -> None:
    mains = slate["lines"][slate["lines"]["line"] == 11.5]
    rival = mains.assign(book="Rival", over_price=105.0, under_price=-125.0)
    table = predicted(repository, loaded, slate | {"lines": pd.concat([mains, rival])}, tmp_path).table
    lines = table[table["line_kind"] == "main"]
    assert set(zip(lines["over_price"], lines["over_book"], strict=True)) == {(105.0, "Rival")}
    assert set(zip(lines["under_price"], lines["under_book"], strict=True)) == {(-110.0, "North Book")}
    over, under = (110 / 210 + 100 / 205) / 2, (110 / 210 + 125 / 225) / 2
    assert lines["market_over_chance"].iloc[0] == pytest.approx(over / (over + under), abs=2e-3)
    value = lines["over_chance"] * 2.05 + lines["push_chance"] - 1
    np.testing.assert_allclose(lines["over_value"], value)


def test_quotes_that_are_later_than_now_and_games_that_have_started_play_no_role(
    repository: Path, loaded: LoadedModel, slate: Tables, answer: PredictedCard, tmp_path: Path
) -> None:
    late = slate["lines"].assign(quoted_at=slate["lines"]["date"] + pd.Timedelta(hours=60))
    unquoted = predicted(repository, loaded, slate | {"lines": late}, tmp_path)
    assert set(unquoted.table["line_kind"]) == {"none"}
    assert any("later than" in note for note in unquoted.notes)
    evening = slate["games"]["start_time"].min() + pd.Timedelta(hours=2)
    table = predicted(repository, loaded, slate, tmp_path, moment=evening).table
    has_started = table["reason"] == "the game has started"
    assert 0 < has_started.sum() < len(table)
    assert table.loc[has_started, "forecast"].isna().all()
    with pytest.raises(UserError, match="every event of the card has started"):
        predicted(repository, loaded, slate, tmp_path, moment=pd.Timestamp("2026-01-01"))


def test_one_table_of_players_and_quotes_is_a_slate_too(
    repository: Path, loaded: LoadedModel, slate: Tables, answer: PredictedCard, tmp_path: Path
) -> None:
    joined = slate["games"].merge(slate["lines"], on=["player_id", "date"], how="left")
    file = tmp_path / "tonight.csv"
    joined.to_csv(file, index=False)
    table = predict_with_model(repository, loaded, file, moment_of(slate)).table
    pd.testing.assert_frame_equal(table, answer.table)


def test_players_are_found_by_name_and_unknown_ones_are_marked_with_the_nearest(
    repository: Path, loaded: LoadedModel, slate: Tables, answer: PredictedCard, tmp_path: Path
) -> None:
    games = slate["games"].drop(columns="player").assign(player_id=slate["games"]["player"])
    named = predicted(repository, loaded, {"games": games}, tmp_path / ".").table
    np.testing.assert_array_equal(named["forecast"], main_lines(answer)["forecast"])
    assert named["player_id"].tolist() == games["player_id"].tolist()
    misspelt = games.assign(player_id=games["player_id"].where(games.index != 2, games["player_id"].iloc[2] + "z"))
    row = predicted(repository, loaded, {"games": misspelt}, tmp_path).table.iloc[2]
    assert games["player_id"].iloc[2] in row["note"]
    assert row["past_games"] == 0


def test_picks_follow_the_edge_and_only_the_best_line_on_a_player_gets_a_stake(
    loaded: LoadedModel, slate: Tables
) -> None:
    settings, lead = PredictSettings(**LIMITS), Lead(True, "the bets hit")
    table = slate_predictions.predict(loaded, Card(dict(slate), False, moment_of(slate), settings, lead)).table
    mains = table[table["line_kind"] == "main"]
    signs = np.where(mains["edge"] >= 1, "over", np.where(mains["edge"] <= -1, "under", "pass"))
    assert mains["pick"].tolist() == signs.tolist()
    alternates = table[table["line_kind"] == "alternate"]
    assert (alternates.loc[alternates["pick"] != "pass", "expected_value"] > 0).all()
    staked = table[table["stake"] > 0]
    assert len(staked) > 0
    assert not staked.duplicated(["player_id", "date"]).any()
    assert staked["stake"].max() <= 0.02
    assert staked.groupby("date")["stake"].sum().max() <= 0.1 + 1e-12
    idle = table[table["pick"].isin(["over", "under"]) & (table["stake"] == 0)]
    assert idle["stake_reason"].notna().all()


def test_a_prediction_is_logged_once_in_the_form_that_prepare_reads(
    repository: Path, loaded: LoadedModel, slate: Tables, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert predicted(repository, loaded, slate, tmp_path, log_folder=log).logged == len(slate["games"])
    assert predicted(repository, loaded, slate, tmp_path, log_folder=log).logged == 0
    rows = pd.DataFrame(read_log(log / "props"))
    assert {"player_id", "date", "model", "predicted", "line", "line_type", "created_at"} <= set(rows)
    assert not rows.duplicated(["player_id", "date"]).any()
    assert set(rows["created_at"]) == {f"{moment_of(slate):%Y-%m-%dT%H:%M:%S}.000000+00:00"}


def test_a_slate_that_lacks_a_needed_value_is_refused_with_its_row(
    repository: Path, loaded: LoadedModel, slate: Tables, tmp_path: Path
) -> None:
    games = slate["games"].assign(team=slate["games"]["team"].where(slate["games"].index != 4))
    with pytest.raises(UserError, match="1 rows lack team, for example nothing as team in row 5"):
        predicted(repository, loaded, {"games": games}, tmp_path)


def test_the_command_of_the_page_predicts_the_shipped_slate(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = run_page_command("props", repository, tmp_path, monkeypatch)
    assert {"main", "alternate", "none"} == set(table["line_kind"])
    assert table["note"].isna().all(), "every player is in the history"
