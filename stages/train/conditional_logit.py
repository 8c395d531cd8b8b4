"""conditional_logit: a linear score per runner, fitted to who wins within the race (McFadden 1974)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_fields
from trueline.core.models.tabular import input_encoding
from trueline.core.models.tabular.conditional_logit_loss import fit_conditional_logit
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData


class Settings(StageSettings):
    """The parameters of a conditional logit."""

    l2: float = Field(ge=0)  # on half the sum of squared coefficients, against losses summed over races
    soft_label: float = Field(ge=0, le=1)  # share of the soft label in the label


@dataclass(frozen=True)
class Model:
    """The encoding of the inputs and a coefficient for each encoded column."""

    encoding: input_encoding.Encoding
    coefficients: list[float]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return the model of least penalised loss; there are no rounds, so nothing stops early and nothing is watched.

    Raises UserError if no race has a winner and another runner.
    """
    encoding = input_encoding.fit_encoding(rows.x)
    terms, target_share = input_encoding.encode_inputs(rows.x, encoding), rows.blend_target(settings.soft_label)
    coefficients = fit_conditional_logit(terms, target_share, rows.weight, rows.group, settings.l2)
    importance = compute_importance(np.abs(coefficients), input_encoding.list_encoded_inputs(encoding))
    return Model(encoding, coefficients.tolist(), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds, up to a constant within a race."""
    return np.asarray((input_encoding.encode_inputs(x, model.encoding) * model.coefficients).sum(axis=1))


def save(model: Model, folder: Path) -> None:
    """Write model.json."""
    write_model_fields(model, folder)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(**read_model_json(folder / "model.json"))
