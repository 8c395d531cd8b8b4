"""Absence: a section that is left out of the page, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Absence:
    """The title of a section that has nothing to show, and the reason in one sentence."""

    title: str
    reason: str
