"""The documents are tests: what they show is executed."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harmony
from benchmarks.front import front
from harmony import (
    Conversation,
    HarmonyEncoding,
    HarmonyError,
    RenderConversationConfig,
    StreamableParser,
    WarningKind,
    chat,
    grammar,
    responses,
    training,
)
from harmony.cli import main
from support import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
SPECIAL: dict[str, Any] = {"allowed_special": "all"}
KEEP_ALL = RenderConversationConfig(auto_drop_analysis=False)
MODELS_HEADER = RenderConversationConfig(drop_analysis="never", channel_first=True)

EXAMPLE = r"```json\n(.*?)```\n\n```harmony\n(.*?)\n```\n"
EXAMPLES = re.findall(EXAMPLE, FORMAT, re.S)
NOT_PARSED_STRICTLY = ["user:bob"]


def test_every_block_of_the_format_is_an_example() -> None:
    assert len(EXAMPLES) == FORMAT.count("```json") == FORMAT.count("```harmony") > 10


@pytest.mark.parametrize(("messages", "text"), EXAMPLES)
def test_an_example_of_the_format(
    encoding: HarmonyEncoding, messages: str, text: str
) -> None:
    conversation = Conversation.from_json(messages)
    tokens = encoding.render_conversation(conversation, KEEP_ALL)
    assert encoding.decode(tokens) == text
    if any(word in text for word in NOT_PARSED_STRICTLY):
        with pytest.raises(HarmonyError):
            encoding.parse_messages_from_completion_tokens(tokens)
        return
    parsed = encoding.parse_messages_from_completion_tokens(tokens)
    assert encoding.decode(
        encoding.render_conversation(Conversation(parsed), KEEP_ALL)
    ).replace("<|call|>", "<|end|>") == text.replace("<|call|>", "<|end|>")
    for message, original in zip(parsed, conversation, strict=True):
        assert message.author == original.author
        assert message.channel == original.channel
        assert message.content_type == original.content_type
        assert message.recipient in (original.recipient, None)


def test_the_header_as_the_model_writes_it(encoding: HarmonyEncoding) -> None:
    (block,) = re.finditer(r"```model\n(.*?)\n```\n", FORMAT, re.S)
    messages, text = re.findall(EXAMPLE, FORMAT[: block.start()], re.S)[-1]
    conversation = Conversation.from_json(messages)
    tokens = encoding.render_conversation(conversation, MODELS_HEADER)
    assert encoding.decode(tokens) == block[1] != text
    template = encoding.render_conversation(conversation)
    parse = encoding.parse_messages_from_completion_tokens
    assert parse(tokens) == parse(template)


@pytest.fixture
def no_openai_harmony(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an example install its own openai_harmony, and forget it afterwards."""
    monkeypatch.setitem(sys.modules, "openai_harmony", None)
    monkeypatch.delitem(sys.modules, "openai_harmony")


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a page: their language, and what is in them."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_looks_like_an_example_is_one_of_a_kind_that_is_executed(
    path: Path,
) -> None:
    known = {"", "pycon", "json", "harmony", "recovered", "sh", "model"}
    known |= {"js"}  # executed by js/test/documents.test.ts
    known |= {
        "c",
        "cmake",
        "console",
        "python",
        "text",
        "{eval-rst}",
        "{image}",
        "{include}",
        "{toctree}",
    }
    text = path.read_text(encoding="utf-8")
    assert {language.partition(" ")[0] for language, _ in blocks(text)} <= known
    outside = re.sub(r"^```pycon\n.*?^```$", "", text, flags=re.M | re.S)
    assert ">>>" not in outside


EXECUTED = [
    *[
        ("index.md", 8),
        ("moving.md", 9),
        ("python.md", 50),
        ("serving.md", 25),
        ("training.md", 20),
    ],
    ("structured-output.md", 25),
]


@pytest.mark.usefixtures("no_openai_harmony")
@pytest.mark.parametrize(("name", "least"), EXECUTED)
def test_the_examples_of_a_page(name: str, least: int) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    if "llguidance import" in page:
        pytest.importorskip("llguidance")
    if "import pyarrow" in page:
        pytest.importorskip("pyarrow")
    test = doctest.DocTestParser().get_doctest(page, {}, name, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    output = io.StringIO()
    failed, tried = runner.run(test, out=output.write)
    assert not failed and tried >= least, output.getvalue()


def test_every_page_with_python_in_it_is_executed() -> None:
    pages = {path.name for path in PAGES if "```pycon" in path.read_text("utf-8")}
    assert pages == {name for name, _ in EXECUTED}


def test_the_code_of_the_server_is_the_server_s() -> None:
    page = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    server = (ROOT / "examples" / "server" / "server.py").read_text(encoding="utf-8")
    code = [text for language, text in blocks(page) if language == "python"]
    assert len(code) == 1 and all(text in server for text in code)


def test_the_api_page_has_every_public_name() -> None:
    text = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    auto = r"^\.\. auto(?:class|function|exception):: (\w+)(?:\(\))?$"
    package, _, doors = text.partition("## Requests and replies")
    assert sorted(re.findall(auto, package, re.M)) == sorted(harmony.__all__)
    doors_of = (chat, grammar, responses, training)
    public = {name for module in doors_of for name in module.__all__}
    public.add("BatchRenderer")  # its module needs pyarrow
    assert set(re.findall(auto, doors, re.M)) == public


@pytest.fixture
def header_page(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(ROOT / "docs")
    module = importlib.import_module("header_page")
    header = (ROOT / "csrc" / "harmony.h").read_text(encoding="utf-8")
    return str(module.header_page(header))


def test_the_header_page_has_every_declaration_and_every_word(header_page: str) -> None:
    header = (ROOT / "csrc" / "harmony.h").read_text(encoding="utf-8")
    names = re.findall(r"^HARMONY_API[^(]*?\b(\w+)\(", header, re.M)
    names += re.findall(r"^typedef (?:struct|enum) (\w+)", header, re.M)
    headings = re.findall(r"^### (\w+)$", header_page, re.M)
    assert len(names) > 40 and set(names) <= set(headings)
    frame = {"HARMONY_API", "HARMONY_H", "__attribute__", "visibility", "default"}
    frame |= {"if", "ifdef", "ifndef", "else", "endif", "define", "defined", "include"}
    frame |= {"extern", "C", "__cplusplus", "__GNUC__", "stddef", "stdint", "4"}
    words = set(re.findall(r"\w+", header)) - frame
    assert words <= set(re.findall(r"\w+", header_page.replace("\\_", "_")))


def test_the_header_page_marks_names_and_nothing_else(header_page: str) -> None:
    assert "returns a `harmony_status`, `HARMONY_OK` (0)" in header_page
    assert "HARMONY_API" not in header_page
    prose = re.sub(r"^```.*?^```$|^    .*$", "", header_page, flags=re.M | re.S)
    bare = re.sub(r"`[^`\n]*`|^### .*$|\\.", "", prose, flags=re.M)
    assert not re.search(r"[*_<>\[\]|`]", bare)


def test_the_python_page_shows_every_public_name() -> None:
    shown = "".join(re.findall(r"```pycon\n(.*?)```", PYTHON, re.S))
    missing = [name for name in harmony.__all__ if not re.search(rf"\b{name}\b", shown)]
    assert missing == []


COMMAND = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")


def test_the_example_of_show(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    pytest.importorskip("rich")
    pattern = r"\$ printf '(.*)' \| harmony show -\n(.*?)\n```"
    ((given, expected),) = re.findall(pattern, COMMAND, re.S)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    assert main(["show", "-"]) == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert [line.rstrip() for line in lines] == expected.splitlines()


def test_the_example_of_many_conversations(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    talk = b" ".join((ROOT / "test-data" / "weather.json").read_bytes().split())
    Path("talks.jsonl").write_bytes(3000 * (talk + b"\n"))
    pattern = r"\$ harmony (render --jsonl .*)\n(.*)\n```"
    ((command, expected),) = re.findall(pattern, COMMAND)
    assert main(command.split()) == 0
    assert capsys.readouterr().out == f"{expected}\n"
    (example,) = re.findall(r"```python\n(.*?)```", COMMAND, re.S)
    exec(example, {})
    assert capsys.readouterr().out.startswith("3000 462000 [200006")


KINDS, EXCEPTIONS = (
    re.findall(r"^in: *(.*)\nout: *(.*)\n((?:warn: .*\n)+)", table, re.M)
    for table in re.findall(r"```recovered\n(.*?)```", PYTHON, re.S)
)


def test_every_kind_of_warning_is_in_the_table() -> None:
    last = [warned.splitlines()[-1] for _, _, warned in KINDS]
    assert [line.split()[1] for line in last] == [kind.value for kind in WarningKind]
    assert len(KINDS) + len(EXCEPTIONS) == PYTHON.count("\nout:")


@pytest.mark.parametrize("given", [row[0] for row in EXCEPTIONS])
def test_the_strict_parser_takes_an_exception(
    encoding: HarmonyEncoding, given: str
) -> None:
    tokens = encoding.encode(given, **SPECIAL)
    messages = encoding.parse_messages_from_completion_tokens(tokens)
    assert tokens in [
        encoding.render_conversation(
            Conversation(messages), RenderConversationConfig(channel_first=first)
        )
        for first in (False, True)
    ]


@pytest.mark.parametrize(("given", "rendered", "warned"), KINDS + EXCEPTIONS)
def test_a_row_of_what_goes_in_and_comes_out(
    encoding: HarmonyEncoding, given: str, rendered: str, warned: str
) -> None:
    parser = StreamableParser(encoding, None, on_error="recover")
    for written, number in re.findall(r"([^\[]+)|\[(\d+)\]", given):
        written = written.replace("\\n", "\n")
        parser.feed([int(number)] if number else encoding.encode(written, **SPECIAL))
    parser.process_eos()
    own = encoding.render_conversation(Conversation(parser.messages), KEEP_ALL)
    assert encoding.decode(own) == rendered
    found = [f"warn: {w.kind.value} {w.text!r}" for w in parser.warnings]
    assert found == warned.splitlines()


def test_the_example_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.S)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(example[0], {})
    assert output.getvalue() == example[1]


def test_the_figures_of_the_readme_are_those_of_the_chart() -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    results = json.loads((ROOT / "docs/performance/results.json").read_bytes())
    start = {table["name"]: table for table in results["tables"]}["start"]
    times = {row.name: f"{row.ours:.0f} times" for row in front(results["tables"])}
    ready = start["cases"]["new process"]["harmony"]["value"]
    assert f"a chat is rendered {times['a chat, one message more']} as fast" in text
    assert f"of a stream is read {times['each token of a stream']} as fast" in text
    assert f"text is encoded {times['text to tokens']} as fast" in text
    assert f"ready {ready:.0f} ms after Python itself, {times['start']} as" in text


def test_the_pictures_show_what_the_command_prints() -> None:
    pytest.importorskip("rich")
    script = ROOT / "docs" / "make_pictures.py"
    result = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_every_test_that_the_differences_name_exists() -> None:
    text = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]*test_\w+\.py)`", text))
    paths = [ROOT / "tests" / name.removeprefix("tests/") for name in named]
    assert paths and all(path.exists() for path in paths)


def links(path: Path) -> list[str]:
    text = re.sub(
        r"^```.*?^```$|`[^`\n]*`", "", path.read_text("utf-8"), flags=re.M | re.S
    )
    return re.findall(r"\]\(([^)\s]+)\)", text)


@pytest.mark.parametrize(
    "path",
    [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))],
    ids=lambda path: path.stem,
)
def test_every_link_to_a_file_leads_to_one(path: Path) -> None:
    """The site's build checks those between its pages, and what is behind a #."""
    for link in links(path):
        if not link.startswith(("https:", "#")):
            assert (path.parent / link.partition("#")[0]).exists(), link


def test_the_readme_leads_to_every_page_that_is_written_by_hand() -> None:
    written = [path for path in PAGES if not path.stem.endswith(("-api", "changes"))]
    pages = {f"docs/{path.name}" for path in written}
    assert pages <= {link.partition("#")[0] for link in links(ROOT / "README.md")}
