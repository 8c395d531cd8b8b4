"""What differs between two params.yaml is what differs between them with all sections complete."""

from copy import deepcopy
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipeline_copy import ROOT
from trueline.core.runtime.params import expand_params
from trueline.experiments.store.param_diff import compare_params, find_changed_tasks, flatten_params

PARAMS: dict[str, Any] = yaml.load((ROOT / "params.yaml").read_text(), yaml.CSafeLoader)
PATHS = sorted(path for path in flatten_params(PARAMS) if "." in path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from([None, 7, "racing", []])), max_size=3))
def test_the_differences_are_those_of_the_complete_sections(changes: list[tuple[str, Any]]) -> None:
    changed = deepcopy(PARAMS)
    for path, value in changes:
        *sections, last = path.split(".")
        node = changed
        for section in sections:
            node = node[section]
        node[last] = value
    before, after = flatten_params(expand_params(PARAMS)), flatten_params(expand_params(changed))
    expected = {
        path: (before.get(path), after.get(path)) for path in before | after if before.get(path) != after.get(path)
    }
    assert compare_params(PARAMS, changed) == expected
    assert set(find_changed_tasks(changed, PARAMS)) <= set(PARAMS["tasks"])


def test_a_change_of_a_section_that_two_tasks_share_is_about_both() -> None:
    changed = deepcopy(PARAMS)
    changed["train"]["defaults"]["catboost_trees"]["random_strength"] = 9.0
    assert set(find_changed_tasks(changed, PARAMS)) > {"racing"}
    assert find_changed_tasks(PARAMS, PARAMS) == tuple(PARAMS["tasks"])
