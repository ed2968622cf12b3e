"""A headless Chromium, driven over its own pipe: enough to try a page."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

# The protocol is spoken on the descriptors 3 and 4.
TAKE_PIPES = """
import os, sys
commands, answers = map(int, sys.argv[1:3])
os.dup2(commands, 103), os.dup2(answers, 104), os.dup2(103, 3), os.dup2(104, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def found() -> str | None:
    """Return the path of a Chromium; None if there is none."""
    if os.name != "posix":
        return None
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in one browser. Commands are those of the DevTools protocol."""

    def __init__(self, path: str, profile: Path) -> None:
        command_out, command_in = os.pipe()
        answer_out, answer_in = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_PIPES, str(command_out), str(answer_in), path]
            + ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
            + ["--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(command_out, answer_in),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_out)
        os.close(answer_in)
        self._commands = os.fdopen(command_in, "wb")
        self._answers = os.fdopen(answer_out, "rb")
        self._count = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")
        # A page that is not in front gets no events of focus.
        self.do("Emulation.setFocusEmulationEnabled", enabled=True)

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; return its result. Events meanwhile are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._answers.read(1)) not in (b"\0", b""):
            data += byte
        answer: dict[str, Any] = json.loads(data)
        if "method" in answer:
            self.events.append(answer)
        return answer

    def open(self, path: Path) -> None:
        """Go to a file, and wait until it is there."""
        self.go(path.as_uri())

    def go(self, url: str) -> None:
        """Go to an address, and wait until its page is there."""
        self.events.clear()
        self.do("Page.navigate", url=url)
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self._next()

    def value(self, expression: str) -> Any:
        """Return what JavaScript gives, which has to be JSON."""
        done = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key, such as ``Tab`` or ``ArrowRight``."""
        codes = {"Tab": 9, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}
        for kind in ("keyDown", "keyUp"):
            self.do(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=codes[key],
            )

    def point(self, selector: str) -> None:
        """Move the mouse to the middle of an element."""
        box = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.do("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])

    def scheme(self, name: str) -> None:
        """Prefer ``light`` or ``dark`` from now on."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.do("Emulation.setEmulatedMedia", features=[feature])

    def resize(self, width: int, height: int) -> None:
        """Make the window so large."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.do("Emulation.setDeviceMetricsOverride", mobile=False, **size)

    def screenshot(self, width: int, height: int) -> bytes:
        """Return a PNG of a window of that size."""
        self.resize(width, height)
        return base64.b64decode(self.do("Page.captureScreenshot")["data"])

    def close(self) -> None:
        """End the browser."""
        self.do("Browser.close")
        self._process.wait(600)
        self._commands.close()
        self._answers.close()
