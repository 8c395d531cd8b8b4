"""Audit what comes from others and what must not go out: licences and known vulnerabilities of the lock, and secrets.

`make audit` runs all three, and `--only` one of them. The exit code is 1 if a licence is not allowed, a locked version
has a known vulnerability, or a committed file holds a secret. Where the database of vulnerabilities cannot be asked, a
sentence says so, and the exit code is 1 with `--strict` only.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

LOCKS = ("requirements.lock", "trueline/service/runtime/all.lock", "trueline/service/runtime/events.lock")
LOCKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)

# licences under which a program may be passed on with these packages beside it, by SPDX identifier
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "Zlib"),
    *("EPL-2.0", "MPL-2.0", "PSF-2.0", "ZPL-2.1"),
}
EXCEPTIONS = {  # packages whose metadata name no allowed licence, and why they may be used all the same
    "grandalf": "GPL-2.0 or EPL-1.0, as one chooses: its classifier names only the first",
    "namex": "Apache-2.0, by the file that it brings",
    "pygit2": "GPL-2.0 with the exception that lets any program link it",
    "skops": "MIT, by the file that it brings",
}
SPELLINGS = {  # what metadata say instead of an identifier
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Zope Public License": "ZPL-2.1",
}

# kinds of detect-secrets that judge by a known form; those that judge by randomness name every hash in a lock
PLUGINS = (
    *("ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "CloudantDetector"),
    *("DiscordBotTokenDetector", "GitHubTokenDetector", "GitLabTokenDetector", "IbmCloudIamDetector"),
    *("IbmCosHmacDetector", "JwtTokenDetector", "KeywordDetector", "MailchimpDetector", "NpmDetector"),
    *("OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector"),
    *("SoftlayerDetector", "SquareOAuthDetector", "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector"),
)
UNSCANNED_SUFFIXES = (".parquet", ".lock", ".gz", ".xlsx", ".png")  # tables, and lists of hashes
UNSCANNED_FOLDERS = ("data/sample/", "metrics/", ".dvc/plots/")  # what seeded commands wrote, and a library in one line
ALLOWED_LINE = "pragma: allowlist secret"  # what detect-secrets looks for in a line that only looks like a secret


def list_locked(paths: Iterable[Path]) -> dict[str, str]:
    """Return the version of every package in some locks, by name."""
    return {name: version for path in paths for name, version in LOCKED.findall(path.read_text())}


def check_licences(root: Path, options: argparse.Namespace) -> bool:
    """Print every package of the lock without an allowed licence; return whether all have one."""
    names = sorted(list_locked(root / lock for lock in LOCKS if (root / lock).exists()))
    installed = {name: licence for name in names if (licence := read_licence(name)) is not None}
    refused = {
        name: licence for name, licence in installed.items() if not is_allowed(licence) and name not in EXCEPTIONS
    }
    for name, licence in refused.items():
        print(
            f"licences: {name} is under {licence or 'no licence that its metadata name'}, which is not allowed; "
            "replace the package, or add the licence, or the package with a reason, to .ci/audit_supply.py."
        )
    print(
        f"licences: {len(installed) - len(refused)} of {len(names)} locked packages may be used; "
        f"{len(names) - len(installed)} are for other systems and not installed here."
    )
    return not refused


def read_licence(name: str) -> str | None:
    """Return the licence that a package's metadata name, as an SPDX expression where they do; None without package."""
    try:
        fields = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if fields.get("License-Expression"):
        return str(fields["License-Expression"])
    kinds = [line.split(" :: ")[-1] for line in fields.get_all("Classifier") or () if line.startswith("License ::")]
    named = [SPELLINGS.get(kind, kind) for kind in kinds if kind != "OSI Approved"]
    if named:
        return " OR ".join(named)
    text = (fields.get("License") or "").strip().splitlines()
    return SPELLINGS.get(text[0].strip(), text[0].strip()) if text else ""


def is_allowed(expression: str) -> bool:
    """Return whether an SPDX expression can be met by allowed licences: all that AND joins, one of those that OR joins.

    >>> is_allowed("MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)"), is_allowed("MIT AND GPL-3.0-only")
    (True, False)
    """
    tokens = re.findall(r"\(|\)|\bAND\b|\bOR\b|[^\s()]+(?:\s+(?!AND\b|OR\b)[^\s()]+)*", expression)
    try:
        value, rest = _read_alternatives(tokens)
    except IndexError:
        return False
    return value and not rest


def _read_alternatives(tokens: list[str]) -> tuple[bool, list[str]]:
    value, rest = _read_conjunction(tokens)
    while rest and rest[0] == "OR":
        other, rest = _read_conjunction(rest[1:])
        value = value or other
    return value, rest


def _read_conjunction(tokens: list[str]) -> tuple[bool, list[str]]:
    value, rest = _read_licence_token(tokens)
    while rest and rest[0] == "AND":
        other, rest = _read_licence_token(rest[1:])
        value = value and other
    return value, rest


def _read_licence_token(tokens: list[str]) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        value, rest = _read_alternatives(tokens[1:])
        return value, rest[1:]
    return tokens[0] in ALLOWED, tokens[1:]


def check_vulnerabilities(root: Path, options: argparse.Namespace) -> bool:
    """Print the known vulnerabilities of locked versions; return whether there are none, or none could be asked for.

    One package is asked for first: a database that does not answer would be asked for hundreds in vain.
    """
    locked = list_locked([root / LOCKS[0]])
    first = dict(sorted(locked.items())[:1])
    answers, reason = ask_database(first, options.osv_url)
    if answers:
        answers, reason = ask_database(locked, options.osv_url)
    if not answers:
        print(f"vulnerabilities: the database of known vulnerabilities could not be asked ({reason}), so nothing is "
              f"known of {len(locked)} locked packages; run `make audit` where it can be reached.")  # fmt: skip
        return not options.strict
    found = [(answer["name"], answer["version"], problem) for answer in answers for problem in answer.get("vulns", ())]
    for name, version, problem in found:
        fixed = ", ".join(problem.get("fix_versions") or ()) or "no version yet"
        print(f"vulnerabilities: {name} {version} has {problem['id']}, mended in {fixed}; lock a mended version.")
    unknown = len(locked) - len(answers)
    print(f"vulnerabilities: {len(found)} in {len(answers)} of {len(locked)} locked packages; "
          f"of {unknown} the database knows nothing.")  # fmt: skip
    return not found and not (unknown and options.strict)


def ask_database(locked: dict[str, str], osv_url: str | None) -> tuple[list[dict[str, Any]], str]:
    """Return what pip-audit says of packages that it could ask about, and why it could not ask about the others.

    Without an address of a service that speaks like osv.dev, PyPI is asked. pip-audit calls packages that it could not
    ask about clean, so they are left out here.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{name}=={version}\n" for name, version in locked.items()))
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "--requirement", file.name, "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "20"]
        command += ["--vulnerability-service", "osv", "--osv-url", osv_url] if osv_url else []
        done = subprocess.run(command, capture_output=True, text=True)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = done.stderr.strip().splitlines() or ["pip-audit said nothing"]
        return [], lines[-1].strip()[:200]
    skipped = [answer["skip_reason"] for answer in answers if "skip_reason" in answer]
    return [answer for answer in answers if "skip_reason" not in answer], (skipped or [""])[0]


def check_secrets(root: Path, options: argparse.Namespace) -> bool:
    """Print the file and line of everything in git that has the form of a secret; return whether there is nothing."""
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import transient_settings

    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if name and not name.startswith(UNSCANNED_FOLDERS)]
    files = [name for name in names if not name.endswith(UNSCANNED_SUFFIXES)]
    secrets = SecretsCollection(str(root))
    with transient_settings({"plugins_used": [{"name": name} for name in PLUGINS]}):
        for name in files:
            secrets.scan_file(name)
    places = sorted({(name, secret.line_number, secret.type) for name, secret in secrets})
    for name, line, kind in places:
        print(f"secrets: {name}:{line} looks like a secret ({kind}); take it out and replace it wherever it is used, "
              f"or if it is none, end the line with `{ALLOWED_LINE}`.")  # fmt: skip
    print(f"secrets: {len(places)} in {len(files)} files.")
    return not places


CHECKS: dict[str, Callable[[Path, argparse.Namespace], bool]] = {
    "licences": check_licences,
    "vulnerabilities": check_vulnerabilities,
    "secrets": check_secrets,
}


def main(arguments: Sequence[str]) -> int:
    """Run the checks, and return the exit code."""
    parser = argparse.ArgumentParser(description="Audit licences, known vulnerabilities and secrets.")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS), help="only these checks")
    parser.add_argument("--strict", action="store_true", help="fail too if the database cannot be asked")
    parser.add_argument("--osv-url", help="the address of a service that answers as api.osv.dev does; by default PyPI")
    options = parser.parse_args(arguments)
    results = [CHECKS[name](Path.cwd(), options) for name in options.only]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
