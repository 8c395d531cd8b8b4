"""Text cleaning: everything that is not a word goes, every word stays, and cleaning twice changes nothing."""

import re
import sys
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trueline.core.text.cleaning import (
    CLEANING_STEPS,
    EMOJI_PATTERN,
    ENTITY_PATTERN,
    INVISIBLE_PATTERN,
    MAX_DECODINGS,
    _decode_and_normalize,
    _drop_entity,
    _is_clean,
    clean_text,
    decode_entities,
    join_marked_fields,
)

MANY = settings(deadline=None, max_examples=400)
# Parts that might combine to mark-up, an entity or an address when something between them is removed.
PARTS = [
    *("<", ">", "</", "<b", "<b>", "</b>", "<i", '<a href="', "<!--", "-->", "<!", "<script>", "</script>", "o:p"),
    *("&", "&amp;", "&lt;", "&gt;", "&#38;", "&nbsp;", "&zwj;", "&", "amp;", "lt;", "#38;", ";", "&foo;"),
    *("http://", "http:", "//", "www.", "x.com", "a@b.co", "mailto:", "@", ".", "..", ":80", "/", "(", ")", "?"),
    *("-", "--", "!", "!!", "_", "+", "*", "=", '"', "'", ",", "x", "p", "b", " ", "\n", "3", "1"),
    *("😀", "\u200d", "\u200b", "\u0301", "\u0338", "\u20e3", "é", "は", "ש", "１", "＆", "；", "＜", "＠", "．", "ﬀ"),
    *("¨", "½", "…", "\u0344", "\ud83d", "\ufffd", "ﷺ", "\u3000", "\u202e", "\x00", "\x1f"),
]
pasted = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)


@MANY
@given(st.one_of(pasted, st.text(max_size=60), st.lists(st.one_of(pasted, st.text(max_size=9))).map("".join)))
@example("<b <i>>")
@example("&&#97;mp;lt;b>")
@example("http://httpはa@b.co")
@example("</mailto::80")
@example("a@b.com1@c.de")
@example("\u0344" * 40)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once


@MANY
@given(st.one_of(pasted, st.text(max_size=60)))
def test_what_is_left_is_in_normal_form_and_can_be_written(text: str) -> None:
    left = clean_text(text)
    assert unicodedata.is_normalized("NFKC", left)
    assert left == " ".join(left.split())
    assert not INVISIBLE_PATTERN.search(left)
    assert not EMOJI_PATTERN.search(left)
    left.encode()


@MANY
@given(st.lists(st.text("abcXYZäöéשלוםعربيこんにちは漢字0123456789", min_size=1), max_size=8))
def test_plain_words_of_every_script_stay_as_they_are_in_their_order(words: list[str]) -> None:
    text = unicodedata.normalize("NFKC", " ".join(words))
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('<a href="http://x.com">Click here</a> jazz', "Click here jazz"),
        ("<p>One</p><p>Two<br/>Three</p>", "One Two Three"),
        ('<img src="a.png" alt="x">art', "art"),
        ("<!-- hidden -->seen<!-- open", "seen open"),
        ("<script>var x = '<b>';</script>seen<style>p {}</style>", "seen"),
        ('cut within a tag <a href="http://x', "cut within a tag"),
        ("<o:p>Word</o:p>", "Word"),
        ("I <3 jazz and you > me", "I <3 jazz and you > me"),
        ("I <heart> jazz, x<y and y>z", "I <heart> jazz, x<y and y>z"),
        ("doors <8:30 and > 7", "doors <8:30 and > 7"),
        ("&lt;b&gt;bold&lt;/b&gt; &amp;amp; brave&nbsp;&eacute;", "bold & brave é"),
        ("rock&reggae &notes; &unknown;", "rock&reggae &notes; &unknown;"),
        ("a &amp;amp;amp; b", "a b"),
    ],
)
def test_mark_up_goes_and_what_it_marked_stays(text: str, left: str) -> None:
    assert clean_text(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("awwwesome", "awwwesome"),
        ("DJ@Nite live", "DJ@Nite live"),
        ("www.x.com", ""),
        ("see WWW.x.com/a?b=c, then jazz", "see , then jazz"),
        ("tickets (https://x.com/a_b). Doors at 8", "tickets ( ). Doors at 8"),
        ("<https://x.com> and ftp://x.org/a", "and"),
        ("ask bob.smith+jazz@mail.x.com!", "ask !"),
        ("mailto:bob@x.com", ""),
        ("詳細はhttp://x.com/aをご覧", "詳細は をご覧"),
        ("http://bücher.de/ä jazz", "jazz"),
        ("fluid510.com stays, a name", "fluid510.com stays, a name"),
        ("www. and http:// alone", "www. and http:// alone"),
    ],
)
def test_only_real_addresses_go(text: str, left: str) -> None:
    assert clean_text(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("*****POSTPONED***** soon!!! ------ really???", "*POSTPONED* soon! - really?"),
        ("wait... what?! 10–12pm — no", "wait. what?! 10–12pm — no"),
        ("🎉🎉 party 👩‍🎤 1️⃣ 🇺🇸 ★ → ☎️", "party 1"),
        ("𝓙𝓪𝔃𝔃 Ｔｏｎｉｇｈｔ ﬁlm ①", "Jazz Tonight film 1"),
        ("cafe\u0301 nai\u0308ve", "café naïve"),
        ("soft\u00adly zero\u200bwidth \ufeffmark\x00ed \u202eturned\u202c", "softly zerowidth marked turned"),
        ("6:00 PM\ufffdLocation", "6:00 PM Location"),
        ("lone \ud83d half", "lone half"),
        (" a\t b\u3000c\u2028d\r\n ", "a b c d"),
        ("שלום, עולם! مرحبا", "שלום, עולם! مرحبا"),
        ("Case STAYS, it's $5 & 50%", "Case STAYS, it's $5 & 50%"),
        ("", ""),
        ("🎈🎂", ""),
    ],
)
def test_one_form_of_every_character_no_ornaments(text: str, left: str) -> None:
    assert clean_text(text) == left


def test_no_character_turns_into_one_that_a_second_cleaning_would_remove() -> None:
    for number in range(sys.maxunicode + 1):
        if not INVISIBLE_PATTERN.match(character := chr(number)):
            form = unicodedata.normalize("NFKC", character)
            assert not INVISIBLE_PATTERN.search(form), hex(number)


@pytest.mark.parametrize(
    "part",
    [
        *(
            "jazz and blues at 8pm! ",
            "<",
            "<b ",
            "<b a='",
            "<!--",
            "<script>",
            "\u0301\u0316",
            "&#38;",
            "&",
            "a.",
            "a@",
        ),
        *("a@a.", "http://", "www.", "a-", "<w:", "mailto:", "<b a=", "😀", "-", "&a&#109;p;#112;"),
    ],
)
def test_a_long_text_takes_time_in_proportion_whatever_it_holds(part: str) -> None:
    begun = time.process_time()
    clean_text(part * (300_000 // len(part)))
    assert time.process_time() - begun < 5, "seconds; the square of the length would take an hour"


@MANY
@given(st.one_of(pasted, st.text(max_size=60), st.text("wW.@:/<>!- ab", max_size=20)))
def test_a_step_that_is_skipped_would_have_found_nothing(text: str) -> None:
    for pattern, _, may_match in CLEANING_STEPS:
        assert may_match(text) or not pattern.search(text)


@MANY
@given(
    st.one_of(pasted, st.text(max_size=60), st.lists(st.sampled_from("é¨\u0301\u0344a½ "), min_size=25).map("".join))
)
@example("é" + "\u0301" * 40 + "ﬀ")
def test_a_text_that_needs_no_second_normalising_would_not_change_by_it(text: str) -> None:
    expected = text
    for _ in range(MAX_DECODINGS):
        expected = decode_entities(normalize(expected))
    assert _decode_and_normalize(text) == ENTITY_PATTERN.sub(_drop_entity, normalize(expected))


def normalize(text: str) -> str:
    """Return a text in NFKC, without invisible characters and with at most 30 marks on a letter, step by step."""
    many_marks = re.compile(r"([^\w\s\x00-\x7f]{30})[^\w\s\x00-\x7f]+")
    visible = many_marks.sub(r"\1", INVISIBLE_PATTERN.sub("", text))
    return many_marks.sub(r"\1", unicodedata.normalize("NFKC", visible))


@MANY
@given(st.one_of(pasted, st.text("wW.@:/<>!&- ab\t", max_size=20), st.text("ab.!W ", max_size=9)))
@example("A word, another - and a third.")
def test_a_text_that_is_taken_as_clean_goes_through_every_step_unchanged(text: str) -> None:
    if _is_clean(text):
        assert _decode_and_normalize(text) == text
        assert not any(may_match(text) for _, _, may_match in CLEANING_STEPS)
        assert " ".join(text.split()) == text


@MANY
@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_printable_ascii_is_in_normal_form_and_has_nothing_invisible(text: str) -> None:
    if text.isprintable():
        assert unicodedata.normalize("NFKC", text) == text
        assert not INVISIBLE_PATTERN.search(text)


def test_fields_are_joined_each_after_its_mark_and_empty_ones_not_at_all() -> None:
    fields = {"name": "Jazz", "description": "", "place": "Oakland"}
    assert join_marked_fields(fields, marks=True) == "xxname Jazz xxplace Oakland"
    assert join_marked_fields(fields, marks=False) == "Jazz Oakland"
    assert join_marked_fields({"name": ""}, marks=True) == ""
