"""Files are read section by section as they would be read as a whole."""

from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline_copy import ROOT
from trueline.experiments.store.yaml_sections import load_yaml

SCALARS = st.one_of(
    st.text(max_size=90), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False), st.just("a: b\n# c\n- d")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=4),
)
ODD_FILES = {
    "an alias": "one:\n  a: &name {b: 1}\ntwo:\n  c: *name\n",
    "an alias inside one section": "one:\n  a: &name {b: 1}\n  c: *name\ntwo: 2\n",
    "a text of several lines": 'one: "first\ntwo: second"\nthree: 3\n',
    "a block of text at the end": "one: 1\nfour: |\n  4",
    "a block of text": "one: |\n  two: 2\n\n  three: 3\nfour: 4\n",
    "braces of several lines": "one: {two: 2,\nthree: 3}\n",
    "a key twice": "one: 1\ntwo: 2\none: 3\n",
    "a list at the keys' column": "one:\n- two: 2\n  three: 3\n- 4\nfive: 5\n",
    "documents": "---\none: 1\n...\n",
    "comments at other columns": "# head\none:\n# deep\n  two: 2\n    # deeper\n  three: 3 # end\n\n",
    "a list": "- one\n- two\n",
    "a comment": "# nothing\n",
    "nothing": "",
    "a text": "word\n",
    "keys of several kinds": "1: one\n'two': 2\n\"three\": 3\n? four\n: 4\n",
    "merged sections": "base: &base {a: 1}\nnext:\n  <<: *base\n  b: 2\n",
    "lines of Windows": "one:\r\n  two: 2\r\nthree: 3\r\n",
}


@given(st.dictionaries(st.text(max_size=9), VALUES, max_size=5), st.sampled_from([None, True, False]), st.booleans())
def test_every_mapping_is_read_as_a_whole_file_would_be(
    value: dict[str, Any], flow_style: bool | None, is_unicode: bool
) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow_style, allow_unicode=is_unicode)
    assert repr(load_yaml(text.encode())) == repr(yaml.safe_load(text))


@pytest.mark.parametrize("text", ODD_FILES.values(), ids=ODD_FILES)
def test_unusual_files_are_read_as_a_whole_file_would_be(text: str) -> None:
    assert load_yaml(text.encode()) == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["one: [\ntwo: 2\n", "one: two: 3\n", "one:\n  two\nthree\n", "one: *nobody\n"])
def test_broken_files_are_errors_of_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text.encode())


@pytest.mark.parametrize("name", ["params.yaml", "dvc.lock"])
def test_a_section_that_did_not_change_is_not_parsed_again(name: str) -> None:
    content = (ROOT / name).read_bytes()
    assert load_yaml(content) == yaml.safe_load(content)
    with patch.object(yaml, "load", side_effect=yaml.load) as load:
        assert load_yaml(content.rstrip() + b"\nlast: 1\n")["last"] == 1
    parsed = sum(len(call.args[0]) for call in load.call_args_list)
    assert parsed < len(content) / 10
