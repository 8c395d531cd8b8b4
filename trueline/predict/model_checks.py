"""Model checks: whether a model may predict a card: how long ago its training ends, and what columns it needs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables import table_schema
from trueline.service.artifacts.verified_files import VerifiedFiles
from trueline.service.predictor import Predictor
from trueline.service.status.fold_dates import summarise_fold_roles

TRIAL_GROUPS = 5  # the newest races or days of the history, of which inputs are built to see what a column is good for


def require_recent_training(files: VerifiedFiles, task: str, times: pd.Series, max_age_days: float | None) -> None:
    """Raise UserError if the first of the times is too many days after the last day that the model has seen."""
    last_days = [
        role["last"]
        for role in summarise_fold_roles(str(files.resolve_path(f"data/folds/{task}.parquet"))).values()
        if role["last"]
    ]
    if max_age_days is None or not last_days or times.isna().all():
        return
    last_day, first_event = pd.Timestamp(max(last_days)), times.min()
    age_days = (first_event.normalize() - last_day).days
    if age_days > max_age_days:
        raise UserError(
            f"{files.name}: the model was trained on days up to {last_day:%Y-%m-%d}, and the card begins on "
            f"{first_event:%Y-%m-%d}, {age_days} days later; train it on newer data, or raise "
            f"predict.{task}.max_model_age_days ({max_age_days:g})."
        )


def require_needed_columns(
    files: VerifiedFiles, task: str, predictor: Predictor, absent: Mapping[str, Sequence[str]]
) -> None:
    """Raise UserError if inputs of the model are made of a column that the card lacks.

    `absent` gives for each column that the card lacks the prepared columns that are made of it. The model needs it if
    inputs of rows of the history change when these are missing.
    """
    absent_columns = {
        name: present
        for name, made_columns in absent.items()
        if (present := [column for column in made_columns if column in predictor.present])
    }
    if not absent_columns:
        return
    history = table_schema.read_table(files.resolve_path(f"data/prepared/{task}.parquet"))
    trial_rows = history[history["group"].isin(history["group"].drop_duplicates().iloc[-TRIAL_GROUPS:])]
    inputs = predictor.build_inputs(trial_rows)
    needed = []
    for name, columns in absent_columns.items():
        blanks = {column: trial_rows[column].mask(np.ones(len(trial_rows), bool)) for column in columns}
        if not predictor.build_inputs(trial_rows.assign(**blanks)).equals(inputs):
            needed.append(name)
    if needed:
        raise UserError(
            f"{task}: the card has no {', '.join(needed)}, of which inputs of the model {predictor.version} are made; "
            "add what is lacking to the card."
        )
