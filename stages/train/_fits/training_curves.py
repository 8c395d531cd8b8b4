"""Training curves: losses by round, and what else a learner reports, written live while it is fitted."""

from pathlib import Path

from dvclive.live import Live
from scmrepo.exceptions import SCMError

from trueline.core.errors import UserError


class TrainingCurves:
    """A callback for a learner's rounds; writes one table per curve below the folder, anew for each run."""

    def __init__(self, folder: Path) -> None:
        try:
            self.live = Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None, monitor_system=False)
        except SCMError:  # DVCLive asks git for the newest commit
            raise UserError(
                "this git repository has no commit yet; make one (`git add --all && git commit -m start`), run again."
            ) from None

    def __call__(self, step: int, losses: dict[str, float]) -> None:
        """Write the losses of one round; a name with a slash is a curve of its own (recall/fit), others go to loss/."""
        self.live.step = step
        for name, value in losses.items():
            self.live.log_metric(name if "/" in name else f"loss/{name}", round(value, 6))
        self.live.sync()  # type: ignore[no-untyped-call]  # untyped in dvclive

    def close_files(self) -> None:
        """Close the files."""
        self.live.end()  # type: ignore[no-untyped-call]  # untyped in dvclive
