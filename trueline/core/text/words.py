"""Words: the words of a text in any script; where a script has no blanks between words, each letter is one."""

import re
import unicodedata
from functools import cache

PLAIN_WORD_PATTERN = re.compile(r"\w+")
# Blocks with combining marks or letters of such scripts, a few ranges for speed; `\w+` finds the words of other texts.
MARKED_OR_UNSPACED_PATTERN = re.compile("[\u0300-\u036f\u0483-\u1dff\u20d0-\u20ff\u2cef-\U0003ffff]")
# Scripts written without blanks (line-breaking classes ID, CJ, SA, AK and AS of Unicode's annex 14): Thai, Lao,
# Myanmar, Khmer, Tai, Balinese, Javanese, kana, bopomofo, Yi and Han. Tibetan separates syllables, and is not here.
UNSPACED_RANGES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3041-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\ua980-\ua9ff\uaa60-\uaadf\uf900-\ufaff\uff66-\uff9f"
    "\U00016fe0-\U00018dff\U0001aff0-\U0001b2ff\U00020000-\U0003ffff"
)
# Vowels that are written as letters of their own, before or after the consonant that they follow in speech: Thai, Lao,
# New Tai Lue and Tai Viet.
LEADING_VOWEL_PATTERN = (
    r"(?:[\u0e40-\u0e44\u0ec0-\u0ec4\u19b5-\u19b7\u19ba\uaab5\uaab6\uaab9\uaabb\uaabc](?=[^\W\d_]))?"
)
FOLLOWING_VOWELS = "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u19b0-\u19b4\u19b8\u19b9\u19bb-\u19c0\uaab1\uaaba\uaabd"
VIRAMA_CLASS = 9  # the combining class of the signs that stack a consonant below the one before, and of VOWEL_KILLERS
VOWEL_KILLERS = "\u0bcd\u0e3a\u0eba\u0f84\u103a"  # in Tamil, Thai, Lao, Tibetan and Burmese: nothing is stacked there

MAX_LETTERS_PER_WORD = 12  # a generous word with its blank: a text is read no further than this many letters per word
UNSPACED_LETTER_PATTERN = re.compile(rf"(?=[^\W\d])[{UNSPACED_RANGES}]")


def find_words(text: str) -> list[str]:
    """Return the words of a text: runs of letters, digits and underscores, with the marks that combine with them.

    A letter of a script without blanks between words, such as Chinese or Thai, is a word of its own, so that a run of
    words is a run of letters there. Its vowels and the consonants stacked below it are part of it.

    >>> find_words("jazz in the park 公園の音楽")
    ['jazz', 'in', 'the', 'park', '公', '園', 'の', '音', '楽']
    >>> find_words("เพลงไทย")
    ['เพ', 'ล', 'ง', 'ไท', 'ย']
    """
    is_plain = text.isascii() or not MARKED_OR_UNSPACED_PATTERN.search(text)
    pattern = PLAIN_WORD_PATTERN if is_plain else build_word_pattern()
    tokens: list[str] = pattern.findall(text)
    return tokens


def find_first_words(text: str, max_words: int) -> list[str]:
    """Return the first words of a text in lower case, as `find_words` separates them.

    >>> find_first_words("Jazz in the Park", 2)
    ['jazz', 'in']
    """
    return find_words(text[: MAX_LETTERS_PER_WORD * max_words].lower())[:max_words]


def is_unspaced_letter(token: str) -> bool:
    """Return whether a word of `find_words` is a letter of a script without blanks between words."""
    return UNSPACED_LETTER_PATTERN.match(token) is not None


@cache
def build_marks_pattern() -> str:
    """Return the pattern of what belongs to the letter before it: nothing, or marks, vowels and stacked consonants."""
    all_marks = [letter for letter in map(chr, range(0x300, 0x20000)) if unicodedata.category(letter)[0] == "M"]
    stackers = "".join(mark for mark in all_marks if unicodedata.combining(mark) == VIRAMA_CLASS)
    stacked = rf"(?<=[{stackers}])(?<![{VOWEL_KILLERS}])[^\W\d_]"
    # the first look-ahead makes it several times faster
    return rf"(?:(?=[^\w\s\x00-\x7f])[{''.join(all_marks)}]|{stacked}|[{FOLLOWING_VOWELS}])*"


@cache  # on first use: listing the marks takes 20 ms, which texts in Latin letters need not spend
def build_word_pattern() -> re.Pattern[str]:
    """Return the pattern of a word in any script."""
    marks_pattern = build_marks_pattern()
    spaced_word = rf"(?:(?:[^\W{UNSPACED_RANGES}]|\d){marks_pattern})+"
    return re.compile(f"{spaced_word}|{LEADING_VOWEL_PATTERN}{UNSPACED_LETTER_PATTERN.pattern}{marks_pattern}")
