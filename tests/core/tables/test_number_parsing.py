"""Numbers in the forms in which people write them, by unit."""

import math
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.tables.number_parsing import PARSERS, read_numbers

UNITS = [*PARSERS, "", "points"]


def read(*cells: object, unit: str = "", **settings: str) -> list[object]:
    return read_numbers(pd.Series(cells, dtype=object), unit, **settings).tolist()  # type: ignore[arg-type]


@given(st.floats(1, 1e6), st.sampled_from(UNITS))
def test_a_plain_number_is_that_number_in_every_unit(number: float, unit: str) -> None:
    expected = read_numbers(pd.Series([number]), unit).tolist()
    assert read(repr(number), unit=unit) == expected
    if unit != "American odds":
        assert expected == [number]


@given(st.integers(1, 400), st.integers(1, 40), st.sampled_from(["", "F", "f", "JF", " F", "CF"]))
def test_fractional_odds_pay_the_stake_back(over: int, under: int, favourite: str) -> None:
    assert read(f"{over}/{under}{favourite}", unit="decimal odds") == [pytest.approx(float(1 + Fraction(over, under)))]


@given(st.floats(1.01, 900).map(lambda price: round(price, 2)), st.sampled_from(["", "$", "£", "€ "]), st.booleans())
def test_a_currency_and_a_mark_of_the_favourite_are_no_part_of_a_price(price: float, sign: str, first: bool) -> None:
    assert read(f"{sign}{price}{'F' if first else ''}", unit="decimal odds") == [price]


@pytest.mark.parametrize("word", ["Evens", "EVS", "evens", "EVEN", "EvensF"])
def test_even_money_is_2(word: str) -> None:
    assert read(word, unit="decimal odds") == [2.0]
    assert read("EVEN", unit="American odds") == [100.0]


@pytest.mark.parametrize("cell", ["0", 0, 0.0, "-", "NaN", "Infinity", "", "n/a", None, math.inf, "null"])
def test_no_price_is_missing_and_not_unreadable(cell: object) -> None:
    prices = read_numbers(pd.Series([cell, 4.5], dtype=object), "decimal odds")
    assert prices.dtype == float
    assert prices.isna().tolist() == [True, False]


@given(st.integers(1, 9), st.integers(0, 59), st.integers(0, 99))
def test_clock_times_are_seconds_or_minutes(minutes: int, seconds: int, hundredths: int) -> None:
    total = 60 * minutes + seconds + hundredths / 100
    forms = [f"{minutes}:{seconds:02}.{hundredths:02}", f"{minutes}.{seconds:02}.{hundredths:02}"]
    forms += [f"PT{minutes}M{seconds:02}.{hundredths:02}S", f"{minutes}m {seconds:02}.{hundredths:02}s"]
    assert read(*forms, unit="s") == [pytest.approx(total)] * 4
    assert read(forms[0], forms[2], unit="minutes") == [pytest.approx(total / 60)] * 2


@given(st.integers(0, 4), st.integers(0, 7), st.integers(0, 219))
def test_miles_furlongs_and_yards_add_up(miles: int, furlongs: int, yards: int) -> None:
    parts = [(miles, "m"), (furlongs, "f"), (yards, "y")]
    if not any(count for count, _ in parts):
        return
    metres = miles * 1609.344 + furlongs * 201.168 + yards * 0.9144
    for space in ("", " "):
        text = space.join(f"{count}{letter}" for count, letter in parts if count)
        assert read(text, unit="m") == [pytest.approx(metres)]


@given(st.integers(100, 7000), st.sampled_from(["m", " m", "M", " metres", "mtr", " Meters"]))
def test_metres_may_be_named(metres: int, unit: str) -> None:
    assert read(f"{metres}{unit}", unit="m") == [metres]


def test_a_distance_that_is_neither_miles_nor_metres_is_not_guessed() -> None:
    assert read("50m", "12m", "f", unit="m") == ["50m", "12m", "f"]


@given(st.integers(6, 13), st.integers(0, 13), st.sampled_from(["{}-{}", "{}st {}lb", "{}st{}", "{} st {} lbs"]))
def test_stones_and_pounds_are_kilograms(stones: int, pounds: int, form: str) -> None:
    kilograms = (14 * stones + pounds) * 0.45359237
    assert read(form.format(stones, pounds), f"{14 * stones + pounds}lb", unit="kg") == [pytest.approx(kilograms)] * 2


def test_small_margins_have_names_and_fractions() -> None:
    cells = ["nse", "SHD", "hd", "nk", "½", "2½", "1-1/4", "3/4", "2 1/2", "4L", "1.25"]
    assert read(*cells, unit="lengths") == [0.05, 0.1, 0.2, 0.3, 0.5, 2.5, 1.25, 0.75, 2.5, 4.0, 1.25]


def test_american_odds_may_be_decimal_and_have_a_typed_minus() -> None:
    assert read("−110", "+150", "1.5", "2.5", "0", unit="American odds")[:4] == [-110.0, 150.0, -200.0, 150.0]
    assert read_numbers(pd.Series([1.5, -110.0]), "American odds").tolist() == [-200.0, -110.0]


@pytest.mark.parametrize(
    ("unit", "cells"),
    [
        ("", ["5/2", "1:12.30", "5 apples", "12 or 13", "1 2", "0x10", "1m"]),
        ("decimal odds", ["5/2 or so", "4.5x", "5/0", "about 3", "1:2"]),
        ("m", ["5/2", "1m2x", "9-4", "about 500m"]),
        ("kg", ["9-14", "30 stones", "28.8g", "9-4-2"]),
        ("s", ["1:72.30", "30.72.2", "fast", "PT"]),
        ("minutes", ["DNP", "34:61", "34:12:99"]),
    ],
)
def test_a_number_that_does_not_fill_its_cell_is_left_as_it_came(unit: str, cells: list[str]) -> None:
    assert read(*cells, unit=unit) == cells


@given(st.lists(st.integers(0, 999_999), min_size=1))
def test_thousands_separators_are_read_where_other_cells_are_plain(numbers: list[int]) -> None:
    assert read("1.5", *(f"{number:,}" for number in numbers)) == [1.5, *numbers]


@given(st.lists(st.floats(0, 90).map(lambda number: round(number, 2)), min_size=1))
def test_a_decimal_comma_is_read_where_the_column_decides_or_the_setting_does(numbers: list[float]) -> None:
    cells = [f"{number:.2f}".replace(".", ",") for number in numbers]
    assert read(*cells) == numbers
    assert read(*cells, decimal=",") == numbers


def test_a_comma_that_could_mark_decimals_or_thousands_is_not_guessed() -> None:
    assert read("1,250", "2,500") == ["1,250", "2,500"]
    assert read("1,91", "1,250") == [1.91, "1,250"]
    assert read("1:12,30", "0:30,155", unit="s") == [72.3, 30.155]
    assert read("1,250", "2,500", decimal=".") == [1250, 2500]
    assert read("1,250", "2.500,5", "7", decimal=",") == [1.25, 2500.5, 7]


def test_typed_columns_pass_unchanged() -> None:
    for values in (pd.Series([1, 2]), pd.Series([1.5, None]), pd.Series([True, False])):
        assert read_numbers(values, "m") is values
