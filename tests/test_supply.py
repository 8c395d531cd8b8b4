"""`make audit` names licences that are not allowed, known vulnerabilities and secrets, and says what it cannot know."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.pipeline_copy import ROOT

SCRIPT = ROOT / ".ci/audit_supply.py"
KEY = "AKIA" + "IOSFODNN7EXAMPLE"  # in two parts, so that this file does not hold what has the form of a key
VULNERABLE = "urllib3"


def audit(folder: Path, *options: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the audit in a folder, with further packages in a path."""
    search_path = {"PYTHONPATH": str(path)} if path else {}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **search_path},
        capture_output=True,
        text=True,
        timeout=600,
    )


class Database(BaseHTTPRequestHandler):
    """A database that speaks as osv.dev does and knows one vulnerability."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        package = query["package"]
        events = [{"introduced": "0"}, {"fixed": "9.9.9"}]
        ranges = [{"type": "ECOSYSTEM", "events": events}]
        problem = {"id": "PYSEC-1", "summary": "planted", "affected": [{"package": package, "ranges": ranges}]}
        answer = json.dumps({"vulns": [problem]} if package["name"] == VULNERABLE else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def database() -> Iterator[str]:
    """The address of a running database."""
    with HTTPServer(("127.0.0.1", 0), Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def write_lock(folder: Path, *lines: str) -> None:
    (folder / "requirements.lock").write_text("".join(f"{line} \\\n    --hash=sha256:{'0' * 64}\n" for line in lines))


def test_every_licence_of_the_lock_is_allowed() -> None:
    done = audit(ROOT, "--only", "licences")
    assert (done.returncode, done.stderr) == (0, "")
    assert "locked packages may be used" in done.stdout


@pytest.mark.parametrize(
    ("licence", "exit_code"),
    [
        ("License-Expression: MIT", 0),
        ("License-Expression: MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)", 0),
        ("Classifier: License :: OSI Approved :: BSD License", 0),
        ("License-Expression: AGPL-3.0-only", 1),
        ("License-Expression: MIT AND GPL-3.0-only", 1),
        ("License: for personal use", 1),
        ("Summary: says nothing of a licence", 1),
    ],
)
def test_a_licence_that_is_not_allowed_is_named_with_its_package(tmp_path: Path, licence: str, exit_code: int) -> None:
    (tmp_path / "planted-1.0.dist-info").mkdir()
    (tmp_path / "planted-1.0.dist-info/METADATA").write_text(f"Metadata-Version: 2.4\nName: planted\n{licence}\n")
    write_lock(tmp_path, "planted==1.0")
    done = audit(tmp_path, "--only", "licences", path=tmp_path)
    assert (done.returncode, done.stderr) == (exit_code, "")
    assert ("licences: planted is under" in done.stdout) == bool(exit_code)


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it(tmp_path: Path, database: str) -> None:
    write_lock(tmp_path, "idna==3.10", f"{VULNERABLE}==2.0.0")
    done = audit(tmp_path, "--only", "vulnerabilities", "--osv-url", database)
    assert done.returncode == 1, done.stderr
    assert f"{VULNERABLE} 2.0.0 has PYSEC-1, mended in 9.9.9; lock a mended version." in done.stdout
    write_lock(tmp_path, "idna==3.10")
    done = audit(tmp_path, "--only", "vulnerabilities", "--osv-url", database)
    assert (done.returncode, done.stdout.startswith("vulnerabilities: 0 in 1 of 1")) == (0, True)


def test_a_database_that_cannot_be_asked_is_no_clean_bill_and_fails_where_that_is_asked_for(tmp_path: Path) -> None:
    write_lock(tmp_path, "idna==3.10")
    options = ("--only", "vulnerabilities", "--osv-url", "http://127.0.0.1:9/v1/query")
    done = audit(tmp_path, *options)
    assert done.returncode == 0
    assert done.stdout.startswith("vulnerabilities: the database of known vulnerabilities could not be asked (")
    assert done.stdout.endswith("nothing is known of 1 locked packages; run `make audit` where it can be reached.\n")
    assert audit(tmp_path, *options, "--strict").returncode == 1


def test_a_secret_is_named_by_file_and_line_unless_its_line_says_that_it_is_none(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text(f"x = 1\nkey = '{KEY}'\n")
    (tmp_path / "other.py").write_text(f"key = '{KEY}'  # pragma: allowlist secret\n")
    (tmp_path / "not in git.py").write_text(f"key = '{KEY}'\n")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "notes.py", "other.py"], cwd=tmp_path, check=True)
    done = audit(tmp_path, "--only", "secrets")
    assert done.returncode == 1, done.stderr
    assert "secrets: notes.py:2 looks like a secret (AWS Access Key)" in done.stdout
    assert "other.py" not in done.stdout
    assert "not in git.py" not in done.stdout


def test_nothing_in_git_has_the_form_of_a_secret() -> None:
    done = audit(ROOT, "--only", "secrets")
    assert done.returncode == 0, done.stdout
