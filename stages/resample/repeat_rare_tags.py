"""repeat_rare_tags: rows with rare tags count as if they were repeated."""

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

USES_INPUTS = False


class Settings(StageSettings):
    """How many rows a tag should have, and how often a row may be repeated at most to reach that."""

    rows_per_tag: float = Field(gt=0)
    most_times: float = Field(ge=1)


def resample(rows: FoldData, settings: Settings, seed: int) -> tuple[Floats, pd.DataFrame]:
    """Return weights as if rows with rare tags were repeated, and no synthetic rows.

    A tag with fewer than `rows_per_tag` rows needs each of them repeated until it has that many, but at most
    `most_times`. A row is repeated as often as the neediest of its tags requires, and counts once if none needs more;
    the weights are then scaled to a mean of 1. Raises UserError if the rows have no tags.
    """
    if not rows.tags:
        raise UserError(
            "repeat_rare_tags repeats rows with rare tags, but these rows have no tags; use the resampler none."
        )
    tag_counts = np.maximum(rows.y.sum(axis=0), 1)
    tag_repeats = np.clip(settings.rows_per_tag / tag_counts, 1, settings.most_times)
    row_repeats = np.maximum((rows.y * tag_repeats).max(axis=1), 1)
    return np.asarray(row_repeats / row_repeats.mean()), pd.DataFrame()
