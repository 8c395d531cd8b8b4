"""Words of every script: marks stay with their letter, and without blanks every letter is a word."""

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trueline.core.text.words import find_first_words, find_words, is_unspaced_letter

MANY = settings(deadline=None, max_examples=200)
UNSPACED_SCRIPTS = {
    "Han": "公園音樂會瑜伽課",
    "rare Han": "\U00020000\U0002a6df\U00030000",
    "hiragana": "おんがくのよる",
    "katakana": "ジャズナイト",
    "Thai": "ดนตรสวนงน",
    "Lao": "ດນຕສວນງນ",
    "Khmer": "តរកខគង",
    "Myanmar": "ဂတပကခ",
    "Javanese": "ꦒꦢꦤꦥ",
    "Yi": "ꀀꀁꀂꀃ",
}
SPACED_SCRIPTS = {
    "Latin": "jazznightmüßéø",
    "Greek": "μουσική",
    "Cyrillic": "музыкаёі",
    "Arabic": "موسيقى",
    "Hebrew": "מוזיקה",
    "Devanagari": "सगतक",
    "Tamil": "இசநகழ",
    "Hangul": "음악회공원",
    "Georgian": "მუსიკა",
    "Ethiopic": "ሙዚቃ",
    "Adlam": "\U0001e922\U0001e923\U0001e924",
}
MARKS = ["", "\u0301", "\u0e31\u0e49", "\u093f", "\u0bc1", "\u064e", "\u05b0", "\U0001e944"]
scripts = st.sampled_from([*UNSPACED_SCRIPTS.values(), *SPACED_SCRIPTS.values()])
letters = scripts.flatmap(st.sampled_from)
marked_letters = st.tuples(letters, st.sampled_from(MARKS)).map("".join)
any_text = st.text(st.one_of(letters, st.sampled_from("".join(MARKS)), st.sampled_from("az09_ .,-!\n。、🎉९๑")))


@MANY
@given(st.text(st.characters(max_codepoint=0x2FF)))
@example("DJ's Café, 2-for-1! naïve_x")
def test_words_of_latin_letters_are_runs_of_letters_digits_and_underscores(text: str) -> None:
    assert find_words(text) == re.findall(r"\w+", text)


@MANY
@given(any_text)
def test_no_letter_is_lost_and_none_is_found_twice(text: str) -> None:
    found = "".join(find_words(text))
    assert re.sub(r"\W", "", found) == re.sub(r"\W", "", text)
    assert not re.search(r"\s", found)


@MANY
@given(st.lists(marked_letters, min_size=1, max_size=9))
def test_a_mark_belongs_to_its_letter(word: list[str]) -> None:
    words = find_words("".join(word))
    assert "".join(words) == "".join(word)
    assert not any(unicodedata.category(found[0]).startswith("M") for found in words)


@pytest.mark.parametrize("script", UNSPACED_SCRIPTS)
def test_where_no_blanks_separate_words_each_letter_is_one(script: str) -> None:
    text = UNSPACED_SCRIPTS[script]
    assert find_words(text) == list(text)
    assert all(map(is_unspaced_letter, text))


@pytest.mark.parametrize("script", SPACED_SCRIPTS)
def test_where_blanks_separate_words_they_are_whole(script: str) -> None:
    word = SPACED_SCRIPTS[script]
    assert find_words(f"{word} {word}, {word}।") == [word] * 3
    assert not is_unspaced_letter(word)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी में कार्यक्रम", ["हिन्दी", "में", "कार्यक्रम"]),
        ("สวัสดี ๑๒", ["ส", "วั", "ส", "ดี", "๑๒"]),
        ("เพลงไทย น้ำ", ["เพ", "ล", "ง", "ไท", "ย", "น้ำ"]),
        ("ກິນເຂົ້າ", ["ກິ", "ນ", "ເຂົ້າ"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្មែ", "រ"]),
        ("မြန်မာ တက္ကသိုလ်", ["မြ", "န်", "မာ", "တ", "က္က", "သို", "လ်"]),
        ("தமிழ் இசை", ["தமிழ்", "இசை"]),
        ("مُوسِيقَى", ["مُوسِيقَى"]),
        ("เ", ["เ"]),
        ("Jazz第3回@公園", ["Jazz", "第", "3", "回", "公", "園"]),
        ("e\u0301tude", ["e\u0301tude"]),
        ("\u0301 jazz", ["jazz"]),
        ("", []),
    ],
)
def test_words_of_mixed_texts(text: str, words: list[str]) -> None:
    assert find_words(text) == words


def test_words_are_runs_of_letters_and_digits_of_any_script_in_lower_case() -> None:
    assert find_first_words("DJ's Café, 2-for-1! موسيقى ジャズ", 10) == [
        "dj",
        "s",
        "café",
        "2",
        "for",
        "1",
        "موسيقى",
        *"ジャズ",
    ]
    assert find_first_words("one two three", 2) == ["one", "two"]
    assert find_first_words(" ?! ", 5) == []


def test_a_long_text_is_not_read_to_its_end() -> None:
    assert find_first_words("a" * 10_000_000, 2) == ["a" * 24]
