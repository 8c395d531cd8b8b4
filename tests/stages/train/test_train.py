"""The stage's own choices: which inputs the baseline gets."""

import pytest

from stages.train.__main__ import _list_arms
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError


def test_the_baseline_does_without_inputs_that_the_source_does_not_give_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    arms = _list_arms("props", {"tuned": {}, "default": {}}, ["mean_5", "mean_10", "mean_20", "mean_season"])
    assert arms[2].inputs == ["mean_5", "mean_10", "mean_20", "mean_season"]
    assert "the baseline does without minutes_5, minutes_season" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"train.props.baseline.inputs names 'mean_5'"):
        _list_arms("props", {"tuned": {}, "default": {}}, ["rating"])
