"""events: the tags of texts that nobody has tagged yet, with the chance and the threshold of every tag."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.prepare import events
from trueline.core.errors import UserError
from trueline.core.tables import table_schema
from trueline.core.tables.table_schema import OWN_PREFIX
from trueline.core.text.cleaning import format_own_values
from trueline.predict.card import Card, CardPredictions
from trueline.predict.tagging_sheet import TagAnswers, build_tagging_sheet
from trueline.service.loaded_models import LoadedModel
from trueline.service.predictor import extract_settings
from trueline.service.tasks.events import Floats, Model, assign_tags, build_log_row, rank_tags

TEXT_FIELDS = ["name", "description", "location"]
TAG_SEPARATOR = "; "
LOG_KEY = ("id", *TEXT_FIELDS)


def predict(loaded: LoadedModel, card: Card) -> CardPredictions:
    """Return one row per event: its tags, the likeliest first, and the chance and threshold of every tag.

    Raises UserError for a card without a column of texts that the model was trained with.
    """
    model: Model = loaded.model
    rows, chances = _predict_rows(loaded, card, _load_prepare_settings(loaded))
    chance_rows = chances.tolist()
    tags = [assign_tags(model, row, rank_tags(row, range(len(model.tags)))) for row in chance_rows]
    shown = rows[["id", "name"]].reset_index(drop=True).assign(tags=list(map(TAG_SEPARATOR.join, tags)))
    log_rows = [
        build_log_row(model, str(event_id), fields, row, event_tags)
        for event_id, fields, row, event_tags in zip(
            rows["id"].tolist(), _list_texts(rows), chance_rows, tags, strict=True
        )
    ]
    return CardPredictions(shown.join(_list_chances(model, chances)), log_rows, LOG_KEY)


def ask(loaded: LoadedModel, card: Card, source_names: Sequence[str], count: int) -> pd.DataFrame:
    """Return up to `count` of the events, those whose tags would teach most first, as rows for the source.

    They are no near-duplicates of each other or of what is tagged. `source_names` are the names of the source's
    columns. Raises UserError as `predict` does.
    """
    settings = _load_prepare_settings(loaded)
    rows, chances = _predict_rows(loaded, card, settings)
    prepared = _read_prepared(loaded)
    tagged = prepared[~prepared["row_id"].isin(rows["id"].astype(str))] if card.is_source else prepared
    answers = TagAnswers(loaded.model.tags, chances, np.array(loaded.model.thresholds))
    return build_tagging_sheet(card.raw, rows, answers, tagged, settings, source_names, count)


def _predict_rows(loaded: LoadedModel, card: Card, settings: events.Settings) -> tuple[pd.DataFrame, Floats]:
    """Return the untagged events of a card, as they came, and the chance of every tag."""
    rows = events.read_untagged_events(card.raw, settings, card.is_source)
    _require_texts(rows, loaded)
    pairs = zip(_list_texts(rows), _format_own_columns(rows), strict=True)
    return rows, loaded.model.compute_chances([(*texts, own_words) for texts, own_words in pairs])


def _list_texts(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return the name, the description and the location of each event, empty where missing."""
    texts = rows[TEXT_FIELDS].fillna("").astype(str)
    return list(zip(*(texts[name].tolist() for name in TEXT_FIELDS), strict=True))


def _load_prepare_settings(loaded: LoadedModel) -> events.Settings:
    return extract_settings(loaded.files.read_params(), events.Settings, "prepare", loaded.task)


def _read_prepared(loaded: LoadedModel) -> pd.DataFrame:
    return table_schema.read_table(loaded.files.resolve_path(f"data/prepared/{loaded.task}.parquet"))


def _list_chances(model: Model, chances: Floats) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for index, tag in enumerate(model.tags):
        columns |= {f"chance:{tag}": chances[:, index], f"threshold:{tag}": model.thresholds[index]}
    return pd.DataFrame(columns, index=range(len(chances)))


def _format_own_columns(rows: pd.DataFrame) -> list[str]:
    """Return the own columns of each event as the words that they are in the texts of training."""
    own_columns = rows[[name for name in rows if str(name).startswith(OWN_PREFIX)]]
    if own_columns.empty:
        return [""] * len(rows)
    values = own_columns.rename(columns=lambda name: str(name).removeprefix(OWN_PREFIX))
    return [format_own_values({str(name): value for name, value in row.items()}) for row in values.to_dict("records")]


def _require_texts(rows: pd.DataFrame, loaded: LoadedModel) -> None:
    """Raise UserError if no event has a text in a field that texts of training have."""
    prepared = _read_prepared(loaded)
    lacking = [name for name in TEXT_FIELDS if rows[name].isna().all() and (prepared[name] != "").any()]
    if lacking:
        raise UserError(
            f"events: the card has no {', '.join(lacking)}, of which inputs of the model {loaded.version} are made; "
            "add what is lacking to the card."
        )
