"""What of a name is only form, and which names look like one entity."""

import unicodedata
from collections.abc import Callable

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.tables.name_forms import find_near_spellings, normalize_entity

NAMES = st.text(st.sampled_from("abcdéüøñ' "), min_size=1).filter(lambda name: bool(name.strip(" '")))
WAYS: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        lambda name: name.upper(),
        lambda name: name.title(),
        lambda name: f"  {name.replace(' ', '   ')} ",
        lambda name: unicodedata.normalize("NFD", name),
        lambda name: name.replace("'", "’"),
    ]
)


@given(NAMES, WAYS, WAYS)
def test_spellings_that_differ_only_in_form_are_one_name(
    name: str, first: Callable[[str], str], second: Callable[[str], str]
) -> None:
    spellings = pd.Series([name, first(second(name))])
    assert normalize_entity(spellings).nunique() == 1


@given(NAMES, st.integers(1, 24), st.sampled_from(["{}. {}", "{}.{}", " {} . {}", "{}) {}"]))
def test_the_number_in_front_of_a_runner_is_no_part_of_its_name(name: str, number: int, form: str) -> None:
    names = pd.Series([name, form.format(number, name)])
    assert normalize_entity(names, has_number=True).nunique() == 1


def test_a_name_that_is_a_number_stays() -> None:
    assert normalize_entity(pd.Series(["3.14", "7.11", "2 Fast"]), has_number=True).tolist() == [
        "3.14",
        "7.11",
        "2 FAST",
    ]
    assert normalize_entity(pd.Series([None, "a"])).isna().tolist() == [True, False]


@given(st.lists(st.sampled_from(["BO ÉCLAIR", "BO ECLAIR (FR)", "O'NEIL", "O NEIL", "AL JR.", "AL", "CY"]), min_size=1))
def test_names_that_look_like_one_entity_are_grouped_with_their_rows(names: list[str]) -> None:
    groups = find_near_spellings(pd.Series(names))
    counts = pd.Series(names).value_counts().to_dict()
    assert all(
        counts[name] == rows for group in groups for name, rows in zip(group["names"], group["rows"], strict=True)
    )
    pairs = [{"BO ÉCLAIR", "BO ECLAIR (FR)"}, {"O'NEIL", "O NEIL"}, {"AL JR.", "AL"}]
    assert sorted(map(sorted, (group["names"] for group in groups))) == sorted(
        sorted(pair) for pair in pairs if pair <= set(names)
    )
