"""Running the command."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from harmony import Conversation
from harmony.cli import main
from support.command import WEATHER, Result, Run


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Run the command in this process, with bytes or text as standard input."""

    def run(*arguments: str | Path, stdin: str | bytes = b"") -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit:
            assert isinstance(exit.code, int)
            status = exit.code
        out, err = capsysbinary.readouterr()
        return Result(status, out, err.decode())

    return run


@pytest.fixture
def weather() -> Conversation:
    return Conversation.from_json(WEATHER.read_bytes())
