"""Reads the SVG of a chart: well-formed XML, its name and description, and what it tells of each mark."""

from xml.etree import ElementTree

Chart = ElementTree.Element


def read(chart: str) -> Chart:
    """Return the chart's root; one that is not well formed, or has no name and no description, is an error."""
    root = ElementTree.fromstring(chart.replace("\n", "&#10;"))  # XML would make a blank of it
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"{root.findtext('title')}. {root.findtext('desc')}"
    return root


def tips(chart: str) -> list[str]:
    """Return the exact figures of the chart's marks."""
    return [str(mark.get("data-tip")) for mark in read(chart).iter() if mark.get("data-tip")]


def steps(chart: str) -> dict[str, str]:
    """Return the exact figures of a chart of lines, by the names of its steps."""
    root = read(chart)
    names, figures = str(root.get("data-steps")).split("\n"), str(root.get("data-tips")).split("\n")
    return dict(zip(names, figures, strict=True))


def numbers(chart: str, tag: str, attribute: str) -> list[float]:
    """Return an attribute of all elements of a kind."""
    return [float(str(mark.get(attribute))) for mark in read(chart).iter(tag)]
