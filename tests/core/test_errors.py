"""Hints in errors: the nearest name, and what an old word is called now."""

import pytest

from stages.train.conditional_logit import Settings as LogitSettings
from trueline.core.errors import RENAMED, UserError, did_you_mean
from trueline.core.history.leak_detection import DecisionSettings
from trueline.core.runtime.params import parse_settings


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_word_is_answered_with_the_new_one_and_no_word_is_its_own_successor(old: str, new: str) -> None:
    assert old != new
    assert did_you_mean(old, [new, "other"]).startswith(f"{old!r} is now {new!r}.")
    assert "is now" not in did_you_mean(new, [new, "other"])


def test_old_settings_and_values_in_params_are_named_with_the_new_word() -> None:
    params = {"train": {"defaults": {}, "racing": {"conditional_logit": {"teacher": 0.5, "l2": 1.0}}}, "tasks": {}}
    with pytest.raises(UserError, match="'teacher' is now 'soft_label'"):
        parse_settings(params, LogitSettings, "train", "racing", "conditional_logit")
    params = {"features": {"racing": {"decision": "at_off", "include": None, "exclude": [], "audits": 2}}, "tasks": {}}
    with pytest.raises(UserError, match="'at_off' is now 'at_start'"):
        parse_settings(params, DecisionSettings, "features", "racing")
