"""`python -m trueline export`: write promoted models into a folder from which they are served without git and DVC."""

import argparse
import sys
from pathlib import Path

from trueline.core.errors import UserError
from trueline.service.artifacts.exported_model import export_model, open_exported
from trueline.service.artifacts.verified_files import VerifiedFiles, open_promoted, open_workspace
from trueline.service.model_loading import WORKSPACE_SUFFIX, load_task_model, parse_task_name

DEFAULT_FOLDER = "served"  # what the Dockerfile copies


def main(arguments: list[str] | None = None) -> None:
    """Export the models that are named; exit with status 1 and a sentence if one cannot be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m trueline export", description="Write promoted models into a folder, to serve them elsewhere."
    )
    parser.add_argument(
        "models",
        nargs="+",
        metavar="TAG",
        help="promoted model, such as events-model@v1.2.0 or events-model#prod; events-model@workspace: what was last "
        "trained",
    )
    parser.add_argument("--to", default=DEFAULT_FOLDER, metavar="FOLDER", help=f"where to write ({DEFAULT_FOLDER})")
    parsed = parser.parse_args(arguments)
    try:
        for model in parsed.models:
            print(_write_export(model, Path(parsed.to)))
    except (UserError, OSError) as error:
        sys.exit(f"export: {error}")


def _write_export(model: str, folder: Path) -> str:
    """Export a model, load it from there, and return what was written as a sentence."""
    task = parse_task_name(model)
    export_model(_open(model), task, folder)
    loaded = load_task_model(task, open_exported(folder, task))
    commit = f"commit {loaded.files.commit[:12]}" if loaded.files.commit else "not committed"
    return f"{folder / task}: {loaded.version} ({commit})"


def _open(model: str) -> VerifiedFiles:
    root = Path()
    if not model.endswith(WORKSPACE_SUFFIX):
        return open_promoted(root, model)
    return open_workspace(root)


if __name__ == "__main__":
    main()
