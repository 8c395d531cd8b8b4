"""Webhook: post a message to an address, if one is set; a failure never raises."""

import json
import os
import sys
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

ADDRESS_VARIABLE = "TRUELINE_WEBHOOK"  # the environment variable with the address; if unset, nothing is sent
TIMEOUT_SECONDS = 5.0


def notify(text: str) -> bool:
    """Post {"text": …}, the format of Slack, to the address in TRUELINE_WEBHOOK; return whether it was delivered.

    Without the variable nothing is sent. A failure prints one line on standard error, without the address, which is a
    secret, and never raises. There is one attempt and no deduplication.
    """
    address = os.environ.get(ADDRESS_VARIABLE, "")
    if not address:
        return False
    try:
        # urlopen would also open file: addresses
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError("not an http address")
        body = json.dumps({"text": text}).encode()
        with urlopen(Request(address, body, {"Content-Type": "application/json"}), timeout=TIMEOUT_SECONDS):
            return True
    except (OSError, HTTPException, ValueError) as error:
        print(f"the message was not delivered to {ADDRESS_VARIABLE}: {_describe_error(error)}", file=sys.stderr)
        return False


def _describe_error(error: Exception) -> str:
    """Return only the kind of failure, because its text may contain the address."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if code is not None else type(error).__name__
