"""The page docs/daily.md: the commands that it shows are understood, and its settings are ones of params.yaml."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.pipeline_copy import ROOT
from trueline.benchmarks import replay
from trueline.core.runtime.params import expand_params, parse_settings
from trueline.core.splits.walk_forward import WalkForwardSettings
from trueline.daily import __main__ as daily

PAGE = (ROOT / "docs/daily.md").read_text()
COMMAND = re.compile(r"(?:\.venv/bin/python|python|bin/python) -m trueline (daily|benchmarks replay) ([^\n>]*)")


def test_the_commands_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", PAGE, re.S | re.M))
    commands = [(verb, shlex.split(words)) for verb, words in COMMAND.findall(blocks)]
    assert len(commands) >= 6
    for verb, words in commands:
        if "--help" in words:
            with pytest.raises(SystemExit) as stopped:
                daily.main(words)
            assert stopped.value.code == 0
        elif verb == "daily":
            assert daily._parse_arguments(words).task in ("racing", "props")
        else:
            options = replay._parse_arguments(words)
            assert replay._read_changes(options.set) in ({}, {"tasks.props.learner": "logistic"})


def test_the_settings_are_valid() -> None:
    shown = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0])
    params = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
    params["folds"]["racing"] |= shown["folds"]["racing"]
    assert parse_settings(params, WalkForwardSettings, "folds", "racing").final == "schedule"
    assert set(shown["features"]["racing"]) <= set(params["features"]["racing"])
