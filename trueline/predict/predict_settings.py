"""Settings of predictions: the section `predict` of params.yaml."""

from pydantic import Field

from trueline.core.runtime.params import StageSettings


class PredictSettings(StageSettings):
    """How much is staked on a bet, from which expected value on, and how old the training of a model may be."""

    kelly_fraction: float = Field(gt=0, le=1)
    cap: float = Field(gt=0, le=1)
    group_cap: float = Field(gt=0, le=1)
    min_edge: float = Field(ge=0)
    max_model_age_days: float | None = Field(gt=0)
