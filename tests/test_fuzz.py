"""The targets of ``fuzz``: on what is committed, and that they see what is broken."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fuzz import targets
from harmony.parser import StreamableParser
from support import ROOT, border, model_output, replies

CORPUS = ROOT / "tests" / "fuzz" / "corpus"


def inputs(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


@pytest.mark.parametrize("target", targets.TARGETS)
def test_what_is_committed_breaks_nothing(target: str) -> None:
    found = inputs(target)
    assert len(found) > 9
    for path in found:
        targets.TARGETS[target](path.read_bytes())


def test_every_target_has_inputs_and_is_run_each_week() -> None:
    makefile = (ROOT / "csrc" / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"^FUZZERS = (.*)$", makefile, re.MULTILINE)
    assert found
    of_c = set(found[1].split())
    in_c = ROOT / "tests" / "c"
    assert of_c == {path.stem[5:] for path in in_c.glob("fuzz_*.c")}
    assert of_c == {path.name for path in (in_c / "corpus").iterdir()}
    assert targets.TARGETS.keys() == {path.name for path in CORPUS.iterdir()}
    workflow = ROOT / ".github" / "workflows" / "fuzz.yml"
    if not workflow.exists():
        pytest.skip("a source distribution has no workflows")
    matrices = re.findall(r"target: \[(.*)\]", workflow.read_text(encoding="utf-8"))
    assert [set(m.split(", ")) for m in matrices] == [of_c, targets.TARGETS.keys()]


def test_bytes_are_words_or_any_ids() -> None:
    assert len(targets.WORDS) == targets.RAW
    word = targets.WORDS[20]
    data = bytes([20, targets.RAW, 0, 1, 2, 255, 255, 255, 255, 20, 255, 1])
    assert targets.tokens_of(data) == [*word, 258, -1, *word, 1]
    assert targets.tokens_of(b"") == []


def test_a_reply_that_depends_on_the_cuts_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forgetful(*given: Any, **options: Any) -> Any:
        reply = chat_reply(*given, **options)
        if len(given[2]) > 1:
            reply.completion["choices"][0]["message"]["content"] = "other"
        return reply

    chat_reply = replies.chat_reply
    monkeypatch.setattr(model_output, "chat_reply", forgetful)
    with pytest.raises(AssertionError):
        targets.replies(bytes([0, 0, 0, 12, 12]))


def test_a_parser_that_depends_on_the_cuts_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = StreamableParser.feed
    monkeypatch.setattr(
        StreamableParser, "feed", lambda self, tokens: feed(self, tokens[-1:])
    )
    with pytest.raises(AssertionError):
        targets.parser(bytes([6, 0, 12, 12, 12]))


def test_an_error_that_no_call_may_raise_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_given: Any) -> None:
        raise MemoryError

    for name in border.CALLS:
        monkeypatch.setitem(border.CALLS, name, broken)
    with pytest.raises(MemoryError):
        targets.border(bytes(99))


@pytest.mark.slow
def test_the_fuzzer_says_how_it_is_called(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "fuzz"]
    where: dict[str, Any] = {"cwd": ROOT / "tests", "capture_output": True}
    wrong = subprocess.run([*command, "nothing"], **where)
    assert wrong.returncode == 1
    assert b"Targets: replies, parser, border" in wrong.stderr
    options = ["-runs=99", "-max_len=9", str(tmp_path / "found")]
    done = subprocess.run([*command, "parser", *options], **where)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "found").iterdir())
