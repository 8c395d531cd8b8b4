"""Webhook: a message to whoever listens, and no harm done where nobody does."""

import json
import os
import sys
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

ADDRESS_VARIABLE = "TRUELINE_WEBHOOK"  # the environment variable that holds the address; unset, nothing is sent
TIMEOUT_SECONDS = 5.0


def notify(text: str) -> bool:
    """Post {"text": …}, as Slack takes it, to the address in TRUELINE_WEBHOOK, and return whether it was delivered.

    Without the variable nothing is sent. A failure is one line on standard error, without the address, which is a
    secret, and never raises. It is tried once; whoever asks twice sends twice.
    """
    address = os.environ.get(ADDRESS_VARIABLE, "")
    if not address:
        return False
    try:
        # urlopen reads files too, if asked
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError("not an http address")
        body = json.dumps({"text": text}).encode()
        with urlopen(Request(address, body, {"Content-Type": "application/json"}), timeout=TIMEOUT_SECONDS):
            return True
    except (OSError, HTTPException, ValueError) as error:
        print(f"the message was not delivered to {ADDRESS_VARIABLE}: {_describe_error(error)}", file=sys.stderr)
        return False


def _describe_error(error: Exception) -> str:
    """Return the kind of failure alone: its text may hold the address."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if code is not None else type(error).__name__
