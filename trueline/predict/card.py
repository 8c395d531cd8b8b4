"""Card: what is to be predicted, with what the predictions of every task depend on; and the predictions of a card."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trueline.predict.predict_settings import PredictSettings
from trueline.predict.proven_lead import Lead

LogRows = list[dict[str, Any]]


@dataclass(frozen=True)
class Card:
    """The raw tables of a card, or of the source of a task (`is_source`), and when it is predicted (UTC)."""

    raw: Any
    is_source: bool
    moment: pd.Timestamp
    settings: PredictSettings
    lead: Lead


@dataclass(frozen=True)
class CardPredictions:
    """The predictions of a card.

    `table` has the ids and names of the card as given and in its order, `log_rows` one row a prediction in the format
    of the service's log, without model and time, and `notes` are sentences about what was not used or looks wrong.
    `log_key` are the fields of a log row that say what is predicted.
    """

    table: pd.DataFrame
    log_rows: LogRows
    log_key: tuple[str, ...]
    notes: list[str] = field(default_factory=list)
