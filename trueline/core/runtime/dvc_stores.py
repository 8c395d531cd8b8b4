"""DVC's stores: the folders on this machine in which DVC keeps copies of a repository's data."""

import os
from pathlib import Path

from trueline.core.errors import UserError


def list_dvc_stores(repository: Path) -> list[str]:
    """Return a repository's cache and those of its remotes that are folders, by all levels of DVC's configuration.

    Where DVC is not installed there are none. Raises UserError if DVC cannot read its configuration.
    """
    try:
        from dvc.config import Config, ConfigError  # 0.2 s that only a stage with plugins needs
    except ModuleNotFoundError:
        return []
    if not Path.home().is_dir():  # DVC fails on its global configuration: it gets a folder that has none
        os.environ.setdefault("DVC_GLOBAL_CONFIG_DIR", str(repository / ".dvc" / "no_home"))
    try:
        config = Config(str(repository / ".dvc"), validate=False)
    except ConfigError as error:
        raise UserError(
            f"DVC cannot read its configuration ({error}); correct .dvc/config, or `git checkout` it."
        ) from None
    locations = [config["cache"].get("dir"), *(remote.get("url") for remote in config["remote"].values())]
    return [str(location) for location in locations if location and "://" not in str(location)]
