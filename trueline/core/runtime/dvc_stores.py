"""DVC's stores: the folders on this machine in which DVC keeps copies of a repository's data."""

import os
from functools import lru_cache
from pathlib import Path

from trueline.core.errors import UserError
from trueline.core.runtime.file_state import FileState, get_file_state

GLOBAL_FOLDER_VARIABLE = "DVC_GLOBAL_CONFIG_DIR"


def list_dvc_stores(repository: Path) -> list[str]:
    """Return a repository's cache and those of its remotes that are folders, by all levels of DVC's configuration.

    Where DVC is not installed there are none. Raises UserError if DVC cannot read its configuration. A change of the
    machine's or the user's configuration is seen by the next process only.
    """
    files = [repository / ".dvc" / name for name in ("config", "config.local")]
    return list(_read_dvc_stores(repository, tuple(get_file_state(file) for file in files if file.exists())))


@lru_cache
def _read_dvc_stores(repository: Path, _: tuple[FileState, ...]) -> tuple[str, ...]:
    """Return the stores of a repository whose configuration has a state."""
    try:
        from dvc.config import Config, ConfigError  # 0.2 s that only a stage with plugins needs
    except ModuleNotFoundError:
        return ()
    os.environ.update(replace_home(repository))
    try:
        config = Config(str(repository / ".dvc"), validate=False)
    except ConfigError as error:
        raise build_config_error(str(error)) from None
    locations = [config["cache"].get("dir"), *(remote.get("url") for remote in config["remote"].values())]
    return tuple(str(location) for location in locations if location and "://" not in str(location))


def replace_home(repository: Path) -> dict[str, str]:
    """Return the variables with which DVC does without a home, on whose configuration it fails; none if there is one.

    DVC looks for its global configuration in the folder that they name, which does not exist.
    """
    if Path.home().is_dir() or GLOBAL_FOLDER_VARIABLE in os.environ:
        return {}
    return {GLOBAL_FOLDER_VARIABLE: str(repository / ".dvc" / "no_home")}


def build_config_error(reason: str) -> UserError:
    """Return the error that DVC cannot read its configuration."""
    return UserError(f"DVC cannot read its configuration ({reason}); correct .dvc/config, or `git checkout` it.")
