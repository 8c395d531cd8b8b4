"""Events: invented listings whose tags are known: what is said of each, which go together, which a rule gave."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from samples._listings import ASIDES, HALLS, OPENINGS, STREETS, TITLES, WORDS

EVENTS = 240
SERIES = 24  # recurring events, each of SERIES_SIZES listings that differ in few words
SERIES_SIZES = (2, 3, 4)
CUT = 400  # characters after which a description ends, be it within a word
OPEN = 0.88  # share of events that are open to all: a tag that a constant answer gets right
DROPPED = 0.06  # chance that whoever tagged the events forgot a tag
ADDED = 0.01  # and that he gave one for no reason

# Chance that an event is about a topic, and how the topics of an event draw others along.
TOPICS = {
    **{"film": 0.16, "choir": 0.13, "chess": 0.11, "cycling": 0.13, "crafts": 0.16, "theatre": 0.12, "garden": 0.15},
    **{"debate": 0.10, "robotics": 0.07, "tea": 0.10, "market": 0.13, "falconry": 0.012},
}
TOGETHER = {("crafts", "market"): 0.45, ("garden", "tea"): 0.4, ("choir", "theatre"): 0.35, ("robotics", "chess"): 0.3}
OUTDOORS = {"cycling": 0.95, "garden": 0.8, "market": 0.6, "falconry": 1.0}  # else indoors
TAGS = tuple(sorted([*TOPICS, "open", "indoor", "outdoor"]))
RULED = ("tea", "film", "garden", "market")  # given wherever their name stands in the text, and nowhere else
SAID = 3  # phrases about each topic

World = tuple[pd.DataFrame, pd.DataFrame]


def make(seed: int = 20250901) -> list[dict[str, Any]]:
    """Return the raw events, with a few dirty ones among them."""
    return _soil(simulate(seed)[0])


def write(folder: Path) -> None:
    """Write events.json; the same bytes every time."""
    text = json.dumps(make(), indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "events.json").write_text(text + "\n", "utf-8")


def simulate(seed: int) -> World:
    """Return clean events, and the truth row by row: the series, and the tags before anybody forgot or added one."""
    random = np.random.default_rng(seed)
    events, truth = [], []
    for series, size in enumerate(_sizes(random)):
        tags = _tags(random)
        first = _listing(random, tags)
        for edition in range(size):
            listing = first if edition == 0 else _edition(random, first, edition)
            events.append(listing | {"tags": _given(random, tags, listing)})
            truth.append({"series": series} | {tag: float(tag in tags) for tag in TAGS})
    order = random.permutation(len(events))
    ids = [f"ev{number:04}" for number in random.permutation(9000)[: len(events)] + 1000]
    shuffled = [{"id": name, **events[at]} for name, at in zip(ids, order, strict=True)]
    return pd.DataFrame(shuffled), pd.DataFrame(truth).iloc[order].reset_index(drop=True)


def _sizes(random: np.random.Generator) -> list[int]:
    recurring = random.choice(SERIES_SIZES, SERIES).tolist()
    return [*recurring, *[1] * (EVENTS - sum(recurring))]


def _tags(random: np.random.Generator) -> set[str]:
    topics = {topic for topic, chance in TOPICS.items() if random.random() < chance}
    topics |= {other for (topic, other), chance in TOGETHER.items() if topic in topics and random.random() < chance}
    if not topics:
        topics = {str(random.choice(list(TOPICS)[:6]))}
    outside = random.random() < max(OUTDOORS.get(topic, 0.05) for topic in sorted(topics))
    return topics | {"outdoor" if outside else "indoor"} | ({"open"} if random.random() < OPEN else set())


def _listing(random: np.random.Generator, tags: set[str]) -> dict[str, str]:
    """Return the name, description and location of an event that is about its tags, in words that are theirs."""
    topics = sorted(tags)
    said = [f"{phrase}." for tag in topics for phrase in _some(random, WORDS[tag], SAID if tag in TOPICS else 1)]
    aside = [_filled(random, aside) for aside in _some(random, ASIDES, 4)]
    sentences = random.permutation([*said, *aside]).tolist()
    hall, street = _one(random, HALLS), _one(random, STREETS)
    first = _one(random, sorted(tags & set(TOPICS)))
    opening = _filled(random, _one(random, OPENINGS))
    return {
        "name": f"{_one(random, TITLES[first])} at {hall}",
        "description": " ".join([opening, *sentences])[:CUT],
        "location": f"{hall}, {random.integers(1, 200)} {street}, Northwick",
    }


def _edition(random: np.random.Generator, first: dict[str, str], number: int) -> dict[str, str]:
    """Return a later listing of a series: another number, and one other sentence at the front."""
    rest = first["description"].split(". ", 1)[1]
    news = _filled(random, _one(random, OPENINGS)).rstrip(".")
    name = f"{first['name']} No. {number + 1}"
    return first | {"name": name, "description": f"{news}. {rest}"[:CUT]}


def _given(random: np.random.Generator, tags: set[str], listing: dict[str, str]) -> list[str]:
    """Return the tags as somebody gave them: by rule for RULED, for the others with slips."""
    text = " ".join(listing.values()).lower()
    noted = {tag for tag in sorted(tags) if random.random() >= DROPPED}
    noted |= {tag for tag in TAGS if random.random() < ADDED}
    return sorted((noted - set(RULED)) | {tag for tag in RULED if tag in text})


def _soil(clean: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the events as sources deliver them: most as they are, a few to be cleaned or set aside."""
    events = [{str(name): value for name, value in event.items()} for event in clean.to_dict("records")]
    pick = iter(np.linspace(5, len(events) - 5, 24).astype(int).tolist())
    for wrap in (
        "<p>{}</p><p>Book at <a href='http://tickets.example/e?id=7'>the desk</a></p>",
        "<b>NEW!!!</b> {} &amp; more",
        "🎉🎉 {} 🎉",
        "{} https://northwick.example/whats-on",
        "Ｗelcome! {}",
        "{}\u200b Ask info@northwick.example",
    ):
        for event in (events[next(pick)], events[next(pick)]):
            event["description"] = wrap.format(event["description"])
    for _ in range(3):
        event = events[next(pick)]
        event["tags"] = ", ".join(event["tags"])
    spelt = events[next(pick)]
    spelt["tags"] = [f" {tag.title()} " for tag in spelt["tags"]]
    events[next(pick)]["tags"] = []
    events[next(pick)]["location"] = None
    twice, torn = events[next(pick)], events[next(pick)]
    empty = {"id": "ev0001", "name": "", "description": None, "location": "", "tags": ["open"]}
    party = {"id": "ev0002", "name": "🎈🎈🎈", "description": "🎂", "location": "", "tags": ["open", "indoor"]}
    return [*events, dict(twice), torn | {"name": "Moved to another day"}, empty, party]


def _some(random: np.random.Generator, words: tuple[str, ...], count: int) -> list[str]:
    return [words[at] for at in random.permutation(len(words))[:count]]


def _one(random: np.random.Generator, words: Any) -> str:
    return str(words[int(random.integers(len(words)))])


def _filled(random: np.random.Generator, sentence: str) -> str:
    """Return a sentence with one of the choices of each (one|other) in it."""
    while "(" in sentence:
        before, rest = sentence.split("(", 1)
        choices, after = rest.split(")", 1)
        sentence = before + _one(random, choices.split("|")) + after
    return sentence
