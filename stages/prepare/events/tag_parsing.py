"""Tag parsing: the tags of all events, read as the whole column suggests."""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from stages.prepare.events.tag_annotations import drop_annotations
from stages.prepare.events.tag_cells import Items, Splitter, is_missing, is_number, is_printed_list, read_items
from trueline.core.errors import UserError
from trueline.core.text.tag_labels import clean_tag, normalize_tag

Tags = tuple[str, ...]

ANGLED_TEXT_PATTERN = re.compile(r"(?:<[^<>]+>\s*)+")
HASHED_TEXT_PATTERN = re.compile(r"#[^\s#].*", re.DOTALL)
HASH_PATTERN = re.compile(r"\s*#(?=[^\s#])")
QUOTED_PATTERN = re.compile(r"""(['"])(.*)\1""", re.DOTALL)
MAX_LISTED_NUMBERS = 20  # in a message
OTHER_FORMS = {",": "，、،", ";": "；؛", "|": "｜"}  # of the same delimiter
OTHER_SEPARATORS = ("/", " > ", ">", "•", "·", "&", "+", " - ", " – ", "\t", "\\", " and ", " und ", " et ", " y ")
LEAST_JOINED = 3  # tags that consist of others
MOST_OF = 0.8  # of the tags that have a sign in them: then it separates
BULLET_PATTERN = re.compile(r"\s*[-*•]\s+")
ELEMENT_PATTERN = re.compile(r"<(li|a|span|td)\b[^<>]*>([^<>]*)</\1>")  # of HTML
MARKUP_PATTERN = re.compile(r"<[^<>]*>")
ENTITY_PATTERN = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]{2,8});")
NO_TAG_WORDS = ("-", "--", "—", "none", "n/a", "na", "nan", "null", "no tags", "no tag", "untagged")
LEAST_COMMA_REUSE = 3  # tags with commas recur so often, each with the same parts
MIN_BLANK_REUSE = 1.5  # words between blanks are tags if each is in so many times as many cells as each whole text is


def parse_tags(
    cells: Sequence[Any], delimiters: str, new_names: Mapping[Any, Any], is_set_fixed: bool
) -> list[Tags | None]:
    """Return the tags in each raw cell as they are spelt, without repetitions; None if a cell cannot be read.

    Cells are read by `read_items`; other texts are split at each of the `delimiters`. If every such text consists of
    #tags or of <tags>, or one of several of them, these signs are no part of the tags. `new_names` replaces tags,
    however these are spelt. Numbers beside the tags are left out, unless the set of tags is fixed, which is printed. A
    missing or empty cell has no tags. Raises UserError if some tags are numbers and others
    are not, and, unless the set of tags is fixed, if texts look like tags that blanks separate although `delimiters`
    has no blank.

    >>> parse_tags(["['art' 'jazz']", "jazz; c++", None], ",;|", {"jazz": "Jazz"}, False)
    [('art', 'Jazz'), ('Jazz', 'c++'), ()]
    """
    split_text = _choose_splitter(cells, delimiters, is_set_fixed)
    name_by_tag = {normalize_tag(str(label)): str(name) for label, name in new_names.items()}
    item_lists = [[] if _is_no_tag(cell, is_set_fixed) else read_items(cell, split_text) for cell in cells]
    _reject_mixed_numbers(item_lists, name_by_tag)
    if not is_set_fixed:
        item_lists = drop_annotations(item_lists)
    return [None if items is None else _label_items(items, name_by_tag) for items in item_lists]


def _is_no_tag(cell: Any, is_set_fixed: bool) -> bool:
    return not is_set_fixed and isinstance(cell, str) and cell.strip().casefold() in NO_TAG_WORDS


def _choose_splitter(cells: Sequence[Any], delimiters: str, is_set_fixed: bool) -> Splitter:
    """Return the function that splits a text which prints no list, as all such texts of the column suggest."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    texts = [text for text in texts if text and not is_printed_list(text)]
    if not is_set_fixed and _has_commas_in_tags(texts, delimiters):
        delimiters = delimiters.replace(",", "")
    delimiter_pattern = re.compile(f"[{re.escape(_add_other_forms(delimiters))}\r\n]")
    has_bullets = bool(texts) and all(BULLET_PATTERN.match(line) for text in texts for line in text.splitlines())
    has_angles, has_hashes = _use_signs(texts, ANGLED_TEXT_PATTERN, "<"), _use_signs(texts, HASHED_TEXT_PATTERN, "#")

    def split_text(text: str) -> list[str]:
        if (elements := ELEMENT_PATTERN.findall(text)) and not MARKUP_PATTERN.sub(
            "", ELEMENT_PATTERN.sub("", text)
        ).strip(f"{delimiters} \t\r\n"):
            return [html.unescape(content).strip() for _, content in elements]
        if has_angles and ANGLED_TEXT_PATTERN.fullmatch(text):
            return re.findall(r"<([^<>]+)>", text)
        if has_bullets:
            return [BULLET_PATTERN.sub("", line) for line in text.splitlines()]
        pieces = delimiter_pattern.split(html.unescape(text) if ENTITY_PATTERN.search(text) else text)
        if has_hashes:
            pieces = [tag for piece in pieces for tag in HASH_PATTERN.split(piece)]
        return [QUOTED_PATTERN.sub(r"\2", piece.strip()) for piece in pieces]

    if not is_set_fixed:
        _reject_other_separators([piece.strip() for text in texts for piece in split_text(text) if piece.strip()])
        if all(len(split_text(text)) == 1 for text in texts):
            _reject_blank_separation(texts)
    return split_text


def _has_commas_in_tags(texts: Sequence[str], delimiters: str) -> bool:
    """Return whether other delimiters separate the tags and commas are a part of them, as in "Food, Drink|Film".

    Then the pieces of a tag recur together, and never without each other.
    """
    stronger = delimiters.replace(",", "")
    if stronger == delimiters or not any(sign in text and "," in text for text in texts for sign in stronger):
        return False
    tag_end_pattern = re.compile(f"[{re.escape(_add_other_forms(stronger))}\r\n]")
    tags = [" ".join(tag.split()) for text in texts for tag in tag_end_pattern.split(text) if tag.strip()]
    pieces_by_tag = {tag: {piece.strip() for piece in tag.split(",")} for tag in set(tags)}
    with_commas = {tag for tag, tag_pieces in pieces_by_tag.items() if len(tag_pieces) > 1}
    counts = Counter(piece for tag_pieces in pieces_by_tag.values() for piece in tag_pieces)
    stand_apart = all(piece and counts[piece] == 1 for tag in with_commas for piece in pieces_by_tag[tag])
    return (
        bool(with_commas)
        and stand_apart
        and sum(tag in with_commas for tag in tags) >= LEAST_COMMA_REUSE * len(with_commas)
    )


def _add_other_forms(delimiters: str) -> str:
    """Return delimiters with the forms that they have in other scripts."""
    return delimiters + "".join(OTHER_FORMS.get(delimiter, "") for delimiter in delimiters)


def _reject_other_separators(tags: Sequence[str]) -> None:
    """Raise UserError if many tags consist of others, with a sign between them that is no delimiter.

    >>> _reject_other_separators(["art", "jazz", "rock/pop"])
    """
    kinds = set(tags)
    for separator in OTHER_SEPARATORS:
        joined = {tag: [piece.strip() for piece in tag.split(separator)] for tag in kinds if separator in tag.strip()}
        piece_counts = Counter(piece for tag_pieces in joined.values() for piece in set(tag_pieces))
        made_of_others = [
            tag
            for tag, tag_pieces in joined.items()
            if all(piece and (piece in kinds or piece_counts[piece] > 1) for piece in tag_pieces)
        ]
        if len(made_of_others) >= LEAST_JOINED and len(made_of_others) >= MOST_OF * len(joined):
            example, sign = min(made_of_others), separator.strip()
            remedy = f"add {sign!r} to prepare.events.delimiters" if len(sign) == 1 else f"replace {separator!r} by ';'"
            raise UserError(
                f"events: tags is {example!r}, which looks like {len(joined[example])} tags, not one; if so, {remedy}, "
                "otherwise list all tags in prepare.events.tags."
            )


def _use_signs(texts: Sequence[str], pattern: re.Pattern[str], sign: str) -> bool:
    """Return whether signs mark tags: some text consists of several marked tags, or every text of at least one."""
    marked_texts = [text for text in texts if pattern.fullmatch(text)]
    return bool(marked_texts) and (
        len(marked_texts) == len(texts) or any(text.count(sign) > 1 for text in marked_texts)
    )


def _reject_blank_separation(texts: Sequence[str]) -> None:
    """Raise UserError if the words of texts without delimiters recur in other combinations, as separate tags do."""
    tokens = [token for text in texts for token in set(text.split())]
    if len(tokens) * len(set(texts)) > MIN_BLANK_REUSE * len(texts) * len(set(tokens)):
        example = Counter(text for text in texts if " " in text).most_common(1)[0][0]
        raise UserError(
            f"events: tags is {example!r}, which looks like {len(example.split())} tags, not one; if so, set "
            'prepare.events.delimiters to " ", otherwise list all tags in prepare.events.tags.'
        )


def _reject_mixed_numbers(item_lists: Sequence[Items | None], name_by_tag: Mapping[str, str]) -> None:
    items = [item for items in item_lists if items for item in items if not is_missing(item)]
    numbers = {_print_item(item) for item in items if is_number(item)}
    nameless = sorted(number for number in numbers if normalize_tag(number) not in name_by_tag)
    name = next((item for item in items if isinstance(item, str) and item.strip()), None)
    if nameless and name is not None:
        lines = ", ".join(f"{number}: NAME" for number in nameless[:MAX_LISTED_NUMBERS])
        raise UserError(
            f"events: tags is a number in some rows ({nameless[0]}) and a name in others ({name!r}); say what the "
            f"numbers mean, prepare.events.values: {{tags: {{{lines}}}}}."
        )


def _label_items(items: Items, name_by_tag: Mapping[str, str]) -> Tags | None:
    if not all(isinstance(item, str) or is_number(item) for item in items):
        return None
    labels = (clean_tag(_print_item(item)) for item in items)
    return tuple(sorted({name_by_tag.get(normalize_tag(label), label) for label in labels if normalize_tag(label)}))


def _print_item(item: Any) -> str:
    """Return a tag as text; 3.0, as a column of numbers with gaps gives it, is 3."""
    return str(int(item)) if is_number(item) and item == int(item) else str(item)
