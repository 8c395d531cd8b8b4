"""The repository as the service reads it: model tags, and files of a commit."""

import subprocess
from pathlib import Path

from trueline.core.errors import UserError, did_you_mean
from trueline.core.model_tags import GIT_LIST_TAGS, Tag, list_assigned, parse_tags


def resolve_commit(root: Path, model: str) -> tuple[str, str]:
    """Return the tag and the commit that a model's name means.

    `events-model@v1.2.0` is that version, `events-model@latest` the highest. `events-model#prod` is what is assigned
    to the stage: of all commits that a tag assigned (events-model#prod#3) and none unassigned since
    (events-model#prod!#4), the one assigned last. As in GTO, a tag must be annotated. Raises UserError for a name
    without a tag, and for a stage to which nothing is assigned.
    """
    tags = parse_tags(_run_git(root, *GIT_LIST_TAGS))
    resolved = next((tag for tag in tags if tag.name == model), None) or _find_latest(tags, model)
    if resolved is None:
        model_names = {f"{tag.model}#{tag.stage}" if tag.stage else tag.name for tag in tags if tag.model}
        if model in model_names:
            raise UserError(
                f"{model} has no model now: all were removed from the stage; name a version, or promote one."
            )
        raise UserError(f"git has no tag for the model {model!r}; {did_you_mean(model, model_names)}")
    return resolved.name, resolved.rev


def read_committed_file(root: Path, commit: str, path: str) -> bytes | None:
    """Return a file's content in a commit; None if it is not there."""
    completed = subprocess.run(["git", "-C", str(root), "cat-file", "blob", f"{commit}:{path}"], capture_output=True)
    return completed.stdout if completed.returncode == 0 else None


def _find_latest(tags: list[Tag], model: str) -> Tag | None:
    """Return the highest version for `<model>@latest`, the last assignment for `<model>#<stage>`, or None."""
    if model.endswith("@latest"):
        versions = [tag for tag in tags if tag.version and tag.model == model.removesuffix("@latest")]
        return max(versions, key=lambda tag: tag.version or (), default=None)
    name, _, stage = model.partition("#")
    return next(reversed(list_assigned(tags, name, stage)), None)


def _run_git(root: Path, *arguments: str) -> bytes:
    try:
        completed = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True)
    except FileNotFoundError:
        raise UserError("there is no git here; serve models that were exported, with --exported FOLDER.") from None
    if completed.returncode:
        problem = completed.stderr.decode().strip().splitlines()[-1]
        raise UserError(f"git {arguments[0]} failed in {root.name or 'this folder'}: {problem}.")
    return completed.stdout
