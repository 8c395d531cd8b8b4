"""The events sample keeps its promises: what was planted in it can be recovered."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.prepare.events import Settings, prepare
from trueline.samples._listings import TAG_PHRASES, TITLES
from trueline.samples.events import (
    DROPPED_TAG_CHANCE,
    EVENT_COUNT,
    MAX_DESCRIPTION_LETTERS,
    OUTDOOR_CHANCES,
    PAIRED_TOPIC_CHANCES,
    RULE_MADE_TAGS,
    TAGS,
    TOPIC_CHANCES,
    make_sample,
    simulate_clean_sample,
    write,
)

SETTINGS = Settings(
    tags=None,
    tag_columns=None,
    delimiters=",;|",
    untagged="keep",
    dates="use",
    least_examples=5,
    near_duplicate_similarity=0.4,
    near_duplicate_words=2,
    cut_share=0.05,
)
SEEDS = range(8)
World = tuple[pd.DataFrame, pd.DataFrame]
Prepared = tuple[pd.DataFrame, dict[str, Any]]


@pytest.fixture(scope="module")
def world() -> World:
    return simulate_clean_sample(20250901)


@pytest.fixture(scope="module")
def many() -> World:
    """Eight worlds, one after the other: enough events to measure chances on."""
    events, truth = zip(*(simulate_clean_sample(seed) for seed in SEEDS), strict=True)
    return pd.concat(events, ignore_index=True), pd.concat(truth, ignore_index=True)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(pd.DataFrame(make_sample()), SETTINGS)


def given(events: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({tag: [float(tag in tags) for tags in events["tags"]] for tag in TAGS})


def join_text(events: pd.DataFrame) -> pd.Series:
    return events["name"] + " " + events["description"] + " " + events["location"]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write(folder)
        files.append((folder / "events.json").read_bytes())
    assert files[0] == files[1]
    assert len(files[0]) < 250_000


def test_the_sample_in_the_repository_is_the_one_that_the_command_writes(tmp_path: Path) -> None:
    write(tmp_path)
    kept = Path(__file__).parents[2] / "data/sample/events/events.json"
    assert kept.read_bytes() == (tmp_path / "events.json").read_bytes()


def test_another_seed_makes_other_events() -> None:
    assert make_sample(1)[0]["description"] != make_sample(2)[0]["description"]


def test_there_are_as_many_events_as_promised_and_no_description_is_longer_than_the_cut(world: World) -> None:
    events, truth = world
    assert len(events) == len(truth) == EVENT_COUNT
    assert events["id"].is_unique
    assert 12 <= len(TAGS) <= 16
    assert events["description"].str.len().max() == MAX_DESCRIPTION_LETTERS


def test_no_word_of_a_tag_is_said_of_another() -> None:
    assert set(TAG_PHRASES) == set(TAGS)
    for one, other in combinations(TAG_PHRASES, 2):
        assert not set(TAG_PHRASES[one]) & set(TAG_PHRASES[other])


def test_what_is_said_of_a_tag_is_said_where_the_tag_is_true_and_nowhere_else(world: World) -> None:
    events, truth = world
    for tag in TAGS:
        # the end may be cut off, and a series takes only its titles from one topic
        has_phrase = [any(phrase in text for phrase in TAG_PHRASES[tag]) for text in events["description"]]
        assert (truth.loc[has_phrase, tag] == 1).all()
        if tag in TOPIC_CHANCES:
            assert np.mean(np.array(has_phrase)[truth[tag] == 1]) > 0.7


def test_titles_are_those_of_a_true_tag(world: World) -> None:
    events, truth = world
    for tag, titles in TITLES.items():
        assert (truth.loc[events["name"].str.startswith(titles), tag] == 1).all()


def test_labels_by_rule_follow_the_text_to_the_letter_and_the_others_follow_the_truth(many: World) -> None:
    events, truth = many
    labels, text = given(events), join_text(events).str.lower()
    for tag in RULE_MADE_TAGS:
        assert labels[tag].equals(text.str.contains(tag).astype(float).rename(tag))
    noted = [tag for tag in TAGS if tag not in RULE_MADE_TAGS]
    true = truth[noted].to_numpy() == 1
    assert labels[noted].to_numpy()[true].mean() == pytest.approx(1 - DROPPED_TAG_CHANCE, abs=0.02)
    assert labels[noted].to_numpy()[~true].mean() == pytest.approx(0.01, abs=0.005)


def test_a_rule_by_substring_is_fooled_by_other_words(world: World) -> None:
    events, truth = world
    fooled = given(events)["tea"].eq(1) & truth["tea"].eq(0)
    assert fooled.sum() > 10
    assert join_text(events[fooled]).str.contains("team|steam", case=False).all()


@pytest.mark.parametrize("pair", PAIRED_TOPIC_CHANCES)
def test_tags_that_go_together_do(many: World, pair: tuple[str, str]) -> None:
    truth = many[1].drop_duplicates(["series", *TAGS])
    topic, other = pair
    lift = truth.loc[truth[topic] == 1, other].mean() / truth.loc[truth[topic] == 0, other].mean()
    assert lift > 1.5


def test_what_is_held_outdoors_is_mostly_about_what_is_done_there(many: World) -> None:
    truth = many[1]
    for topic, chance in OUTDOOR_CHANCES.items():
        assert truth.loc[truth[topic] == 1, "outdoor"].mean() > chance - 0.15
    assert ((truth["indoor"] + truth["outdoor"]) == 1).all()


def test_the_prior_answers_one_tag_and_another_is_not_learnable(prepared: Prepared) -> None:
    report = prepared[1]
    assert report["tags"]["open"]["share"] > 0.8
    assert sorted(tag for tag, count in report["tags"].items() if count["share"] > 0.5) == ["indoor", "open"]
    assert set(report["not_learnable"]) == {"falconry"}


def test_near_duplicates_that_prepare_finds_are_the_planted_series(world: World, prepared: Prepared) -> None:
    events, truth = world
    series = truth.set_index(events["id"])["series"].reindex(prepared[0]["row_id"]).to_numpy()
    group = prepared[0]["group"].to_numpy()
    pairs = np.triu_indices(len(group), 1)
    planted = (series[:, None] == series)[pairs]
    found = (group[:, None] == group)[pairs]
    assert planted.sum() > 50
    assert (planted & found).sum() / planted.sum() > 0.95
    assert (planted & found).sum() / found.sum() > 0.95


def test_every_dirty_row_is_cleaned_or_set_aside(prepared: Prepared) -> None:
    rows, report = prepared
    assert report["rows_in"] == EVENT_COUNT + 4
    assert report["set_aside"] == {"empty text": 2, "several events of one id": 2, "delivered twice": 1}
    assert report["cut_texts"]["length"] == MAX_DESCRIPTION_LETTERS
    assert report["cut_texts"]["share"] > 0.1
    assert report["events_without_tags"] >= 1
    assert report["tags"].keys() == set(TAGS)
    odd = "[<>🎉Ｗ\u200b]|http|example|&amp;|!!"
    assert not rows["description"].str.contains(odd).any()
    assert pd.Series([str(event["description"]) for event in make_sample()]).str.contains(odd).sum() >= 12


def test_the_file_is_a_list_of_plain_objects(tmp_path: Path) -> None:
    write(tmp_path)
    events = json.loads((tmp_path / "events.json").read_text("utf-8"))
    assert {frozenset(event) for event in events} == {frozenset(["id", "name", "description", "location", "tags"])}
