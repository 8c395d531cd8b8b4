"""Tagging sheet: the texts whose tags would teach most, as rows that a person fills in and the source takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.prepare.events import Settings, clean_event_texts
from stages.prepare.events.event_table import RAW_COLUMNS, SYNONYMS
from stages.prepare.events.near_duplicates import find_near_duplicate_clusters
from trueline.core.stats.group_ops import Floats
from trueline.core.tables.column_mapping import find_targets
from trueline.core.texts_to_ask import build_text_vectors, choose_texts_to_ask, compute_tag_doubt

REASON_COLUMNS = ("asked_doubt", "asked_likeness", "asked_about")
REASON_DIGITS = 4
LISTED_TAGS = 3  # tags of a text that are named as most in doubt


@dataclass(frozen=True)
class TagAnswers:
    """What a model says of texts: the chance of every tag (texts × tags), and the chance from which it is given."""

    tags: list[str]
    chances: Floats
    thresholds: Floats


def build_tagging_sheet(
    raw: pd.DataFrame,
    rows: pd.DataFrame,
    answers: TagAnswers,
    tagged: pd.DataFrame,
    settings: Settings,
    source_names: Sequence[str],
    count: int,
) -> pd.DataFrame:
    """Return up to `count` rows of a raw card with the names of the source's columns, empty tags, and the reasons.

    `rows` are the events of the card that have no tags, indexed by their positions in it, and `tagged` the prepared
    events. The reasons are how many tags are in doubt, the mean likeness to the card's texts, and the most doubtful
    tags with their chances.
    """
    texts = clean_event_texts(rows)
    clusters = _find_clusters([*_join_titles(tagged), *_join_titles(texts)], settings)
    vectors = build_text_vectors(texts.agg(" ".join, axis=1).tolist())
    chosen = choose_texts_to_ask(
        answers.chances, answers.thresholds, vectors, clusters[len(tagged) :], clusters[: len(tagged)], count
    )
    sheet = raw.iloc[rows.index[[text.position for text in chosen]]].reset_index(drop=True)
    reasons = [
        (
            round(text.doubt, REASON_DIGITS),
            round(text.likeness, REASON_DIGITS),
            _name_doubtful_tags(answers, text.position),
        )
        for text in chosen
    ]
    sheet = _clear_tag_cells(sheet.set_axis([str(name) for name in sheet], axis=1), settings, source_names)
    return pd.concat([sheet, pd.DataFrame(reasons, columns=list(REASON_COLUMNS))], axis=1)


def _join_titles(texts: pd.DataFrame) -> list[str]:
    """Return the texts that prepare compares to find near-duplicates."""
    return (texts["name"] + " " + texts["description"]).tolist()


def _find_clusters(texts: list[str], settings: Settings) -> list[str]:
    names = [f"{position:09}" for position in range(len(texts))]
    return find_near_duplicate_clusters(texts, names, settings.near_duplicate_similarity, settings.near_duplicate_words)


def _clear_tag_cells(sheet: pd.DataFrame, settings: Settings, source_names: Sequence[str]) -> pd.DataFrame:
    """Return the rows under the names that the source has for the same columns, with empty cells for the tags."""
    source_targets = find_targets(source_names, RAW_COLUMNS, settings.columns, SYNONYMS)
    name_by_target = {target: name for name, target in source_targets.items()}
    card_targets = find_targets(list(map(str, sheet)), RAW_COLUMNS, settings.columns, SYNONYMS)
    without_tags = sheet.drop(columns=[name for name, target in card_targets.items() if target == "tags"])
    renamed = without_tags.rename(
        columns={name: name_by_target.get(target, name) for name, target in card_targets.items()}
    )
    tag_columns = settings.tag_columns or [name_by_target.get("tags", "tags")]
    return renamed.assign(**dict.fromkeys(tag_columns, ""))


def _name_doubtful_tags(answers: TagAnswers, position: int) -> str:
    """Return the tags of a text that are most in doubt, with their chances."""
    chances = answers.chances[position]
    doubt = compute_tag_doubt(chances, answers.thresholds)
    ranked = np.argsort(-doubt, kind="stable")[:LISTED_TAGS].tolist()
    return "; ".join(f"{answers.tags[index]} {chances[index]:.2f}" for index in ranked)
