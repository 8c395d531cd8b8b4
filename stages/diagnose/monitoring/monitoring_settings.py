"""The settings of the daily table: its windows, and when a day alarms."""

from typing import Literal

from pydantic import Field

from trueline.core.runtime.params import StageSettings


class WindowSettings(StageSettings):
    """The windows that figures look back on, the least data for a figure, and the changes worth detecting."""

    window_days: int = Field(ge=1, le=30)
    baseline_days: int = Field(ge=30)
    least_units: int = Field(ge=1)
    least_picks: int = Field(ge=1)
    least_days: int = Field(ge=2)
    drift_prior: float = Field(gt=0, lt=1)
    hit_drop: float = Field(gt=0, lt=1)
    loss_rise: float = Field(gt=0)
    bias: float = Field(gt=0)


class RuleSettings(StageSettings):
    """Which rules alarm, the allowed rate of false alarms, and the preset bounds."""

    rules: Literal["calibrated", "preset"]
    reference_days: int = Field(ge=30)
    season_days: int = Field(ge=30)
    false_alarms: float = Field(gt=0)
    beat_drop: float = Field(gt=0, lt=1)
    block_days: int = Field(ge=1)
    draws: int = Field(ge=20)
    together_days: int = Field(ge=1)
    power: float = Field(gt=0, lt=1)
    power_days: int = Field(ge=1)
    critical_beats: float = Field(ge=0, le=100)
    critical_hits: float = Field(ge=0, le=100)
    warning_beats: float = Field(ge=0, le=100)
    warning_drift: float = Field(ge=0, le=100)
    info_change: float = Field(gt=0)


class Settings(StageSettings):
    """The windows of the daily table and the alarm rules."""

    windows: WindowSettings
    rules: RuleSettings
