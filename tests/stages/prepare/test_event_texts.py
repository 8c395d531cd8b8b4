"""Texts that a source wraps into objects or lists: the text is taken, and never the printed object."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.events.text_cells import read_text

texts = st.text(min_size=1).filter(lambda text: text.strip() and not set(text) & set("[]{}"))
wrapped = st.sampled_from(
    [
        lambda text: {"text": text, "html": f"<p>{text}</p>"},
        lambda text: {"html": text},
        lambda text: {"id": 3, "name": text, "locale": None},
        lambda text: {"name": {"text": text}, "latitude": "37.8"},
        lambda text: {"text": None, "html": text},
        lambda text: [{"text": text}],
        lambda text: [text],
        lambda text: np.array([text], dtype=object),
        lambda text: text.encode(errors="replace"),
    ]
)


@settings(deadline=None, max_examples=200)
@given(texts, wrapped)
def test_a_wrapped_text_is_its_text(text: str, wrap: Any) -> None:
    expected = text.encode(errors="replace").decode() if isinstance(wrap(text), bytes) else text
    assert read_text(wrap(text)) == expected


@settings(deadline=None, max_examples=200)
@given(texts, st.sampled_from([json.dumps, str]))
def test_a_printed_object_is_its_text(text: str, print_object: Any) -> None:
    assert read_text(print_object({"text": text, "html": None})) == text
    assert read_text(print_object([{"text": text}, text])) == f"{text} {text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((None, ""), (np.nan, ""), ({}, ""), ([], ""), ({"text": ""}, ""), ({"text": None, "html": None}, "")),
        *((7, "7"), ("[SOLD OUT] {jazz}", "[SOLD OUT] {jazz}"), ("[2024]", "[2024]"), ("{jazz}", "{jazz}")),
        ({"latitude": "1", "longitude": "2", "city": "Oakland", "name": "Dock 4"}, "Dock 4"),
        ({"address": {"city": "Oakland"}}, "Oakland"),
    ],
)
def test_single_cells(value: Any, text: str) -> None:
    assert read_text(value) == text


@pytest.mark.parametrize("value", [{"latitude": 1}, '{"latitude": 1}', [{"lat": 1}, "a"], {"name": {"x": 1}}])
def test_an_object_without_a_text_is_none(value: Any) -> None:
    assert read_text(value) is None
