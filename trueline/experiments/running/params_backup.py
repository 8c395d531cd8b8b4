"""Keep params.yaml whole while DVC queues an experiment, for which DVC edits it and then takes the edit back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from trueline.core.runtime.params import PARAMS_FILE
from trueline.experiments.store.file_cache import CACHE_FOLDER

BACKUP_FILE = CACHE_FOLDER.parent / "params.yaml"  # exists only while DVC edits params.yaml, or if it was killed then


@contextmanager
def preserve_params() -> Iterator[None]:
    """Restore params.yaml after the block as it was before, also if it raises; after a kill, the next call does."""
    restore_after_kill()
    BACKUP_FILE.parent.mkdir(parents=True, exist_ok=True)
    draft = BACKUP_FILE.with_suffix(".draft")
    draft.write_bytes(PARAMS_FILE.read_bytes())
    os.replace(draft, BACKUP_FILE)
    try:
        yield
    finally:
        restore_after_kill()


def restore_after_kill() -> bool:
    """Restore params.yaml from the backup that a killed enqueue left, and return whether it differed."""
    if not BACKUP_FILE.exists():
        return False
    content = BACKUP_FILE.read_bytes()
    is_changed = not PARAMS_FILE.exists() or PARAMS_FILE.read_bytes() != content
    if is_changed:
        draft = PARAMS_FILE.with_name(f".{PARAMS_FILE.name}.draft")
        draft.write_bytes(content)
        os.replace(draft, PARAMS_FILE)
    BACKUP_FILE.unlink()
    return is_changed
