"""A client that openapi-python-client generates from the schema that a running service publishes."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.service.service_process import ServiceProcess
from trueline.benchmarks._http_clients import HOST


class GeneratedClient:
    """The functions and models that were generated for a service; each has its own package name."""

    def __init__(self, service: ServiceProcess, folder: Path, package: str, token: str = "none") -> None:
        schema = folder / f"{package}.json"
        schema.write_text(json.dumps(json.loads(service.get("/openapi.json", token))))
        config = folder / f"{package}.yaml"
        config.write_text("post_hooks: []\n")
        completed = subprocess.run(
            [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(schema), "--meta", "none",
             "--output-path", str(folder / package), "--config", str(config), "--fail-on-warning"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert completed.returncode == 0, completed.stdout + completed.stderr
        sys.path.insert(0, str(folder))
        try:
            self._package, self.models = importlib.import_module(package), importlib.import_module(f"{package}.models")
        finally:
            sys.path.remove(str(folder))
        self._folder, self._name = folder, package
        self._address, self._token = f"http://{HOST}:{service.port}", token

    def list_functions(self) -> set[str]:
        """Return the names of the functions: one for each address and method."""
        return {file.stem for file in (self._folder / self._name / "api/default").glob("[a-z]*.py")}

    @contextmanager
    def use_token(self, token: str) -> Iterator[None]:
        """Send another token for a while."""
        former_token, self._token = self._token, token
        try:
            yield
        finally:
            self._token = former_token

    def call(self, name: str, *arguments: Any, **options: Any) -> tuple[int, Any]:
        """Return the status and the parsed answer of a call."""
        function = importlib.import_module(f"{self._name}.api.default.{name}")
        package: Any = self._package
        with package.AuthenticatedClient(self._address, self._token) as client:
            answer = function.sync_detailed(*arguments, client=client, **options)
        return int(answer.status_code), answer.parsed

    def post(self, name: str, model: str, content: Any) -> tuple[int, Any]:
        """Return the status and the parsed answer to a body that is built with a generated model."""
        return self.call(name, body=getattr(self.models, model).from_dict(content))
