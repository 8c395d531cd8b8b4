"""Tag requests: which texts of a card a person should tag, by the model that predicts it."""

from pathlib import Path

import pandas as pd

from trueline.core.errors import UserError
from trueline.predict.predict_card import load_model, load_task_plugin, read_card
from trueline.service.loaded_models import LoadedModel

FILLING_IN = "fill in their tags as in the source, and delete the rows that you leave: no tag says that a text has none"


def ask_for_tags(
    root: Path, task: str, card: Path | None, moment: pd.Timestamp, count: int, model: str | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Return up to `count` texts of a card, those whose tags would teach most first, and sentences on them.

    The arguments are those of `predict_card`. Raises UserError for a task without texts to tag, if no text is left to
    ask for, and as `predict_card` does. Nothing is logged.
    """
    return ask_with_model(root, load_model(root, task, model), card, moment, count)


def ask_with_model(
    root: Path, loaded: LoadedModel, card: Path | None, moment: pd.Timestamp, count: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return what `ask_for_tags` does, by a model that is already loaded."""
    plugin = load_task_plugin(loaded.task)
    if not hasattr(plugin, "ask"):
        raise UserError(f"{loaded.task} has no texts to tag; leave --ask out, or name a task of texts such as events.")
    untagged = read_card(root, loaded, card, moment)
    source = untagged if card is None else read_card(root, loaded, None, moment)
    table = plugin.ask(loaded, untagged, list(map(str, source.raw)), count)
    if table.empty:
        raise UserError(
            f"{loaded.task}: every text of the card is a near-duplicate of a tagged one; name a card with new texts."
        )
    notes = (
        []
        if len(table) == count
        else [f"{len(table)} texts, as all others are near-duplicates of tagged or asked ones"]
    )
    if card is None:
        return table, [*notes, "they stand in the source without tags; fill these in there, at the same ids"]
    return table, [*notes, FILLING_IN, "then add the file to the source as another part, such as events_2.csv"]
