"""Running ``harmony show``."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from harmony.cli import main


@pytest.fixture
def show(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Any:
    """Run the command; return its status and what it printed."""

    def show(stdin: str | bytes, *options: str) -> tuple[int, str, str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = main(["show", "-", *options])
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return show


@pytest.fixture
def rich() -> Any:
    return pytest.importorskip("rich")
