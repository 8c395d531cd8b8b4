"""Tag annotations: a score, a count or a position that a source writes beside each tag is no part of the tag."""

import re
from collections.abc import Callable, Sequence

from stages.prepare.events.tag_cells import Items
from trueline.core.errors import UserError

NUMBER = r"(?P<number>\d+(?:[.,]\d+)?)\s*%?"
FORMS = (  # "jazz (0.9)", "jazz: 0.9" and "jazz=1", and "1. jazz"; a name may end with a number, or hold a colon
    re.compile(rf"(?P<tag>.*\S)\s*[(\[]\s*{NUMBER}\s*[)\]]"),
    re.compile(rf"(?P<tag>.*[^\s\d:=])\s*[:=]\s*{NUMBER}"),
    re.compile(r"(?P<number>\d{1,2})\s*[.)]\s+(?P<tag>\D.*)"),
)
LEAST_SHARE = 0.9  # of the tags, if nearly all have one;
LEAST_TAGS = 3  # or so many that other rows have without it
LEAST_SCORE = 0.5  # a score below this may say that the event does not have the tag


def drop_annotations(item_lists: Sequence[Items | None]) -> list[Items | None]:
    """Return the items of all cells without annotations, if the column shows that these are some, which is printed.

    Raises UserError if the annotations are scores, of which some are so low that the tag may not be meant.
    """
    tags = {item.strip() for items in item_lists if items for item in items if isinstance(item, str) and item.strip()}
    for form in FORMS:
        matches = {tag: match for tag in tags if (match := form.fullmatch(tag))}
        is_told_without = sum(match["tag"].strip() in tags for match in matches.values())
        if matches and (len(matches) >= LEAST_SHARE * len(tags) or is_told_without >= LEAST_TAGS):
            _reject_low_scores(matches)
            example = min(matches)
            plain = {tag: match["tag"].strip() for tag, match in matches.items()}
            print(f"events: {len(plain):,} tags have a number beside them, which is left out, for example {example!r}")
            return [_replace(items, plain.get) for items in item_lists]
    return list(item_lists)


def _replace(items: Items | None, get_plain: Callable[[str], str | None]) -> Items | None:
    if items is None:
        return None
    return [(get_plain(item.strip()) or item) if isinstance(item, str) else item for item in items]


def _reject_low_scores(matches: dict[str, re.Match[str]]) -> None:
    numbers = {tag: float(match["number"].replace(",", ".")) for tag, match in matches.items()}
    are_scores = all(0 <= number <= 1 for number in numbers.values()) and any(number % 1 for number in numbers.values())
    low_tag = min(numbers, key=lambda tag: (numbers[tag], tag))
    if are_scores and numbers[low_tag] < LEAST_SCORE:
        raise UserError(
            f"events: tags is {low_tag!r}, a tag with a score that may be too low for the event to have it; leave out "
            "such tags, or all scores."
        )
