"""The image without a container engine: its contents suffice, are pinned as in training, and are safe."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.pipeline_copy import ROOT
from tests.service import promoted_repo
from tests.service.service_process import start_service
from trueline.service.model_loading import load_models
from trueline.service.settings import Settings

RUNTIMES = ("events", "all")
STAGE = "events-model#prod"
WORDS = ("--exported", "served", "--log", "predictions")
MAX_START_SECONDS = 60.0  # on a machine that does much else; alone it takes some 2
MAX_CODE_MB = 3.0
# runs a statement that can import only what a lock names, besides the standard library and the repository
CONFINED = """
import sys
from importlib.metadata import packages_distributions
from re import sub
allowed = set(sys.argv[1].split())
held = packages_distributions()

class Confined:
    def find_spec(self, name, path=None, target=None):
        owners = {sub(r"[-_.]+", "-", owner).lower() for owner in held.get(name.split(".")[0], ())}
        if owners and not owners & allowed:
            raise ModuleNotFoundError(f"{name} is not in the runtime", name=name)

sys.meta_path.insert(0, Confined())
exec(sys.argv[2])
"""


def pins(lock: Path) -> dict[str, set[str]]:
    """Return, of each package, the versions and hashes that a lock names."""
    found: dict[str, set[str]] = {}
    for name, rest in re.findall(r"^([\w.-]+)==((?:.*\\\n)*.*)", lock.read_text(), re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r"^[\w.]+|sha256:\w+", rest))
    return found


def instructions(word: str) -> list[str]:
    """Return the arguments of an instruction in the Dockerfile's last stage."""
    last = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").split("\nFROM ")[-1]
    return [line.removeprefix(word).strip() for line in last.splitlines() if line.startswith(f"{word} ")]


def copied() -> list[str]:
    """Return the paths of the repository that the image holds."""
    from_here = [line.split() for line in instructions("COPY") if not line.startswith("--from")]
    return [source for *sources, _ in from_here for source in sources]


def confined(runtime: str, statement: str, folder: Path) -> subprocess.CompletedProcess[str]:
    allowed = " ".join(pins(ROOT / "trueline/service/runtime" / f"{runtime}.lock"))
    command = [sys.executable, "-c", CONFINED, allowed, statement]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def promoted(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a promoted model."""
    folder = promoted_repo.create(repository, tmp_path_factory.mktemp("promoted") / "repository")
    promoted_repo.promote(folder, f"{STAGE}#1")
    return folder


@pytest.fixture(scope="module")
def image(promoted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the Dockerfile makes, with the promoted model."""
    folder = tmp_path_factory.mktemp("image")
    for name in set(copied()) - {"served"}:
        source = ROOT / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    export(promoted, folder)
    return folder


def export(promoted: Path, image: Path) -> str:
    """Export the promoted model into the image's folder and return what is printed."""
    command = [sys.executable, "-m", "trueline", "export", STAGE, "--to", str(image / "served")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=promoted, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the image's processes: they import only what the runtime has, and find no program."""
    folder = tmp_path_factory.mktemp("confined")
    (folder / "sitecustomize.py").write_text(CONFINED.replace("sys.argv[1]", "os.environ['ALLOWED']").replace(
        "import sys\n", "import os, sys\n").replace("exec(sys.argv[2])\n", ""))  # fmt: skip
    allowed = " ".join(pins(ROOT / "trueline/service/runtime/events.lock"))
    return {"PYTHONPATH": str(folder), "PATH": str(folder), "ALLOWED": allowed}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_runtime_is_pinned_by_hash_to_what_was_trained_with(runtime: str) -> None:
    training, held = pins(ROOT / "requirements.lock"), pins(ROOT / "trueline/service/runtime" / f"{runtime}.lock")
    assert all(any(pin.startswith("sha256:") for pin in pinned) for pinned in held.values())
    assert {name: pinned - training.get(name, set()) for name, pinned in held.items()} == {name: set() for name in held}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_runtime_holds_nothing_that_trains_networks_or_versions_data(runtime: str) -> None:
    assert not {"tensorflow", "tensorflow-cpu", "keras", "dvc", "optuna", "plotly", "matplotlib"} & set(
        pins(ROOT / "trueline/service/runtime" / f"{runtime}.lock")
    )


def test_the_image_serves_the_promoted_model_without_git_and_dvc_and_knows_what_it_is(
    image: Path, promoted: Path, variables: dict[str, str]
) -> None:
    started_at = time.monotonic()
    with start_service(image, *WORDS, **variables) as service:
        start_seconds = time.monotonic() - started_at
        in_repository = load_models(Settings(root=str(promoted), models=(STAGE,)))["events"]
        health = json.loads(service.get("/health"))
        assert health["models"]["events"] == {
            "version": in_repository.version, "commit": in_repository.files.commit, "md5": in_repository.model_hash,
        }  # fmt: skip
        assert health["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert service.predict()["model"] == in_repository.version
        status = json.loads(service.get("/api/model_status"))["tasks"][0]
        assert status["version"]["part_hashes"] == in_repository.part_hashes
        assert "not part of this image" in json.loads(service.get("/api/experiments"))["reason"]
        assert f"{STAGE}#1" in service.get("/")
    print(f"the image's service answered {start_seconds:.1f} s after its start")
    assert start_seconds < MAX_START_SECONDS


def test_drift_is_watched_in_the_image_though_its_runtime_reads_no_tables(
    image: Path, variables: dict[str, str]
) -> None:
    command = [sys.executable, "-c", "import pyarrow"]
    assert b"pyarrow is not in the runtime" in subprocess.run(command, env=variables, capture_output=True).stderr
    with start_service(image, *WORDS, **variables) as service:
        body = {"events": [{"name": f"Tea in garden {number}"} for number in range(900)]}
        assert service.post(json.dumps(body).encode())[0] == 200
        drift = service.get("/metrics").partition('trueline_drift{task="events"} ')[2].partition("\n")[0]
        assert float(drift) >= 0


def test_another_exported_model_is_taken_over_while_the_image_runs(
    image: Path, promoted: Path, variables: dict[str, str]
) -> None:
    with start_service(image, *WORDS, "--watch", "0.2", **variables) as service:
        before = service.predict()["model"]
        promoted_repo.promote(promoted, f"{STAGE}#2", threshold=0.0)
        printed = export(promoted, image)
        line = service.wait_for_line("taken over: events ")
        after = service.predict()["model"]
        assert before != after
        assert after in line
        assert after in printed


def test_what_the_image_copies_besides_the_models_is_small(image: Path) -> None:
    own_files = [file for file in image.rglob("*") if file.is_file() and "served" not in file.parts]
    own_files = [file for file in own_files if "__pycache__" not in file.parts]
    size = sum(file.stat().st_size for file in own_files) / 1e6
    print(f"code in the image: {len(own_files)} files, {size:.1f} MB")
    assert size < MAX_CODE_MB


def test_the_whole_runtime_suffices_for_every_task_and_the_plugins_of_its_config(image: Path) -> None:
    task_configs = yaml.safe_load((ROOT / "params.yaml").read_text())["tasks"]
    plugins = [f"stages.{stage}.{config[key]}" for config in task_configs.values() for stage, key in
               (("train", "learner"), ("calibrate", "calibrator"))]  # fmt: skip
    modules = [*(f"trueline.service.tasks.{task}" for task in task_configs), *plugins]
    done = confined("all", f"import {', '.join(modules)}", image)
    assert done.returncode == 0, done.stderr


def test_what_is_copied_is_let_through_and_nothing_else_is() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "served/.*" in lines  # what an export has not finished
    assert "*" in lines
    assert let_through == set(copied())


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    assert instructions("USER") == ["trueline"]
    assert any("/health" in line for line in instructions("HEALTHCHECK"))
    assert json.loads(instructions("ENTRYPOINT")[0])[:4] == ["python", "-m", "trueline", "serve"]


def test_the_compose_file_keeps_the_root_read_only_and_lets_only_the_proxy_out() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    service, proxy = services["trueline"], services["proxy"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "ports" not in service
    assert proxy["ports"] == ["443:443"]
    written = {volume.split(":")[1] for volume in service["volumes"] if not volume.endswith(":ro")}
    assert written == set(instructions("VOLUME"))
    assert f"/{Path(json.loads(instructions('ENTRYPOINT')[0])[-1])}:ro" in str(service["volumes"])
    template = (ROOT / proxy["volumes"][0].split(":")[0]).read_text()
    assert set(re.findall(r"\$\{(\w+)\}", template)) == set(proxy["environment"])
