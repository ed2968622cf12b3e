"""What is shown while a run goes on."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from harmony.cli.bulk import progress as meter
from harmony.cli.bulk.journal import Checkpoint
from support.bulk import BAD, GOOD, Command, conversations, nothing, run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("has_rich", [True, False])
def test_a_terminal_shows_how_far_it_is(
    render: Command, monkeypatch: pytest.MonkeyPatch, has_rich: bool
) -> None:
    if has_rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich", None)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    render([GOOD % 1, BAD, GOOD % 3], "--on-error", "skip")
    shown = screen.getvalue()
    assert "100%" in shown
    assert "2 records" in shown
    assert ": line 2: messages[0].role: unknown role 'bob'" in shown


def test_the_plain_line_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(meter, "LINE_SECONDS", 0)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with meter.meter("render", 200) as (seen, told):
        seen(50, "1 record")
        told("line 2: bad")
        seen(100, "2 records")
    visible = [line.split("\r")[-1] for line in screen.getvalue().split("\n")]
    assert visible == ["line 2: bad", ""]
    assert "render: 25%, 1 record" in screen.getvalue()
    assert "render: 50%, 2 records" in screen.getvalue()


def test_the_plain_line_is_not_written_for_each_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(meter, "LINE_SECONDS", 1000)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with meter.meter("render", None) as (seen, _):
        seen(50, "1 record")
        seen(100, "2 records")
    assert "render: 1 record" in screen.getvalue()
    assert "2 records" not in screen.getvalue()


def test_a_log_shows_nothing_but_what_happened(render: Command) -> None:
    assert render([GOOD % 1])[2] == ""


def test_the_checkpoints_are_shown_as_they_come(out: Path) -> None:
    seen: list[Checkpoint] = []
    data = b"".join(conversations(10))
    run(out)(io.BytesIO(data), nothing, seen.append)
    assert [reached.offset for reached in seen] == sorted(
        {reached.offset for reached in seen}
    )
    assert (seen[-1].offset, seen[-1].records) == (len(data), 10)
