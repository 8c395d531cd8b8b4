"""The image without a container engine: its contents suffice, are pinned as in training, and are safe."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline_copy import ROOT

RUNTIMES = ("events", "all")
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
def image(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the Dockerfile makes, with the models of a small repository."""
    folder = tmp_path_factory.mktemp("image")
    for name in copied():
        source = repository / name if (repository / name).exists() else ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, folder / name)
    return folder


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


def test_the_copied_files_and_the_runtime_suffice_to_answer_for_events(image: Path) -> None:
    asked = """
from trueline.service.settings import Settings
from trueline.service.app import create_app
import asyncio, json

async def ask():
    app = create_app(Settings(tasks=("events",), log=""))
    body = json.dumps({"events": [{"name": "Jazz in the park"}]}).encode()
    scope = {"type": "http", "method": "POST", "path": "/predict/events", "raw_path": b"/predict/events",
             "headers": [(b"content-type", b"application/json")], "query_string": b"", "http_version": "1.1",
             "scheme": "http", "server": ("localhost", 80), "client": ("localhost", 1), "root_path": ""}
    sent = []
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}
    async def send(message):
        sent.append(message)
    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    print(b"".join(message.get("body", b"") for message in sent).decode())

asyncio.run(ask())
"""
    done = confined("events", asked, image)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"][0]["top"]


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
    assert "*" in lines
    assert let_through == set(copied())


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    assert instructions("USER") == ["trueline"]
    assert any("/health" in line for line in instructions("HEALTHCHECK"))
    assert json.loads(instructions("ENTRYPOINT")[0])[:4] == ["python", "-m", "trueline", "serve"]


def test_the_compose_file_keeps_the_root_read_only_and_the_port_at_home() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["trueline"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    written = {volume.split(":")[1] for volume in service["volumes"]}
    assert written == set(instructions("VOLUME"))
