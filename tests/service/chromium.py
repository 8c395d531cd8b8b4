"""A real browser, driven over its debugging pipe: open a page, run a script in it, read what it logged."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Any

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WORDS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
)
LOUD = ("error", "warning")
PATIENCE = 60.0  # seconds for one answer, on a machine that does much else


class Chromium:
    """One page of a browser of its own; `logged` holds what the page wrote to the console."""

    def __init__(self, folder: Path) -> None:
        assert BROWSER is not None
        commands, self._asks = _pipe()
        self._answers, replies = _pipe()
        command = [BROWSER, *WORDS.split(), f"--user-data-dir={folder / 'profile'}"]
        # the file descriptors where the browser looks for them
        ends = [(os.POSIX_SPAWN_DUP2, commands, 3), (os.POSIX_SPAWN_DUP2, replies, 4)]
        quiet = [(os.POSIX_SPAWN_OPEN, file, os.devnull, os.O_WRONLY, 0) for file in (1, 2)]
        self._process = os.posix_spawn(BROWSER, command, os.environ, file_actions=[*ends, *quiet])
        os.close(commands)
        os.close(replies)
        self._number, self._held, self.logged = 0, b"", list[str]()
        self._session: str | None = None

    def __enter__(self) -> "Chromium":
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session = None
        os.write(self._asks, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        ends = time.monotonic() + PATIENCE
        while os.waitpid(self._process, os.WNOHANG) == (0, 0):
            if time.monotonic() > ends:
                os.kill(self._process, signal.SIGKILL)
            time.sleep(0.02)
        os.close(self._asks)
        os.close(self._answers)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the browser's answer to a command of the DevTools protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._asks, json.dumps(message).encode() + b"\0")
        while (found := self._next()).get("id") != self._number:
            self._note(found)
        assert "error" not in found, found
        result: dict[str, Any] = found["result"]
        return result

    def open(self, address: str) -> None:
        """Open an address and wait until it is loaded."""
        self.ask("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Return the value of an expression on the page; a promise is waited for."""
        found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script: str) -> Any:
        """Return the value of an expression once it is true."""
        ends = time.monotonic() + PATIENCE
        while not (value := self.run(script)):
            assert time.monotonic() < ends, f"never: {script}"
            time.sleep(0.05)
        return value

    def look(self, width: int, dark: bool = False) -> None:
        """Set the window's width in pixels and a light or dark colour scheme; below 500 it is a phone."""
        phone = width < 500
        sizes = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": phone}
        self.ask("Emulation.setDeviceMetricsOverride", **sizes)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, file: Path) -> None:
        """Save a screenshot of the whole page as a PNG file."""
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready = select.select([self._answers], [], [], PATIENCE)[0]
            assert ready, "the browser does not answer"
            more = os.read(self._answers, 1 << 20)
            assert more, "the browser is gone"
            self._held += more
        first, _, self._held = self._held.partition(b"\0")
        found: dict[str, Any] = json.loads(first)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.logged.append(params["exceptionDetails"]["exception"].get("description", "an exception"))
        if event.get("method") == "Runtime.consoleAPICalled":
            self.logged.append(" ".join(str(one.get("value")) for one in params["args"]))
        if event.get("method") == "Log.entryAdded" and params["entry"]["level"] in LOUD:
            self.logged.append(params["entry"]["text"])


def _pipe() -> tuple[int, int]:
    """Return the ends of a pipe, far from the numbers that the browser's own ends will have."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]
