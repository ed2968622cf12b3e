"""``harmony show`` without the library rich."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from support.talks import TALK


@pytest.mark.parametrize("options", [[], ["--tokens"], ["--ids"]])
@pytest.mark.parametrize("text", [TALK, "hi", "", "<|end|>\n\n<|end|> \x1b a"])
def test_without_rich_the_same_is_shown(
    show: Any,
    rich: Any,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    options: list[str],
) -> None:
    """It used to be an error that said to install rich."""
    expected = show(text, *options)
    for name in [name for name in sys.modules if name.split(".")[0] == "rich"]:
        monkeypatch.setitem(sys.modules, name, None)
    import harmony.cli.show as verb

    monkeypatch.delitem(sys.modules, "harmony.cli.show.terminal", raising=False)
    monkeypatch.delattr(verb, "terminal", raising=False)
    assert show(text, *options) == expected
    assert "harmony.cli.show.terminal" not in sys.modules


def test_a_module_that_is_missing_otherwise_is_an_error(
    show: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import harmony.cli.show as verb

    monkeypatch.setitem(sys.modules, "harmony.cli.show.terminal", None)
    monkeypatch.delattr(verb, "terminal", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"harmony\.cli\.show\.terminal"):
        show("hi")
