"""Curves: losses by round, written where they can be watched while a model is fitted."""

from pathlib import Path

from dvclive.live import Live

EVERY = 10  # rounds between two points: a write takes some 30 ms


class Curves:
    """A watcher of a learner's rounds; writes one table a curve below the folder, anew for each run."""

    def __init__(self, folder: Path) -> None:
        self.live = Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None, monitor_system=False)

    def __call__(self, step: int, losses: dict[str, float]) -> None:
        """Write the losses of one round if it is time to."""
        if step % EVERY == 0:
            self.live.step = step
            for name, loss in losses.items():
                self.live.log_metric(f"loss/{name}", round(loss, 6))
            self.live.sync()  # type: ignore[no-untyped-call]  # dvclive's own lack

    def end(self) -> None:
        """Close the files."""
        self.live.end()  # type: ignore[no-untyped-call]  # dvclive's own lack
