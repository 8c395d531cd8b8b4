"""Texts unlike those that a model learned from are named; the sample's own are not."""

from types import SimpleNamespace

import pytest

from tests.service import trained_repo
from trueline.service.text_warnings import CHECKED_LETTERS, TextChecker, collect_known_words

KNOWN = frozenset(["jazz", "in", "the", "park", "tea"])


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("Jazz in the park", None),
        ("Tea for two", "The model has learned from 1 of the 3 words;"),
        ("Blasmusik am See", "The model has learned from none of the words;"),
        ("公園の音楽", "The model has learned from none of the words;"),
        ("?!", "The text has no words;"),
        ("tea " * 30, "The text has 120 letters; the model reads the first 100."),
        ("jazz " + "unheard " * 200, "The model has learned from 1 of the first"),
    ],
)
def test_words_that_the_model_has_not_learned_from_are_counted(text: str, warning: str | None) -> None:
    warnings = TextChecker(KNOWN, 100).list_warnings(text)
    assert not warnings if warning is None else any(line.startswith(warning) for line in warnings)


def test_a_text_whose_pieces_were_seen_before_gets_the_same_warnings() -> None:
    checker = TextChecker(KNOWN)
    texts = ["tea-jazz for two, three", "the park-in", "for two, three for the", "jazz/tea ?!"]
    first_warnings = [checker.list_warnings(text) for text in texts]
    assert first_warnings == [TextChecker(KNOWN).list_warnings(text) for text in reversed(texts)][::-1]
    assert first_warnings == [checker.list_warnings(text) for text in texts]
    assert [len(warnings) for warnings in first_warnings] == [1, 0, 1, 0]


def test_a_learner_without_a_vocabulary_says_nothing_of_words() -> None:
    assert TextChecker(collect_known_words(SimpleNamespace())).list_warnings("Blasmusik am See") == []
    assert collect_known_words(SimpleNamespace(vocabulary=["tea"])) == {"tea"}


def test_the_sample_s_events_that_were_not_learned_from_are_ordinary() -> None:
    checker = TextChecker(collect_known_words(trained_repo.fitted()[0]), 20_000)
    later = trained_repo.prepared()[trained_repo.TAUGHT :]
    assert len(later) > 100
    for event in later.itertuples():
        assert checker.list_warnings(f"{event.name} {event.description} {event.location}") == []
        assert checker.list_warnings(str(event.name)) == []
    assert later["description"].str.len().max() > CHECKED_LETTERS
