"""Request faults: what is wrong with several parts of a request, each with its place in the body."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from trueline.core.errors import UserError

Part = TypeVar("Part")
Result = TypeVar("Result")


class RequestFaultsError(UserError):
    """Parts of a request cannot be answered; `faults` are the JSON pointers of the parts and what is wrong there."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(faults[0][1])
        self.faults = faults


def apply_to_parts(compute: Callable[[Part], Result], entries: Iterable[Part], pointer: str) -> list[Result]:
    """Return what `compute` gives for every entry of the list that `pointer` names, such as /races.

    Raises RequestFaultsError that names every entry for which `compute` raises UserError.
    """
    results, faults = list[Result](), list[tuple[str, str]]()
    for index, entry in enumerate(entries):
        try:
            results.append(compute(entry))
        except RequestFaultsError as error:
            faults += [(f"{pointer}/{index}{inner_pointer}", detail) for inner_pointer, detail in error.faults]
        except UserError as error:
            faults.append((f"{pointer}/{index}", str(error)))
    if faults:
        raise RequestFaultsError(faults)
    return results
