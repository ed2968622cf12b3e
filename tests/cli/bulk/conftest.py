"""A run of ``harmony render --jsonl``."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmony.cli import main
from support.bulk import Command


@pytest.fixture(params=["jsonl", "bin"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"out.{request.param}"


@pytest.fixture
def render(tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command on lines; return its status and what it printed."""
    source = tmp_path / "in.jsonl"

    def render(lines: list[bytes], *options: str) -> tuple[int, str, str]:
        source.write_bytes(b"".join(lines))
        command = ["render", "--jsonl", str(source), "--out", str(out), *options]
        status = main([*command, "--processes", "1"])
        return status, *capsys.readouterr()

    return render
