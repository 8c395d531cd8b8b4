"""Short histories: blocks of calibration and tuning that leave rows to fit on, where those that are set would not."""

import numpy as np
import pandas as pd

from trueline.core.splits.walk_forward import WalkForwardSettings, count_days_before_test

MOST_OF_HISTORY = 0.5  # share of the days before the first test day that calibrating, or tuning, may take


def shorten_blocks(time: pd.Series, settings: WalkForwardSettings) -> tuple[WalkForwardSettings, str | None]:
    """Return the settings with fewer days of calibration and tuning where these are too many, and a sentence if so.

    Neither may take more than half of the days with rows before the first test day, or all but nothing is left to fit
    on. Settings that fit, and all settings if `shorten` is false, stay as they are. At least one day is left of each.

    >>> weeks = pd.Series(pd.date_range("2024-09-08", periods=20, freq="7D"))
    >>> folds = dict(first_day=None, last_test=None, window_days=None, embargo_days=0, label_delay_days=0)
    >>> folds |= dict(first_test=0.6, test_days=28, calibrate_days=30, calibrate_rows=None, tune_folds=2, tune_days=20)
    >>> folds |= dict(shorten=True, sealed_days=None, final="newest")
    >>> shorten_blocks(weeks, WalkForwardSettings(**folds))[1]
    'the 12 days before the first test are few: 6 calibrate instead of 30, 3 are in a tuning block instead of 20'
    """
    if not settings.shorten:
        return settings, None
    days_before = count_days_before_test(time.to_numpy("datetime64[D]"), settings)
    most_days = int(np.floor(MOST_OF_HISTORY * days_before))
    calibrate_days = max(1, min(settings.calibrate_days, most_days))
    tune_days = max(1, min(settings.tune_days, most_days // settings.tune_folds))
    changes = []
    if calibrate_days < settings.calibrate_days:
        changes.append(f"{calibrate_days} calibrate instead of {settings.calibrate_days}")
    if tune_days < settings.tune_days:
        changes.append(f"{tune_days} are in a tuning block instead of {settings.tune_days}")
    if not changes:
        return settings, None
    shorter = settings.model_copy(update={"calibrate_days": calibrate_days, "tune_days": tune_days})
    return shorter, f"the {days_before} days before the first test are few: {', '.join(changes)}"
