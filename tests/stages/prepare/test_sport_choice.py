"""Sport choice: the columns tell the sport, the lines the quantity, and what they leave open is asked for."""

from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as search
from hypothesis import strategies as st

from stages.prepare.props import Settings
from stages.prepare.props.source_tables import list_game_synonyms
from stages.prepare.props.sport_choice import choose_sport
from stages.prepare.props.sports import SPORTS
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import parse_settings

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
PLAYED = {name: sport for name, sport in SPORTS.items() if sport.count_names}


def settings(**changed: Any) -> Settings:
    return Settings(**parse_settings(PARAMS, Settings, "prepare", "props").model_dump() | changed)


def choose(names: list[str], stats: list[str] | None = None, **changed: Any) -> tuple[str, str]:
    """Return the sport and the quantity of games with the columns, and of lines about the stats if there are any."""
    raw = {"games": pd.DataFrame(columns=["player_id", "date", *names])}
    if stats is not None:
        raw["lines"] = pd.DataFrame({"market": stats, "line": 1.5})
    chosen, notes = choose_sport(raw, settings(**changed))
    assert chosen.sport.replace("_", " ") in notes[0]
    assert chosen.quantity in notes[0]
    return chosen.sport, chosen.quantity


@given(st.data(), st.sampled_from(sorted(PLAYED)))
@search(max_examples=15, deadline=None)
def test_any_three_statistics_of_a_sport_tell_it_by_any_of_their_names(data: st.DataObject, sport: str) -> None:
    profile = PLAYED[sport]
    names = data.draw(st.lists(st.sampled_from(profile.count_names), min_size=3, max_size=9, unique=True))
    synonyms = list_game_synonyms(profile)
    column_names = [
        data.draw(
            st.sampled_from([name, name.upper(), *(synonym for synonym in synonyms.get(name, ()) if len(synonym) > 2)])
        )
        for name in names
    ]
    usual = profile.usual_quantity
    expected = usual if usual in names else next(name for name in profile.count_names if name in names)
    assert choose(column_names) == (sport, expected)


def test_lines_about_one_quantity_decide_it_and_lines_about_several_do_not() -> None:
    football = ["receptions", "receiving_yards", "rushing_yards"]
    assert choose(football, ["player_receptions", "Receptions"]) == ("american_football", "receptions")
    assert choose(football, ["player_receptions", "player_rush_yds"]) == ("american_football", "receiving_yards")
    assert choose(football, ["kicks"]) == ("american_football", "receiving_yards")
    basketball = ["pts", "reb", "ast"]
    assert choose(basketball, ["PTS+REB+AST"]) == ("basketball", "assists+points+rebounds")


def test_what_is_set_stands_and_helps_to_find_the_rest() -> None:
    assert choose(["goals", "shots"], quantity="goals") == ("soccer", "goals")
    assert choose(["points", "goals"], quantity="goals") == ("soccer", "goals")
    assert choose(["points", "goals", "shots"], sport="basketball") == ("basketball", "points")
    assert choose(["kicks"], own_stats={"kicks": [0, 30]}) == ("own", "kicks")
    assert choose(["nothing"], columns={"nothing": "saves"}) == ("soccer", "saves")
    asked = settings(sport="soccer", quantity="goals")
    assert choose_sport({"games": pd.DataFrame()}, asked) == (asked, [])


def test_what_cannot_be_told_is_asked_for_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"fit basketball and soccer equally; set prepare\.props\.sport"):
        choose(["points", "goals"])
    with pytest.raises(UserError, match="'kicks' is no quantity of any sport"):
        choose(["points"], quantity="kicks")
    with pytest.raises(UserError, match="needs own_stats"):
        choose(["kicks"], sport="own")
    assert choose(["nothing known"]) == ("basketball", "points")  # whose missing column is then named
