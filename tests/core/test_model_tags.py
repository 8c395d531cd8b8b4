"""Model tags: what git prints is read back in order, and a stage holds what was assigned and not removed since."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.model_tags import list_assigned, parse_tags, parse_version

EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 2)), max_size=12)


def print_tag(name: str, rev: str, second: int, message: str = "") -> bytes:
    """Return a tag as git prints it; a lightweight one names no object, so its `rev` is empty."""
    return f"{name}\0{rev}\0{second}\0Ann\0{message}\0\1\n".encode()


@given(EVENTS)
def test_a_stage_holds_the_commits_assigned_and_not_removed_since_the_last_assigned_at_its_end(
    events: list[tuple[str, bool, int]],
) -> None:
    tags: list[bytes] = []
    expected: list[str] = []
    second = 0
    for number, (rev, is_removal, pause) in enumerate(events, start=1):
        second += pause  # several events may happen within a second
        tags.append(print_tag(f"props-model#prod{'!' * is_removal}#{number}", rev, second))
        expected = [other for other in expected if other != rev] + [rev] * (not is_removal)
    parsed = parse_tags(b"".join(reversed(tags)))
    assert [tag.rev for tag in list_assigned(parsed, "props-model", "prod")] == expected
    assert list_assigned(parsed, "props-model", "dev") == list_assigned(parsed, "props", "prod") == []


def test_versions_other_tags_and_messages_are_read_and_lightweight_tags_skipped() -> None:
    message = "into prod\n\nExperiment: deep one\nForced: by me\n"
    version, other = parse_tags(
        print_tag("props-model@v1.10.0", "a", 2, message)
        + print_tag("v1", "b", 3)
        + print_tag("props-model@v2.0.0", "", 1)
    )
    assert (version.task, version.version, version.stage) == ("props", (1, 10, 0), None)
    assert (version.experiment, version.forced) == ("deep one", "by me")
    assert (other.name, other.task, other.model, other.experiment) == ("v1", "", None, None)


def test_a_version_is_three_numbers() -> None:
    assert parse_version("v1.2.10") == parse_version("1.2.10") == (1, 2, 10)
    with pytest.raises(UserError, match=r"^'1.2' is not a version; give three whole numbers"):
        parse_version("1.2")
