"""Tag labels: a tag stays as it was given, and spellings that differ only in form are one tag."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.text.tag_labels import choose_spellings, clean_tag, normalize_tag

MANY = settings(deadline=None, max_examples=200)
labels = st.text(st.sampled_from("aBé ß-_+#<>/.&;!9Ж漢は🎉😀'\"\u0301\u200b\u200dﬁＡ\t"), max_size=12)
words = st.lists(st.text(st.sampled_from("aBéßЖ漢"), min_size=1, max_size=4), min_size=1, max_size=3)


@pytest.mark.parametrize(
    "label",
    [
        "c++",
        "C#",
        "<html>",
        "<!-- x -->",
        "🎉",
        "👩\u200d🎤",
        "❤\ufe0f",
        "R&B",
        "AC/DC",
        "café",
        "http://x.com",
        "a@b.com",
    ],
)
def test_what_a_text_would_lose_a_tag_keeps(label: str) -> None:
    assert clean_tag(label) == clean_tag(f"  {label}\n") == label


@pytest.mark.parametrize(
    ("label", "cleaned"),
    [("R&amp;B", "R&B"), ("&lt;html&gt;", "<html>"), ("live \t music", "live music"), ("j\u200bazz", "jazz")],
)
def test_what_is_only_encoding_goes(label: str, cleaned: str) -> None:
    assert clean_tag(label) == cleaned


@MANY
@given(labels)
def test_cleaning_twice_changes_nothing_and_normalising_ignores_it(label: str) -> None:
    cleaned = clean_tag(label)
    assert clean_tag(cleaned) == cleaned or "&" in label
    assert normalize_tag(normalize_tag(label)) == normalize_tag(label)
    assert normalize_tag(cleaned) == normalize_tag(label)


@MANY
@given(words, st.sampled_from([" ", "-", "_", "  ", " - "]), st.booleans(), st.booleans())
def test_spellings_that_differ_in_form_are_one_tag(words: list[str], blank: str, is_nfd: bool, is_upper: bool) -> None:
    variant = unicodedata.normalize("NFD" if is_nfd else "NFC", f" {blank.join(words)} ")
    assert normalize_tag(variant.upper() if is_upper else variant) == normalize_tag(" ".join(words))


@pytest.mark.parametrize(
    ("one", "other"),
    [("A-", "A"), ("A+", "A"), ("c", "c++"), ("cafe", "café"), ("-1", "1"), ("html", "<html>"), ("film", "films")],
)
def test_other_labels_are_other_tags(one: str, other: str) -> None:
    assert normalize_tag(one) != normalize_tag(other)


@MANY
@given(st.lists(st.sampled_from(["Jazz", "jazz", "JAZZ", "hip-hop", "Hip Hop", "c++"]), max_size=12))
def test_the_most_frequent_spelling_is_chosen_whatever_the_order(given_labels: list[str]) -> None:
    spellings = choose_spellings(given_labels)
    assert spellings == choose_spellings(given_labels[::-1])
    assert set(spellings) == {normalize_tag(label) for label in given_labels}
    for tag, spelling in spellings.items():
        counts = [given_labels.count(label) for label in given_labels if normalize_tag(label) == tag]
        assert given_labels.count(spelling) == max(counts)
