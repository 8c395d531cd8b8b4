"""Events: invented listings whose tags are known: the phrases of each, which go together, which a rule assigns."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trueline.samples._listings import ASIDES, HALLS, OPENINGS, STREETS, TAG_PHRASES, TITLES

EVENT_COUNT = 240
CARD_EVENTS = 12
SERIES_COUNT = 24  # recurring events, each of SERIES_SIZES listings that differ in few words
SERIES_SIZES = (2, 3, 4)
MAX_DESCRIPTION_LETTERS = 400  # characters after which a description is cut off, even within a word
OPEN_SHARE = 0.88  # share of events open to all: a tag that a constant answer gets right
DROPPED_TAG_CHANCE = 0.06  # chance that the person who tagged an event forgot a tag
ADDED_TAG_CHANCE = 0.01  # chance of adding one for no reason

# Chance that an event is about a topic, and that a topic of an event brings another with it.
TOPIC_CHANCES = {
    **{"film": 0.16, "choir": 0.13, "chess": 0.11, "cycling": 0.13, "crafts": 0.16, "theatre": 0.12, "garden": 0.15},
    **{"debate": 0.10, "robotics": 0.07, "tea": 0.10, "market": 0.13, "falconry": 0.012},
}
PAIRED_TOPIC_CHANCES = {
    ("crafts", "market"): 0.45,
    ("garden", "tea"): 0.4,
    ("choir", "theatre"): 0.35,
    ("robotics", "chess"): 0.3,
}
OUTDOOR_CHANCES = {"cycling": 0.95, "garden": 0.8, "market": 0.6, "falconry": 1.0}  # else indoors
TAGS = tuple(sorted([*TOPIC_CHANCES, "open", "indoor", "outdoor"]))
RULE_MADE_TAGS = ("tea", "film", "garden", "market")  # given wherever the text contains their name, and nowhere else
PHRASES_PER_TOPIC = 3  # phrases about each topic

EventsAndTruth = tuple[pd.DataFrame, pd.DataFrame]


def make_sample(seed: int = 20250901) -> list[dict[str, Any]]:
    """Return the raw events, with a few dirty ones among them."""
    return _add_dirty_rows(simulate_clean_sample(seed)[0])


def write(folder: Path) -> None:
    """Write events.json; the same bytes every time."""
    text = json.dumps(make_sample(), indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "events.json").write_text(text + "\n", "utf-8")


def make_card(seed: int = 20250902) -> list[dict[str, Any]]:
    """Return events that are still to be tagged, none of them in the sample."""
    events = simulate_clean_sample(seed)[0].drop(columns="tags").head(CARD_EVENTS)
    events["id"] = [f"new{number:02}" for number in range(1, CARD_EVENTS + 1)]
    return [{str(name): value for name, value in event.items()} for event in events.to_dict("records")]


def write_card(folder: Path) -> None:
    """Write events.json; the same bytes every time."""
    text = json.dumps(make_card(), indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "events.json").write_text(text + "\n", "utf-8")


def simulate_clean_sample(seed: int) -> EventsAndTruth:
    """Return clean events, and the truth row by row: the series, and the tags before any was forgotten or added."""
    random = np.random.default_rng(seed)
    events, truth = [], []
    for series, size in enumerate(_draw_series_sizes(random)):
        tags = _draw_tags(random)
        first_listing = _draw_listing(random, tags)
        for edition in range(size):
            listing = first_listing if edition == 0 else _make_edition(random, first_listing, edition)
            events.append(listing | {"tags": _assign_tags(random, tags, listing)})
            truth.append({"series": series} | {tag: float(tag in tags) for tag in TAGS})
    order = random.permutation(len(events))
    ids = [f"ev{number:04}" for number in random.permutation(9000)[: len(events)] + 1000]
    shuffled = [{"id": name, **events[index]} for name, index in zip(ids, order, strict=True)]
    return pd.DataFrame(shuffled), pd.DataFrame(truth).iloc[order].reset_index(drop=True)


def _draw_series_sizes(random: np.random.Generator) -> list[int]:
    recurring = random.choice(SERIES_SIZES, SERIES_COUNT).tolist()
    return [*recurring, *[1] * (EVENT_COUNT - sum(recurring))]


def _draw_tags(random: np.random.Generator) -> set[str]:
    topics = {topic for topic, chance in TOPIC_CHANCES.items() if random.random() < chance}
    topics |= {
        companion
        for (topic, companion), chance in PAIRED_TOPIC_CHANCES.items()
        if topic in topics and random.random() < chance
    }
    if not topics:
        topics = {str(random.choice(list(TOPIC_CHANCES)[:6]))}
    is_outdoor = random.random() < max(OUTDOOR_CHANCES.get(topic, 0.05) for topic in sorted(topics))
    return topics | {"outdoor" if is_outdoor else "indoor"} | ({"open"} if random.random() < OPEN_SHARE else set())


def _draw_listing(random: np.random.Generator, tags: set[str]) -> dict[str, str]:
    """Return the name, description and location of an event in the phrases of its tags."""
    topics = sorted(tags)
    statements = [
        f"{phrase}."
        for tag in topics
        for phrase in _sample_phrases(random, TAG_PHRASES[tag], PHRASES_PER_TOPIC if tag in TOPIC_CHANCES else 1)
    ]
    aside = [_fill_choices(random, aside) for aside in _sample_phrases(random, ASIDES, 4)]
    sentences = random.permutation([*statements, *aside]).tolist()
    hall, street = _choose_phrase(random, HALLS), _choose_phrase(random, STREETS)
    main_topic = _choose_phrase(random, sorted(tags & set(TOPIC_CHANCES)))
    opening = _fill_choices(random, _choose_phrase(random, OPENINGS))
    return {
        "name": f"{_choose_phrase(random, TITLES[main_topic])} at {hall}",
        "description": " ".join([opening, *sentences])[:MAX_DESCRIPTION_LETTERS],
        "location": f"{hall}, {random.integers(1, 200)} {street}, Northwick",
    }


def _make_edition(random: np.random.Generator, first_listing: dict[str, str], number: int) -> dict[str, str]:
    """Return a later listing of a series: with another number, and another opening sentence."""
    remainder = first_listing["description"].split(". ", 1)[1]
    news = _fill_choices(random, _choose_phrase(random, OPENINGS)).rstrip(".")
    name = f"{first_listing['name']} No. {number + 1}"
    return first_listing | {"name": name, "description": f"{news}. {remainder}"[:MAX_DESCRIPTION_LETTERS]}


def _assign_tags(random: np.random.Generator, tags: set[str], listing: dict[str, str]) -> list[str]:
    """Return the tags as somebody assigned them: by rule for RULE_MADE_TAGS, with slips for the others."""
    text = " ".join(listing.values()).lower()
    noted = {tag for tag in sorted(tags) if random.random() >= DROPPED_TAG_CHANCE}
    noted |= {tag for tag in TAGS if random.random() < ADDED_TAG_CHANCE}
    return sorted((noted - set(RULE_MADE_TAGS)) | {tag for tag in RULE_MADE_TAGS if tag in text})


def _add_dirty_rows(clean: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the events as sources deliver them: most are clean, a few are to be cleaned or set aside."""
    events = [{str(name): value for name, value in event.items()} for event in clean.to_dict("records")]
    positions = iter(np.linspace(5, len(events) - 5, 24).astype(int).tolist())
    for wrap in (
        "<p>{}</p><p>Book at <a href='http://tickets.example/e?id=7'>the desk</a></p>",
        "<b>NEW!!!</b> {} &amp; more",
        "🎉🎉 {} 🎉",
        "{} https://northwick.example/whats-on",
        "Ｗelcome! {}",
        "{}\u200b Ask info@northwick.example",
    ):
        for event in (events[next(positions)], events[next(positions)]):
            event["description"] = wrap.format(event["description"])
    for _ in range(3):
        event = events[next(positions)]
        event["tags"] = ", ".join(event["tags"])
    spelt = events[next(positions)]
    spelt["tags"] = [f" {tag.title()} " for tag in spelt["tags"]]
    events[next(positions)]["tags"] = []
    events[next(positions)]["location"] = None
    repeated, contradicting = events[next(positions)], events[next(positions)]
    empty = {"id": "ev0001", "name": "", "description": None, "location": "", "tags": ["open"]}
    party = {"id": "ev0002", "name": "🎈🎈🎈", "description": "🎂", "location": "", "tags": ["open", "indoor"]}
    return [*events, dict(repeated), contradicting | {"name": "Moved to another day"}, empty, party]


def _sample_phrases(random: np.random.Generator, phrases: tuple[str, ...], count: int) -> list[str]:
    return [phrases[index] for index in random.permutation(len(phrases))[:count]]


def _choose_phrase(random: np.random.Generator, phrases: Any) -> str:
    return str(phrases[int(random.integers(len(phrases)))])


def _fill_choices(random: np.random.Generator, sentence: str) -> str:
    """Return a sentence in which a choice is made for each (one|other)."""
    while "(" in sentence:
        before, remainder = sentence.split("(", 1)
        choices, after = remainder.split(")", 1)
        sentence = before + _choose_phrase(random, choices.split("|")) + after
    return sentence
