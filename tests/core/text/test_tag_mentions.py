"""Tag mentions: a tag is mentioned if the text contains its name, however it is spaced, and only then."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.text.tag_mentions import PHRASE_PATTERN, SEPARATORS, build_mention_columns, format_tag_name

MANY = settings(deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        *(("art", "A PARTY tonight"), ("dj", "DJ@Nite"), ("café", "Le Café")),
        *(("hiphop", "Hip-Hop night"), ("hiphop", "hip hop, soul"), ("hiphop", "hiphopper"), ("hip-hop", "hiphop")),
        *(("hip-hop", "hip_hop"), ("live music", "Live-music"), ("live music", "livemusical"), ("dj", "a d j set")),
        *(("drumnbass", "drum n bass"), ("live music", "some live musical act"), ("יוגה", "שיעור יוגה")),
    ],
)
def test_a_name_is_found_however_it_is_spaced(tag: str, text: str) -> None:
    assert build_mention_columns([text], [tag]) == {f"says:{tag}": [1.0]}


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        *(("art", "bar tonight"), ("art", "the star t-shirt"), ("hiphop", "hip. hop"), ("hiphop", "hip hoppers")),
        *(("drumnbass", "drum and bass"), ("jazz", ""), ("-", "a - b"), ("jazz", "jaz zfactor")),
    ],
)
def test_letters_that_meet_by_chance_are_no_name(tag: str, text: str) -> None:
    assert build_mention_columns([text], [tag]) == {f"says:{tag}": [0.0]}


@MANY
@given(st.lists(st.text("ab ", max_size=8), max_size=5), st.lists(st.text("ab", min_size=1, max_size=3), unique=True))
def test_every_substring_is_found(texts: list[str], tags: list[str]) -> None:
    found = build_mention_columns(texts, tags)
    assert list(found) == [f"says:{tag}" for tag in tags]
    for tag in tags:
        for text, mention in zip(texts, found[f"says:{tag}"], strict=True):
            assert mention == 1 or tag not in text


@MANY
@given(st.text("aB _-\t\n\u3000\x1cé.", max_size=20))
def test_words_are_split_wherever_the_pieces_of_a_name_are(text: str) -> None:
    spaced = SEPARATORS.sub(" ", text.lower()).strip()
    assert text.lower().replace("_", " ").replace("-", " ").split() == spaced.split(" ") * bool(spaced)


def is_spelled(text: str, tag: str) -> bool:
    """Return whether a text contains a tag's name, as the definition says it, without any shortcut."""
    spaced_name, unspaced_name = format_tag_name(tag)
    spaced_text = SEPARATORS.sub(" ", text.lower()).strip()
    phrases = [phrase.split(" ") for phrase in PHRASE_PATTERN.findall(spaced_text)]
    runs = {
        "".join(phrase[start : start + length])
        for phrase in phrases
        for length in (2, 3)
        for start in range(len(phrase) - length + 1)
    }
    is_part = spaced_name in spaced_text or unspaced_name in spaced_text
    return bool(unspaced_name) and (is_part or unspaced_name in runs)


@MANY
@given(
    st.text("abAB _-\t\u3000\x1cé.ß", max_size=30),
    st.lists(st.text("ab -_é", min_size=1, max_size=5), min_size=1, max_size=4, unique=True),
)
def test_shortcuts_find_what_the_definition_does(text: str, tags: list[str]) -> None:
    expected = {f"says:{tag}": [float(is_spelled(text, tag))] for tag in tags}
    assert build_mention_columns([text], tags) == expected
