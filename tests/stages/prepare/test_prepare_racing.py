"""What prepare keeps of races, what it sets aside, and why."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.prepare.racing import COLUMNS, RULES, Settings, prepare
from trueline.core.errors import UserError
from trueline.core.tables.table_schema import validate_table

SETTINGS = Settings(until=None, box_low=1, box_high=10, book_low=0.8, book_high=1.6)


def race(name: str = "r1", start: Any = "2024-03-01", runners: int = 4, **columns: Any) -> pd.DataFrame:
    """A sound race won from box 1; `columns` replace or add whole columns."""
    rows = {
        "race_id": name,
        "start_time": start,
        "venue": "Ardley",
        "distance_m": 300,
        "grade": "Open",
        "box": range(1, runners + 1),
        "runner": [f"{name} dog {box}" for box in range(1, runners + 1)],
        "won": [1] + [0] * (runners - 1),
        "bsp": float(runners),
    }
    return pd.DataFrame(rows | columns)


def without_row_numbers(report: dict[str, Any]) -> dict[str, Any]:
    """The report without the places in the source where its examples stand."""
    set_aside = report["intake"]["set_aside"]
    examples = {reason: loss["example"] | {"row": None} for reason, loss in set_aside.items()}
    set_aside = {reason: loss | {"example": examples[reason]} for reason, loss in set_aside.items()}
    return report | {"intake": report["intake"] | {"set_aside": set_aside}}


def cards(*races: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(races, ignore_index=True)


Race = Callable[[], pd.DataFrame]
FAULTS: dict[str, Race] = {
    "unreadable date": lambda: race("bad", start=["2024-03-01", "2024-03-01", "soon", "2024-03-01"]),
    "unreadable value": lambda: race("bad", bsp=[4, "dear", 4, 4]),
    "missing value": lambda: race("bad", runner=["a", None, "c", "d"]),
    "several start times": lambda: race("bad", start=["2024-03-01"] * 3 + ["2024-03-02"]),
    "several venues or distances": lambda: race("bad", distance_m=[300, 300, 300, 500]),
    "future": lambda: race("bad", start="2024-07-01"),
    "fewer than two runners": lambda: race("bad", runners=1),
    "duplicate runner": lambda: race("bad", runner=["A b", "a  B ", "c", "d"]),
    "duplicate box": lambda: race("bad", box=[1, 1, 3, 4]),
    "box out of range": lambda: race("bad", box=[1, 2, 3, 11]),
    "impossible distance": lambda: race("bad", distance_m=0),
    "unsettled": lambda: race("bad", won=[1, 0, 0, None]),
    "no winner": lambda: race("bad", won=0),
    "several winners without a dead heat": lambda: race("bad", won=[1, 1, 0, 0]),
    "a finishing place beyond the field": lambda: race("bad", place=[1, 2, 3, 6]),
    "impossible price": lambda: race("bad", bsp=[4, 4, 4, 1.0]),
    "implausible book": lambda: race("bad", bsp=2.0),
    "a runner in two races at once": lambda: race(
        "bad", runner=[f"r1 dog {box}" for box in range(1, 5)], bsp=[4, None, 4, 4]
    ),
}


COPIES = "the same race under another id"  # needs a season of races, of which chance makes no copy


@pytest.mark.parametrize("reason", FAULTS)
def test_a_race_with_one_fault_is_set_aside_whole_and_counted_under_its_reason(reason: str) -> None:
    bad = FAULTS[reason]()
    settings = SETTINGS.model_copy(update={"until": date(2024, 6, 30)})
    prepared, report = prepare(cards(race(), bad), settings)
    assert report["set_aside"] == {reason: {"rows": len(bad), "races": 1}}
    assert prepared["group"].unique().tolist() == ["r1"]
    assert (report["rows_in"], report["rows_out"], report["races_in"], report["races_out"]) == (4 + len(bad), 4, 2, 1)


def test_every_row_is_kept_scratched_or_set_aside_once() -> None:
    raw = cards(race(), *(fault().assign(race_id=reason) for reason, fault in FAULTS.items()))
    raw["scratched"] = [1] + [0] * (len(raw) - 1)
    raw.loc[0, ["won", "bsp"]] = np.nan
    raw.loc[1, "won"] = 1
    raw.loc[1:3, "bsp"] = 3.0
    _, report = prepare(raw, SETTINGS.model_copy(update={"until": date(2024, 6, 30)}))
    aside = sum(count["rows"] for count in report["set_aside"].values())
    assert report["rows_in"] == report["rows_out"] + report["scratched_rows"] + aside
    assert set(report["set_aside"]) == set(FAULTS) == set(RULES) - {COPIES}


@pytest.mark.parametrize("days", [1, 3])
@pytest.mark.parametrize(
    "changed", [{}, {"bsp": np.nan}, {"runner": "respelt"}], ids=["same", "no price", "other names"]
)
def test_a_race_told_again_on_another_day_is_set_aside_whichever_of_its_facts_differ(
    days: int, changed: dict[str, Any]
) -> None:
    random, races = np.random.default_rng(1), []
    for number in range(60):
        prices = {name: np.round(random.uniform(5, 7, 6), 2) for name in ("bsp", "place_bsp")}
        races.append(race(f"r{number:02}", pd.Timestamp("2024-03-01") + pd.Timedelta(days=number // 4), 6, **prices))
    season = cards(*races)
    again = season[season["race_id"] < "r06"].assign(race_id=lambda rows: rows["race_id"] + "B", **changed)
    if "runner" in changed:
        again["runner"] = [f"Dog {number}" for number in range(len(again))]
    again["start_time"] += pd.Timedelta(days=days)
    prepared, report = prepare(cards(season, again), SETTINGS)
    assert report["set_aside"] == {COPIES: {"rows": 36, "races": 6}}
    assert not prepared["group"].str.endswith("B").any()
    assert report["intake"]["set_aside"][COPIES]["is_loss"]


def test_a_row_without_a_race_is_set_aside_without_taking_others_along() -> None:
    _, report = prepare(cards(race(), race(None)), SETTINGS)  # type: ignore[arg-type]
    assert report["set_aside"] == {"missing value": {"rows": 4, "races": 0}}


def test_prepared_rows_obey_their_declarations_in_declared_order() -> None:
    extras: dict[str, Any] = {"weight_kg": 30.0, "trainer": "A. Ashby", "place": [1, 2, 3, 4], "run_time_s": 18.0}
    extras |= {"sectional_s": 5.4, "margin_lengths": 1.0, "race_no": 1, "early_speed": 0.5, "place_bsp": 1.5}
    extras |= {"grade": "Grade 5"}
    prepared, _ = prepare(cards(race(**extras), race("r2", **extras)), SETTINGS)
    validate_table(prepared, COLUMNS, "prepared")
    assert list(prepared.columns) == [column.name for column in COLUMNS]
    assert prepared["row_id"].is_unique
    assert prepared["row_id"].iloc[0] == "r1:1"


def test_a_column_that_the_source_lacks_is_left_out_rather_than_left_empty() -> None:
    prepared, report = prepare(race(trainer="A. Ashby", early_speed=None), SETTINGS)
    assert "trainer" in prepared
    lacking = {"weight_kg", "early_speed", "race_no", "placed", "place_bsp", "place_p", "grade_level"}
    assert not lacking & {*prepared, *report["missing_share"]}


def test_only_what_precedes_the_race_is_declared_known_before_it() -> None:
    known = {column.name: column.known for column in COLUMNS}
    assert {name for name, when in known.items() if when == "after"} == {
        *("target", "won", "placed", "place", "run_time_s", "sectional_s", "margin_lengths", "surprise")
    }
    assert {name for name, when in known.items() if when == "at_start"} == {
        *("soft_label", "bsp", "place_bsp", "benchmark_price", "log_odds", "place_p")
    }
    assert [column.name for column in COLUMNS if column.evaluation_only] == ["benchmark_price"]


def test_the_order_of_the_raw_rows_leaves_no_trace() -> None:
    raw = cards(race(start="2024-03-02"), race("r2"), race("r0", won=0), race("r3", bsp=[3.7, 4.1, 3.9, 4.3]))
    straight, report = prepare(raw, SETTINGS)
    shuffled, again = prepare(raw.sample(frac=1, random_state=3), SETTINGS)
    pd.testing.assert_frame_equal(straight, shuffled, check_exact=True)
    assert without_row_numbers(report) == without_row_numbers(again)
    assert straight["group"].unique().tolist() == ["r2", "r3", "r1"]


def test_the_market_is_the_share_of_each_inverse_price() -> None:
    prepared, _ = prepare(race(bsp=[2.0, 4.0, 8.0, 8.0]), SETTINGS)
    assert prepared["soft_label"].tolist() == [0.5, 0.25, 0.125, 0.125]
    assert prepared["log_odds"].sum() == pytest.approx(0)
    assert prepared["log_odds"].iloc[0] - prepared["log_odds"].iloc[1] == pytest.approx(np.log(2))
    assert prepared["surprise"].tolist() == [0.5, -0.25, -0.125, -0.125]


def test_one_missing_price_leaves_the_race_without_a_market_but_keeps_it() -> None:
    prepared, report = prepare(cards(race(bsp=[4, np.nan, 4, 4]), race("r2")), SETTINGS)
    without = prepared["group"] == "r1"
    assert prepared.loc[without, ["soft_label", "log_odds", "surprise"]].isna().all(axis=None)
    assert prepared.loc[~without, "soft_label"].notna().all()
    assert report["missing_share"]["soft_label"] == 0.5


@pytest.mark.parametrize(
    "declared", [{"place": [1, 1, 3, 4]}, {"dead_heat": [1, 1, 0, 0]}, {"dead_heat": [True, True, False, None]}]
)
def test_a_declared_dead_heat_shares_the_win(declared: dict[str, Any]) -> None:
    prepared, _ = prepare(race(won=[1, 1, 0, 0], **declared), SETTINGS)
    assert prepared["target"].tolist() == [0.5, 0.5, 0, 0]


def test_a_dead_heat_that_only_one_winner_declares_is_no_dead_heat() -> None:
    _, report = prepare(cards(race(), race("r2", won=[1, 1, 0, 0], place=[1, 2, 3, 4])), SETTINGS)
    assert list(report["set_aside"]) == ["several winners without a dead heat"]


def test_scratched_runners_go_before_anything_else_is_judged() -> None:
    withdrawn = race(scratched=[0, 0, 0, 1], won=[1, 0, 0, None], bsp=[3, 3, 3, "none"], box=[1, 2, 3, 3])
    prepared, report = prepare(withdrawn, SETTINGS)
    assert report["scratched_rows"] == 1
    assert report["set_aside"] == {}
    assert prepared["field_size"].tolist() == [3, 3, 3]


def test_places_paid_are_told_by_the_place_market_not_by_the_result() -> None:
    prices = [1.5, 2.0, 2.0, 3.0]  # a book of exactly two places
    known, _ = prepare(race(placed=[1, 1, 0, 0], place_bsp=prices), SETTINGS)
    dead_heat, _ = prepare(race(placed=[1, 1, 1, 0], place_bsp=prices), SETTINGS)
    assert known["place_p"].tolist() == pytest.approx([2 / 3, 1 / 2, 1 / 2, 1 / 3])
    assert known["place_p"].equals(dead_heat["place_p"])


def test_an_optional_value_that_cannot_be_becomes_missing_and_is_counted() -> None:
    prepared, report = prepare(race(place_bsp=[1.0, 2, 2, 2], weight_kg=[30, "heavy", 0, 31]), SETTINGS)
    assert report["made_missing"] == {"place_bsp": 1, "weight_kg": 2}
    assert prepared["place_bsp"].isna().tolist() == [True, False, False, False]
    assert "place_p" not in prepared, "nobody's is known without the price of every runner"


def test_names_that_differ_in_case_and_spaces_are_one_runner() -> None:
    raw = cards(race(runner=["bold  Comet", "b", "c", "d"]), race("r2", runner=[" Bold COMET", "e", "f", "g"]))
    prepared, _ = prepare(raw, SETTINGS)
    assert prepared["entity"].eq("BOLD COMET").sum() == 2


def test_settled_races_of_the_future_are_rejected_until_a_last_day_is_named() -> None:
    raw = cards(race(), race("r2", start="2199-01-01"))
    with pytest.raises(UserError, match=r"4 settled rows are dated after today.*2199-01-01.*prepare\.racing\.until"):
        prepare(raw, SETTINGS)
    prepared, _ = prepare(raw, SETTINGS.model_copy(update={"until": date(2024, 3, 1)}))
    assert len(prepared) == 4


def test_races_still_to_come_are_unsettled_not_rejected() -> None:
    _, report = prepare(cards(race(), race("r2", start="2199-01-01", won=None)), SETTINGS)
    assert report["set_aside"] == {"unsettled": {"rows": 4, "races": 1}}


def test_the_last_day_is_kept_to_its_end() -> None:
    raw = race(start="2024-03-01 21:40")
    assert len(prepare(raw, SETTINGS.model_copy(update={"until": date(2024, 3, 1)}))[0]) == 4


def test_when_nothing_survives_the_reason_that_took_most_is_named() -> None:
    raw = cards(race(won=0), race("r2", won=0), race("r3", bsp=2.0))
    with pytest.raises(
        UserError, match="none of 3 races survives; most, 2 races of 8 rows, were set aside for 'no winner'"
    ):
        prepare(raw, SETTINGS)


def test_a_table_of_scratched_runners_alone_is_rejected() -> None:
    with pytest.raises(UserError, match="all 4 rows are scratched"):
        prepare(race(scratched=1), SETTINGS)


def test_an_empty_table_is_rejected() -> None:
    with pytest.raises(UserError, match="has no rows"):
        prepare(race().head(0), SETTINGS)


def test_a_misnamed_column_is_rejected_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match="no column 'runner'; did you mean 'runer'"):
        prepare(race().rename(columns={"runner": "runer"}), SETTINGS)


def test_columns_that_nobody_reads_are_reported() -> None:
    _, report = prepare(race(colour="red", weather="wet"), SETTINGS)
    assert report["ignored_columns"] == ["colour", "weather"]


def test_one_race_is_enough() -> None:
    _, report = prepare(race(runners=2), SETTINGS)
    assert (report["days"], report["first_day"], report["last_day"]) == (1, "2024-03-01", "2024-03-01")


def test_races_of_one_day_share_its_time() -> None:
    prepared, report = prepare(cards(*(race(f"r{n}") for n in range(5))), SETTINGS)
    assert prepared["time"].nunique() == report["days"] == 1
    assert prepared["group"].nunique() == 5


def test_numbers_that_arrive_as_text_are_read_as_numbers() -> None:
    raw = race()
    prepared, _ = prepare(raw.astype(str), SETTINGS)
    pd.testing.assert_frame_equal(prepared, prepare(raw, SETTINGS)[0])


def test_the_first_three_count_as_placed_where_the_source_does_not_tell() -> None:
    raw = pd.DataFrame({"race_id": "r", "box": [1, 2, 3, 4], "place": [1, 2, 3, 4], "won": [1, 0, 0, 0], "bsp": 4.0})
    raw = raw.assign(start_time="2024-01-01", venue="Here", distance_m=400, grade="5", runner=list("ABCD"))
    assert prepare(raw, SETTINGS)[0]["placed"].to_list() == [1, 1, 1, 0]
