"""Faults: each disturbs one stage of a project, runs it, and takes the disturbance away again."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import yaml

from trueline.benchmarks.chaos_lab.small_project import SmallProject
from trueline.benchmarks.chaos_lab.stage_runs import Run, end_fresh, name_temporary_folder, run_forked, start_fresh
from trueline.benchmarks.chaos_lab.trials import (
    Finding,
    Reference,
    Trial,
    check_fault,
    check_recovery,
    get_last_line,
    hash_files,
    list_files,
)

KILLS_BEFORE_RECOVERY = 3  # a stage is killed so often, at random moments, before it may run to its end
FREE_SHARES = (0.0, 0.5)  # of what a stage writes: how much of it the full disk still has room for
FEWEST_FILES, MOST_FILES = 5, 16  # files that a stage may have open; with fewer Python itself does not start
MOST_INPUTS = 3  # of a stage that are cut off, one after another
FILE_BYTES = 4096  # the largest file that a limit of file sizes allows
BYTES_PER_BLOCK = 4096
YEAR = 365 * 24 * 3600  # seconds
CLOCK_LIBRARIES = ("usr/lib/*/faketime/libfaketimeMT.so.1", "usr/lib/faketime/libfaketimeMT.so.1")  # below /
LOCALES = (
    {"LC_ALL": "xx_XX.UTF-8", "LANG": "xx_XX.UTF-8"},  # not installed anywhere
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},  # ASCII is all that Python may assume
)
PARALLEL_STAGES = ("tune", "train")

Disturb = Callable[[Reference, str, random.Random, Path], Iterator[Trial]]


class DisturbanceError(Exception):
    """The fault cannot be made on this machine; the message says why."""


def kill_at_random_moments(
    reference: Reference, stage: str, draw: random.Random, folder: Path, kills: int
) -> Iterator[Trial]:
    """Kill -9 a stage at random moments of its run, and let it run to its end after a few kills."""
    project = _copy_project(reference, stage, folder)
    killed = 0
    while killed < kills:
        for _ in range(min(KILLS_BEFORE_RECOVERY, kills - killed)):
            run = _kill_once(project, stage, reference.seconds[stage], draw)
            killed += 1
            _clear_temporary_files(project)
            yield _make_trial("kill -9", reference, stage, run, check_fault(project, stage, run, reference))
        run = run_forked(project, stage)
        yield _make_trial("run after kills", reference, stage, run, check_recovery(project, run, reference))
        project.remove_outputs(stage)
        project.remove_memory()


def fill_disk(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run a stage on a small disk that has no room for all that it writes, or for nothing."""
    needed = sum(_count_blocks(file) for output in reference.project.list_outputs(stage) for file in list_files(output))
    for share in FREE_SHARES:
        with _create_small_disk(
            folder / "disk", _count_needed_blocks(reference.project.folder) + needed + 2048
        ) as disk:
            project = _copy_project(reference, stage, disk)
            ballast = disk / "ballast"
            _fill_up(ballast, int(needed * share) * BYTES_PER_BLOCK)
            run = run_forked(project, stage)
            findings = check_fault(project, stage, run, reference)
            ballast.unlink()
            yield _check_after("full disk", reference, project, stage, run, findings)


def forbid_writing(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run a stage whose folders of outputs are read-only."""
    project = _copy_project(reference, stage, folder)
    with _make_read_only({output.parent for output in project.list_outputs(stage)}):
        run = run_forked(project, stage)
        yield _make_trial("read-only outputs", reference, stage, run, check_fault(project, stage, run, reference))


def limit_file_size(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run a stage that may write no file of more than some bytes: to a program it looks like a full disk."""
    project = _copy_project(reference, stage, folder)
    run = run_forked(project, stage, largest_file=FILE_BYTES)
    yield _make_trial("limit of file sizes", reference, stage, run, check_fault(project, stage, run, reference))


def limit_open_files(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run a stage that may have only a few files open at once."""
    project = _copy_project(reference, stage, folder)
    # a program of its own: a forked one has files open that nobody starts a stage with
    run = end_fresh(start_fresh(project, stage, open_files=draw.randint(FEWEST_FILES, MOST_FILES)), project)
    yield _make_trial("few file descriptors", reference, stage, run, check_fault(project, stage, run, reference))


def truncate_inputs(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run a stage with some of its inputs cut off at a random byte, one input at a time."""
    project = _copy_project(reference, stage, folder)
    inputs = project.list_inputs(stage)
    for path in draw.sample(inputs, min(MOST_INPUTS, len(inputs))):
        content = path.read_bytes()
        path.write_bytes(content[: draw.randrange(1, len(content) - 1)])
        hashes = hash_files(project.folder)
        run = run_forked(project, stage)
        name = str(path.relative_to(project.folder))
        damaged_reference = reference._replace(hashes=reference.hashes | {name: hashes[name]})
        findings = check_fault(project, stage, run, damaged_reference)
        path.write_bytes(content)
        yield _make_trial("truncated input", reference, stage, run, findings)
        project.remove_outputs(stage)
    run = run_forked(project, stage)
    yield _make_trial("run after mending", reference, stage, run, check_recovery(project, run, reference))


def corrupt_memory(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Change a byte in everything that earlier runs kept, then cut it off, and run a stage each time."""
    project = reference.project.copy_to(folder / "project")  # with its memory
    for damage in (_flip_byte, _cut_off):
        for file in [file for name in (".memory", ".tune") for file in list_files(project.folder / name)]:
            damage(file, draw)
        project.remove_outputs(stage)
        run = run_forked(project, stage)
        yield _make_trial("corrupted cache file", reference, stage, run, check_fault(project, stage, run, reference))


def set_clock_back(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run a stage with a clock of a year ago or, without libfaketime, among files from a year ahead."""
    project = reference.project.copy_to(folder / "project")  # with its memory, whose entries are then from the future
    project.remove_outputs(stage)
    library = next((str(path) for pattern in CLOCK_LIBRARIES for path in Path("/").glob(pattern)), None)
    if library is None:
        future = time.time() + YEAR
        for file in list_files(project.folder):
            os.utime(file, (future, future))
        run = run_forked(project, stage)
    else:
        run = end_fresh(start_fresh(project, stage, {"LD_PRELOAD": library, "FAKETIME": f"-{YEAR}s"}), project)
    yield _make_trial("clock set back", reference, stage, run, check_fault(project, stage, run, reference))


def take_locale(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Run a stage in a locale that is not installed, or in one that knows ASCII only."""
    project = _copy_project(reference, stage, folder)
    run = end_fresh(start_fresh(project, stage, draw.choice(LOCALES)), project)
    yield _make_trial("missing locale", reference, stage, run, check_fault(project, stage, run, reference))


def kill_worker(reference: Reference, stage: str, draw: random.Random, folder: Path) -> Iterator[Trial]:
    """Kill -9 a worker process of a stage that has two, at a random moment."""
    if stage not in PARALLEL_STAGES:
        return
    project = _copy_project(reference, stage, folder)
    params = project.folder / "params.yaml"
    settings = params.read_text()
    params.write_text(yaml.safe_dump(yaml.safe_load(settings) | {"workers": 2}, sort_keys=False))
    hashes = reference.hashes | {"params.yaml": hash_files(project.folder)["params.yaml"]}
    process = start_fresh(project, stage)
    is_hit = _kill_child(process, draw)
    run = end_fresh(process, project)
    if not is_hit:
        yield _skip("worker killed", reference, stage, "the stage started no worker")
        return
    findings = check_fault(project, stage, run, reference._replace(hashes=hashes))
    params.write_text(settings)
    yield _check_after("worker killed", reference, project, stage, run, findings)


FAULTS: dict[str, Disturb] = {
    "full disk": fill_disk,
    "read-only outputs": forbid_writing,
    "limit of file sizes": limit_file_size,
    "few file descriptors": limit_open_files,
    "truncated input": truncate_inputs,
    "corrupted cache file": corrupt_memory,
    "clock set back": set_clock_back,
    "missing locale": take_locale,
    "worker killed": kill_worker,
}


def _copy_project(reference: Reference, stage: str, folder: Path) -> SmallProject:
    """Return a copy of the reference without what the stage wrote and without memory, so that all work is done."""
    folder.mkdir(parents=True, exist_ok=True)
    project = reference.project.copy_to(folder / "project")
    project.remove_outputs(stage)
    project.remove_memory()
    return project


def _clear_temporary_files(project: SmallProject) -> None:
    """Delete what a killed run left in the folder of temporary files, as the system does when it starts."""
    folder = name_temporary_folder(project)
    shutil.rmtree(folder)
    folder.mkdir()


def _kill_once(project: SmallProject, stage: str, seconds: float, draw: random.Random) -> Run:
    """Run a stage until it was killed; one that ended earlier is started again, to be killed earlier."""
    run = run_forked(project, stage, kill_after=draw.uniform(0, seconds))
    while not run.is_killed:
        project.remove_outputs(stage)
        project.remove_memory()
        run = run_forked(project, stage, kill_after=draw.uniform(0, run.seconds))
    return run


def _check_after(
    fault: str, reference: Reference, project: SmallProject, stage: str, run: Run, findings: list[Finding]
) -> Trial:
    """Run a stage once more, now undisturbed, and return the trial with what is wrong before and after."""
    recovery = run_forked(project, stage)
    return _make_trial(fault, reference, stage, run, [*findings, *check_recovery(project, recovery, reference)])


def _make_trial(fault: str, reference: Reference, stage: str, run: Run, findings: list[Finding]) -> Trial:
    end = "killed" if run.is_killed else "refused" if run.exit_code else "completed"
    message = get_last_line(run.messages) if end == "refused" else ""
    return Trial(fault, reference.project.task, stage, end, message, tuple(findings))


def _skip(fault: str, reference: Reference, stage: str, reason: str) -> Trial:
    return Trial(fault, reference.project.task, stage, "skipped", reason)


@contextmanager
def _create_small_disk(folder: Path, blocks: int) -> Iterator[Path]:
    """Mount a disk in memory of some blocks on a folder; raise DisturbanceError where this user may not."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={blocks * BYTES_PER_BLOCK}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


@contextmanager
def _make_read_only(folders: Iterable[Path]) -> Iterator[None]:
    """Make folders read-only: for root by mounting them on themselves, for others by their permissions."""
    with ExitStack() as stack:
        for folder in sorted(folders):
            if os.geteuid():
                stack.callback(folder.chmod, folder.stat().st_mode)
                folder.chmod(0o555)
            else:
                _mount("--bind", str(folder), str(folder))
                stack.callback(_unmount, folder)
                _mount("-o", "remount,bind,ro", str(folder))
        yield


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise DisturbanceError("there is no mount command here") from None
    if done.returncode:
        raise DisturbanceError(f"mount is refused: {get_last_line(done.stderr)}")


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill_up(ballast: Path, free_bytes: int) -> None:
    """Write a file that leaves some bytes of the disk free."""
    available = shutil.disk_usage(ballast.parent).free
    ballast.write_bytes(bytes(max(available - free_bytes, 0)))


def _count_needed_blocks(folder: Path) -> int:
    """Return the blocks that a copy of a folder takes, with one for each entry."""
    return sum(_count_blocks(path) for path in folder.rglob("*"))


def _count_blocks(path: Path) -> int:
    return 1 + -(-path.stat().st_size // BYTES_PER_BLOCK)


def _flip_byte(file: Path, draw: random.Random) -> None:
    content = bytearray(file.read_bytes())
    if content:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        file.write_bytes(content)


def _cut_off(file: Path, draw: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: draw.randrange(len(content) + 1)])


def _kill_child(process: subprocess.Popen[bytes], draw: random.Random) -> bool:
    """Kill one worker of a process, once it has some and a random moment later; return whether there was one."""
    stage = psutil.Process(process.pid)
    while process.poll() is None:
        workers = [child for child in stage.children() if any("loky" in argument for argument in _read_command(child))]
        workers = [worker for worker in workers if "resource_tracker" not in " ".join(_read_command(worker))]
        if workers:
            time.sleep(draw.uniform(0, 0.5))
            draw.choice(workers).send_signal(signal.SIGKILL)
            return True
        time.sleep(0.01)
    return False


def _is_worker(command: str) -> bool:
    return "loky" in command and "resource_tracker" not in command


def _read_command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
