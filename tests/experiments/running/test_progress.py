"""Progress: one line per stage in a file, and also a running clock on a terminal."""

import io

from trueline.experiments.running.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(stream: io.StringIO) -> str:
    progress = Progress(stream)
    progress.show_stages("A", [], is_running=True)
    progress.show_stages("A", ["train"], is_running=True)
    progress.show_stages("A", ["train"], is_running=True)
    progress.show_stages("A", ["train", "calibrate", "evaluate"], is_running=False)
    progress.show_ending("A", "completed")
    progress.show_stages("B", ["train"], is_running=True)
    return stream.getvalue()


def test_a_file_gets_each_stage_once_even_those_that_ended_between_two_looks() -> None:
    assert watched(io.StringIO()) == "A: train\nA: calibrate\nA: evaluate\nA: completed\nB: train\n"


def test_a_terminal_sees_the_clock_of_the_stage_that_runs_on_one_line() -> None:
    lines = [line.split("\033[K")[1:] for line in watched(Terminal()).replace("\r", "").split("\n")]
    clock = "A: train … 0 s"
    assert lines == [
        ["A: train"],
        [clock, clock, "A: calibrate"],
        ["A: evaluate"],
        ["A: completed"],
        ["B: train"],
        ["B: train … 0 s"],
    ]
