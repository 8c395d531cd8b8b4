"""Status schema: the JSON form of a model's status; every null has its reason beside it."""

from typing import Any

from pydantic import Field

from trueline.service.request_fields import ResponseModel
from trueline.service.status.headline_metrics import Figure


class Input(ResponseModel):
    """An input of the model."""

    name: str
    importance: float = Field(description="share of the total importance, as the learner reports it")


class Features(ResponseModel):
    """The model's inputs."""

    count: int | None
    top: list[Input] = Field(description="the most important inputs, in descending order")


class Samples(ResponseModel):
    """How many rows the model was trained on, and how many it was scored on."""

    fit: int | None
    calibrate: int | None
    scored: int | None
    scored_from: str | None = Field(description="first day that was scored; null without a clock")
    scored_to: str | None


class Window(ResponseModel):
    """The days that the final model was fitted and calibrated on."""

    fit_from: str
    fit_to: str
    calibrate_from: str | None
    calibrate_to: str | None
    source: str


class Share(ResponseModel):
    """A class and how much of the rows it makes up."""

    name: str
    share: float


class Balance(ResponseModel):
    """The distribution of the classes over the scored rows."""

    of: str
    classes: list[Share]
    source: str


class Calibration(ResponseModel):
    """How well predicted chances match observed rates."""

    calibrator: str
    error: float | None = Field(
        description="mean distance between predicted chance and observed rate, over groups of rows"
    )
    slope: Figure | None = Field(description="1 is right; below it the chances are overconfident")
    said: str | None = Field(description="what the calibration check found")


class Optimization(ResponseModel):
    """What the search for parameters found."""

    loss: str
    default: float | None = Field(description="loss of the default parameters on the tuning folds")
    tuned: float | None = Field(description="loss of the chosen parameters")
    beats_default: bool | None
    trials: int = Field(description="number of configurations tried, including pruned ones")
    complete: int
    params: dict[str, Any] = Field(description="the chosen parameters")


class Version(ResponseModel):
    """The version of the outputs."""

    name: str = Field(description="a git tag, or workspace")
    commit: str | None = Field(description="the git commit whose outputs these are")
    answers: str | None = Field(description="the version that answers, the log and /health name")
    part_hashes: dict[str, str] = Field(
        description="MD5 of all that makes the answers, whose hash is in the version: model, calibrator, history, "
        "settings, code"
    )
    hashes: dict[str, str] = Field(description="MD5 of every output of the task, as dvc.lock has it")
    scored: str | None = Field(description="MD5 over the scored rows and outcomes: equal hashes mean the same test")


class TaskStatus(ResponseModel):
    """A task's model; what is null has its reason under `reasons`."""

    task: str = Field(examples=["events"])
    model_type: str | None = Field(description="the learner, by the name of its file", examples=["tfidf_linear"])
    headline: str = Field(description="which figure counts most for this task", examples=["f1_score"])
    accuracy: Figure | None
    auc_score: Figure | None
    f1_score: Figure | None
    log_loss: Figure | None
    figures: dict[str, Figure] = Field(description="further figures of the task")
    last_trained: str | None = Field(
        description="committer date of the commit that introduced the model's hash",
        examples=["2026-11-21T10:30:47+00:00"],
    )
    training_window: Window | None
    features: Features
    samples: Samples
    class_balance: Balance | None
    calibration: Calibration | None
    optimization: Optimization | None
    version: Version
    reasons: dict[str, str] = Field(description="by the name of a field that is null, why it is")


class ModelStatus(ResponseModel):
    """The status of every loaded model."""

    success: bool
    tasks: list[TaskStatus]
