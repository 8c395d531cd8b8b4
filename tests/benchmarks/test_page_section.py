"""What a benchmark writes into its page stands between its markers, and nothing else changes."""

import pytest

from trueline.benchmarks import faults, lies
from trueline.benchmarks._page_section import format_markers, replace_section
from trueline.core.errors import UserError

PAGES = {"faults": faults.FAULTS_PAGE, "lies": lies.PAGE}


@pytest.mark.parametrize("benchmark", PAGES)
def test_a_page_has_a_place_for_what_is_measured(benchmark: str) -> None:
    page = PAGES[benchmark].read_text()
    start, end = format_markers(benchmark)
    filled = replace_section(page, "new", benchmark)
    assert "\nnew\n" in filled
    assert replace_section(filled, "new", benchmark) == filled
    assert filled.split(start)[0] == page.split(start)[0]
    assert filled.split(end)[1] == page.split(end)[1]
    with pytest.raises(UserError, match="put them back"):
        replace_section(page.replace(end, ""), "new", benchmark)
