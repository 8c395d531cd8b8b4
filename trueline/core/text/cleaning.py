"""Text cleaning: what people typed or pasted becomes plain words, in training and serving alike."""

import html
import html.entities
import re
import unicodedata
from collections.abc import Callable, Mapping

FIELD_MARK = "xx"  # begins the token that announces a field: no word does, and every tokeniser keeps it whole

ENTITY_PATTERN = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
MAX_DECODINGS = 2  # times that a text may have been encoded: &amp;amp; becomes &; what is still encoded then is dropped

# Fixed ranges, not categories: a newer Unicode table in Python would otherwise change what is kept.
# Controls, soft hyphen, joiners, direction marks, variation selectors, halves of surrogate pairs, private use, tags.
INVISIBLE_PATTERN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
# Arrows, clocks, boxes, shapes, dingbats, keycaps, emoji proper, and � where a character was lost.
EMOJI_PATTERN = re.compile(
    "[\u20e3\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\ufffd\U0001f000-\U0001faff]"
)
# Unicode's stream-safe format allows 30 marks on a letter; the time to normalise a longer run grows quadratically.
# The first mark is not counted, so that the search can skip what is none: it takes half the time.
LONG_MARKS_PATTERN = re.compile(r"([^\w\s\x00-\x7f][^\w\s\x00-\x7f]{29})[^\w\s\x00-\x7f]+")

HTML_NAMES = """a abbr acronym address area article aside audio b base bdi bdo big blockquote body br button canvas
caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset figcaption
figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label
legend li link main map mark marquee menu meta meter nav nobr noframes noscript object ol optgroup option output p param
path picture pre progress q rp rt ruby s samp script section select slot small source span strike strong style sub
summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr
[a-z]\\w*:\\w+"""
TAG_PATTERN = rf"</?(?:{'|'.join(HTML_NAMES.split())})(?!\w)"
ATTRIBUTES_PATTERN = r"""(?:\s+[\w:-]++\s*=\s*(?:"[^"<>]*+"?|'[^'<>]*+'?|[^\s<>"']++))*"""
# Characters of an address: ASCII without space, quotes, < and >; Latin, for names such as bücher.de.
ADDRESS_LETTERS = "[!#-&(-;=?-~À-ɏ]"
NO_STOP_PATTERN = r"(?<![.,;:!?)\]}])"  # a full stop or bracket after an address belongs to the sentence

REPEATABLE_MARKS = "!?.,;:*~_=+|<>–—-"  # of which one is kept where several follow each other
REPEATED_MARK_PATTERN = re.compile(rf"([{REPEATABLE_MARKS}])\1+")

# Possessive quantifiers are on single characters only: before 3.11.5 Python matched those on groups wrongly.
# Each step comes with what a text must contain for it to find anything: testing that first is ten times faster.
CLEANING_STEPS: list[tuple[re.Pattern[str], str, Callable[[str], bool]]] = [
    (re.compile(r"<!--(?:(?:(?!-->|<!--).)*-->)?", re.DOTALL), " ", lambda text: "<!--" in text),  # comments
    (REPEATED_MARK_PATTERN, r"\1", lambda text: REPEATED_MARK_PATTERN.search(text) is not None),
    (
        re.compile(r"<(script|style)(?=[\s>])[^<>]*+>(?:(?!</?\1\b).)*</\1\s*>", re.DOTALL | re.IGNORECASE),
        " ",
        lambda text: "<" in text,
    ),
    # an unclosed tag, as in a text that was cut off, goes with its attributes only
    (re.compile(rf"{TAG_PATTERN}(?:[^<>]*+>|{ATTRIBUTES_PATTERN})", re.IGNORECASE), " ", lambda text: "<" in text),
    (EMOJI_PATTERN, " ", lambda text: not text.isascii()),
    (
        re.compile(
            rf"<?(?<!\w)(?:https?|ftp)://{ADDRESS_LETTERS}+{NO_STOP_PATTERN}>?"
            rf"|(?<![\w.@-])www\.(?=[\wÀ-ɏ-]+\.){ADDRESS_LETTERS}+{NO_STOP_PATTERN}"
            r"|(?:mailto:)?(?<!\w)\w[\w.+-]{0,63}@(?:[\w-]+\.)+[a-z]{2,}(?![\w-])",
            re.ASCII | re.IGNORECASE,
        ),
        " ",
        lambda text: "://" in text or "@" in text or "www." in text.lower(),
    ),
]


def clean_text(text: str) -> str:
    """Return a text as plain words: no mark-up, no addresses, no emoji, one form of every character.

    Removed are invisible and control characters, comments, scripts, styles and HTML tags (the text between tags stays),
    emoji and pictographs, URLs (with a scheme or www.) and e-mail addresses. Letters get one form by Unicode NFKC
    (full-width, styled, composed), entities are decoded, a repeated punctuation mark becomes one, and white space
    becomes one blank. Case, accents, every script and the order of the letters stay. Emoji are not spelled out: a party
    popper would contain `art`, which nobody wrote, and their names depend on Python's Unicode table.

    Cleaning twice changes nothing, and the time is proportional to the length. Limits: a tag between letters separates
    them (`<b>F</b>ree` → F ree); a bare domain such as venue.com stays, because it reads as a name; entities need their
    semicolon, so that `rock&reggae` survives; a joiner that some scripts need in spelling (Persian, Indic) goes too.

    >>> clean_text("<b>Jazz</b> &amp; more!!! https://example.com")
    'Jazz & more!'
    """
    if _is_clean(text):
        return text
    if "&" in text or not (text.isascii() and text.isprintable()):  # or else nothing is to be decoded or normalised
        text = _decode_and_normalize(text)
    for pattern, replacement, may_match in CLEANING_STEPS:
        if may_match(text):
            text = pattern.sub(replacement, text)
    return " ".join(text.split())


def decode_entities(text: str) -> str:
    """Return a text with HTML's entities as characters; what only looks like one, or lacks its semicolon, stays."""
    return ENTITY_PATTERN.sub(_convert_entity, text) if "&" in text else text


def join_marked_fields(fields: Mapping[str, str], marks: bool) -> str:
    """Return the non-empty fields as one text, with `marks` each after its mark.

    {"name": "Jazz", "place": "Oakland"} becomes `xxname Jazz xxplace Oakland`.
    """
    return " ".join(f"{FIELD_MARK}{name} {value}" if marks else value for name, value in fields.items() if value)


def format_own_values(values: Mapping[str, str | float | None]) -> str:
    """Return values of own columns as words, each after its mark, in the order of the names; missing ones are left out.

    >>> format_own_values({"ticket_price": 12.50, "host": "The Library", "indoors": None})
    'xxhost The Library xxticketprice 12.5'
    """
    fields = {
        name.replace("_", ""): value if isinstance(value, str) else f"{value:g}"
        for name, value in sorted(values.items())
        if value is not None and value == value  # NaN is not equal to itself
    }
    return join_marked_fields(fields, marks=True)


def _is_clean(text: str) -> bool:
    """Return whether a text is such that no step would change it, as most are, in half the time of the steps."""
    return (
        text.isascii()
        and text.isprintable()  # so its only white space are blanks
        and "  " not in text
        and text[:1] != " "
        and text[-1:] != " "
        and not ("&" in text or "<" in text or "@" in text or "://" in text or "www." in text.lower())
        and REPEATED_MARK_PATTERN.search(text) is None
    )


def _normalize_text(text: str) -> str:
    """Return a text in NFKC, without invisible characters and with at most 30 marks on a letter."""
    if text.isascii() and text.isprintable():
        return text
    visible_text = LONG_MARKS_PATTERN.sub(r"\1", INVISIBLE_PATTERN.sub("", text))
    normal_text = unicodedata.normalize("NFKC", visible_text)
    return visible_text if normal_text == visible_text else LONG_MARKS_PATTERN.sub(r"\1", normal_text)


def _decode_and_normalize(text: str) -> str:
    for _ in range(MAX_DECODINGS):
        normal_text = _normalize_text(text)
        if normal_text == text and "&" not in text:  # as in most texts; then no further step changes anything
            return text
        text = decode_entities(normal_text)
    return ENTITY_PATTERN.sub(_drop_entity, _normalize_text(text))


def _convert_entity(entity: re.Match[str]) -> str:
    entity_text = entity[0]
    is_known = entity_text[1] == "#" or entity_text[1:] in html.entities.html5
    return html.unescape(entity_text) if is_known else entity_text


def _drop_entity(entity: re.Match[str]) -> str:
    return " " if _convert_entity(entity) != entity[0] else entity[0]
