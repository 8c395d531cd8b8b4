"""A plain race's rows are those of the whole prepare stage, value for value and type for type."""

from datetime import datetime
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.racing import Settings, prepare_race_card
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params
from trueline.service.plain_races import PlainRace, PlainRunner, prepare_plain_race
from trueline.service.predictor import extract_settings

PARAMS = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
CARD_SETTINGS = extract_settings(PARAMS, Settings, "prepare", "racing")
RACE = PlainRace("r 1", datetime(2024, 4, 29, 19, 24), "Dunmere", 4, 321.0, "Grade 5")
RUNNER = PlainRunner("Bold Crow", 1, 30.5, "B. Denne", 0.5, 3.5)
names = st.sampled_from(
    ["Bold Crow", "Gentle  Star", "O’Neill Bay", "Élan", "ßtar", "Crow (IRE)", "x", "#1 Owl", "3. Ed"]
)
trainers = st.sampled_from(["B. Denne", "C. Ashby", "b. denne", "O'Hara", "O’Hara", " B. Denne", None])
runners = st.builds(
    PlainRunner,
    names,
    st.integers(0, 12),
    st.sampled_from([None, 30.5, 1.0, 0.5]),
    trainers,
    st.sampled_from([None, 0.1, 0.5, -3.0]),
    st.sampled_from([None, 1.001, 3.1, 67.24, 1.0]),
)
races = st.builds(
    PlainRace,
    st.sampled_from(["r 1", "20240429-DUN-04"]),
    st.sampled_from([datetime(2024, 4, 29, 19, 24), datetime(1901, 1, 1), datetime(1899, 1, 1)]),
    st.sampled_from(["Dunmere", "Ardley  x", "Ard\u00a0ley"]),
    st.sampled_from([None, 1, 12]),
    st.sampled_from([99.0, 321.0, 480.5]),
    st.sampled_from(["Grade 5", "4/5", "Maiden"]),
)


def prepare_in_full(race: PlainRace, race_runners: list[PlainRunner]) -> pd.DataFrame:
    raw = pd.DataFrame([vars(race) | vars(runner) for runner in race_runners])
    raw = raw.rename(columns={"price": "bsp"}).astype({"start_time": "datetime64[us]"})
    return prepare_race_card(raw, CARD_SETTINGS)


@settings(deadline=None, max_examples=150)
@given(races, st.lists(runners, min_size=1, max_size=6))
def test_the_rows_are_those_of_the_whole_stage_or_none(race: PlainRace, race_runners: list[PlainRunner]) -> None:
    plain = prepare_plain_race(race, race_runners, CARD_SETTINGS)
    if plain is None:
        return
    expected = prepare_in_full(race, race_runners)  # which raises an error where a rule is broken
    pd.testing.assert_frame_equal(plain, expected, check_exact=True)
    for name in expected:
        assert list(map(type, plain[name].to_list())) == list(map(type, expected[name].to_list())), name


def test_an_ordinary_race_is_plain_whatever_its_card_lacks() -> None:
    others = [
        PlainRunner("Grey Heron", 3, None, None, None, None),
        PlainRunner("Élan O’Neill", 2, 31.0, "C. Ashby", 0.5, 2.0),
    ]
    for race in (RACE, PlainRace("r", datetime(2024, 4, 29), "Dunmere", None, 480.5, "Maiden")):
        plain = prepare_plain_race(race, [RUNNER, *others], CARD_SETTINGS)
        assert plain is not None
        assert plain["box"].tolist() == [1.0, 2.0, 3.0]
        pd.testing.assert_frame_equal(plain, prepare_in_full(race, [RUNNER, *others]), check_exact=True)


NOT_PLAIN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a number in a name": ({}, {"runner": "3. Grey Heron"}),
    "two spellings of a trainer": ({}, {"trainer": "b. denne"}),
    "a box twice": ({}, {"box": 1}),
    "a box that does not exist": ({}, {"box": 99}),
    "one runner twice": ({}, {"runner": "bold crow"}),
    "an impossible price": ({}, {"price": 1.0}),
    "an impossible weight": ({}, {"weight_kg": 0.5}),
    "a distance that no race has": ({"distance_m": 99.0}, {}),
    "a blank that is none": ({"venue": "Ard\u00a0ley"}, {}),
    "a time before all times": ({"start_time": datetime(1899, 1, 1)}, {}),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_what_needs_reading_or_breaks_a_rule_takes_the_long_way(name: str) -> None:
    race_change, runner_change = NOT_PLAIN[name]
    race = PlainRace(**vars(RACE) | race_change)
    other = PlainRunner(**vars(RUNNER) | {"runner": "Grey Heron", "box": 2} | runner_change)
    assert prepare_plain_race(race, [RUNNER, other], CARD_SETTINGS) is None
    assert prepare_plain_race(RACE, [RUNNER], CARD_SETTINGS) is None
    with pytest.raises(UserError):
        prepare_in_full(RACE, [RUNNER])
