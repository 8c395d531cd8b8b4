"""Columns for the parameters in which experiments differ from the commits that they started from."""

from collections.abc import Mapping, Sequence
from typing import Any

from trueline.core.runtime.params import expand_params
from trueline.experiments.store import file_cache
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.file_cache import PARAMS
from trueline.experiments.store.param_diff import compare_params, flatten_params

MAX_COLUMNS = 3  # further parameters are counted
SILENT_SECTION = "experiment."  # the description of the experiment, which has columns of its own


def list_settings(experiments: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Return for each experiment the parameters in which it differs from the commit it started from, by path."""
    base_params = file_cache.read_files((experiment.baseline, PARAMS) for experiment in experiments)
    return [
        {
            path: value
            for path, (_, value) in compare_params(
                base_params[experiment.baseline, PARAMS] or experiment.params, experiment.params
            ).items()
            if not path.startswith(SILENT_SECTION)
        }
        for experiment in experiments
    ]


def build_columns(experiments: Sequence[Experiment]) -> tuple[list[str], list[list[Any]]]:
    """Return heads and, for each experiment, the values of the parameters that any of them sets: most frequent first.

    One that leaves a parameter as it was has its value all the same. A head is the last word of the path, or as much
    of it as tells it from the others.
    """
    settings = list_settings(experiments)
    counts: dict[str, int] = {}
    for changed in settings:
        for path in changed:
            counts[path] = counts.get(path, 0) + 1
    paths = sorted(counts, key=lambda path: (-counts[path], path))[:MAX_COLUMNS]
    flat_params = [flatten_params(expand_params(experiment.params)) if paths else {} for experiment in experiments]
    return shorten_paths(paths), [[_format_value(flat.get(path)) for path in paths] for flat in flat_params]


def format_settings(changed: Mapping[str, Any]) -> str:
    """Return the parameters that an experiment sets as text: "depth=4 learner=forest"."""
    paths = sorted(changed)
    return " ".join(
        f"{name}={_format_value(changed[path])}" for name, path in zip(shorten_paths(paths), paths, strict=True)
    )


def _format_value(value: Any) -> Any:
    return "null" if value is None else str(value) if isinstance(value, bool | list | dict) else value


def shorten_paths(paths: Sequence[str]) -> list[str]:
    """Return the shortest ends of dotted paths that differ from one another."""
    segments = [path.split(".") for path in paths]
    depth = 1
    while depth < max(map(len, segments), default=1) and len(
        {".".join(segment[-depth:]) for segment in segments}
    ) < len(paths):
        depth += 1
    return [".".join(segment[-depth:]) for segment in segments]
