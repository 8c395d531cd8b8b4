"""The command that starts Dask workers refuses what is no address."""

import pytest

from trueline.core.compute import start_worker


@pytest.mark.parametrize("arguments", [[], ["10.0.0.5:8786"], ["tcp://10.0.0.5"], ["tcp://a:1", "0"], ["a", "1", "2"]])
def test_wrong_arguments_are_answered_with_the_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="usage: python -m trueline worker ADDRESS"):
        start_worker.main(arguments)
