"""``harmony show``: what is shown, in the terminal and as a page."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import browser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import HarmonyEncoding, Message, StreamableParser, WarningKind
from harmony.cli import main
from harmony.cli.show.page import KNOWN_CHANNELS, page
from harmony.cli.show.reading import LONGEST_CELL, Note, Reading, visible
from harmony.cli.show.reading import read_messages as read
from harmony.parser import awaits_message

ROOT = Path(__file__).parents[1]
WEATHER = ROOT / "test-data" / "weather.json"
ROLES = ("system", "developer", "user", "assistant", "tool")

TALK = (
    "<|start|>user<|message|>Wie spät\nis it in 東京? 👩‍🚀<|end|>"
    "<|start|>assistant<|channel|>analysis<|message|>I ask.<|end|>"
    "<|start|>assistant to=functions.now<|channel|>commentary <|constrain|>json"
    "<|message|>{}<|call|><|end|>"
    "<|start|>functions.now to=assistant<|channel|>commentary<|message|>12<|end|>"
    "<|start|>assistant<|channel|>final odd words<|message|>Noon.<|return|>"
)


def reading(encoding: HarmonyEncoding, text: str, role: str | None = None) -> Reading:
    return read(encoding, encoding.encode(text, allowed_special="all"), role)


def written(reading: Reading, start: int, end: int) -> str:
    return reading.encoding.decode(reading.tokens[start:end])


def parts(reading: Reading) -> list[tuple[str, str]]:
    """Return header and content of each block."""
    return [
        (
            written(reading, block.start, block.body),
            written(reading, block.body, block.end),
        )
        for block in reading.blocks
    ]


# What is shown


def test_a_message_is_a_header_and_a_content(encoding: HarmonyEncoding) -> None:
    found = reading(encoding, TALK)
    assert parts(found)[:2] == [
        ("<|start|>user<|message|>", "Wie spät\nis it in 東京? 👩‍🚀<|end|>"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "I ask.<|end|>"),
    ]
    assert found.blocks[1].message == Message("assistant", "I ask.", "analysis")
    assert [note.kind.value for note in found.notes] == ["stray_stop", "header_words"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("<|message|>a<|end|>", [("<|message|>", "a<|end|>")]),
        ("<|start|>", [("<|start|>", "")]),
        ("<|end|><|end|>", [("<|end|><|end|>", "")]),
        ("no header<|end|>", [("", "no header<|end|>")]),
        ("no header", [("", "no header")]),
        (" \n", [(" \n", "")]),
        (
            "\n<|start|>user<|message|>a",
            [("\n", ""), ("<|start|>user<|message|>", "a")],
        ),
        (
            "<|start|>user<|start|>user<|message|><|message|>a",
            [("<|start|>user", ""), ("<|start|>user<|message|><|message|>", "a")],
        ),
        (
            "<|start|>user<|message|>a<|start|>user<|message|>b",
            [("<|start|>user<|message|>", "a"), ("<|start|>user<|message|>", "b")],
        ),
        (
            "<|start|>assistant to=f json {}<|call|>",
            [("<|start|>assistant to=f json {}", "<|call|>")],
        ),
        (
            "<|start|>user<|message|>a<|endoftext|>b",
            [("<|start|>user<|message|>", "a"), ("<|endoftext|>b", "")],
        ),
    ],
)
def test_broken_tokens_are_in_blocks_too(
    encoding: HarmonyEncoding, text: str, expected: list[tuple[str, str]]
) -> None:
    assert parts(reading(encoding, text)) == expected


def test_a_prompt_ends_in_a_message_to_be_written(encoding: HarmonyEncoding) -> None:
    found = reading(encoding, "<|start|>user<|message|>hi<|end|><|start|>assistant")
    assert (found.blocks[-1].message, found.notes) == (None, [])
    assert found.blocks[-1].role == "assistant"


def test_repairs_in_a_row_are_one_note(encoding: HarmonyEncoding) -> None:
    found = reading(encoding, "<|end|><|end|><|end|>")
    assert found.notes == [Note(WarningKind.STRAY_STOP, 0, "", 3)]
    found = reading(encoding, "<|endoftext|>and so on")
    assert found.notes[-1] == Note(WarningKind.AFTER_END, 1, "and so on", 3)


TOKENS = st.lists(
    st.one_of(
        st.sampled_from(
            [199999, 200002, 200003, 200005, 200006, 200007, 200008, 200012]
            + [1428, 173781, 17196, 35644, 316, 28, 187, 9552, 198, 220, 201089, -1]
        ),
        st.integers(-(2**31), 2**31 - 1),
        st.integers(0, 199_997),
    ),
    max_size=40,
)


@given(tokens=TOKENS, role=st.sampled_from([None, *ROLES]))
def test_every_token_is_shown_once_and_counted_as_the_parser_counts(
    encoding: HarmonyEncoding, tokens: list[int], role: str | None
) -> None:
    found = read(encoding, tokens, role)
    ends = [0, *(block.end for block in found.blocks)]
    assert ends[-1] == len(tokens)
    assert [block.start for block in found.blocks] == ends[:-1]
    cells = [
        cell
        for block in found.blocks
        for part in ((block.start, block.body), (block.body, block.end))
        for cell in found.cells(*part)
    ]
    assert [token for cell in cells for token in cell.tokens] == tokens
    assert all(0 < len(cell.tokens) <= LONGEST_CELL for cell in cells)
    shown = [note for block in found.blocks for note in found.notes_of(block)]
    assert shown == found.notes or not found.blocks

    parser = StreamableParser(encoding, role, on_error="recover")
    parser.feed(tokens)
    is_prompt = awaits_message(parser, encoding)
    if not is_prompt:
        parser.process_eos()
    messages = [block.message for block in found.blocks if block.message]
    assert messages == parser.messages
    assert sum(note.count for note in found.notes) == len(parser.warnings)
    counted: dict[str | None, list[int]] = {}
    for count in found.counts():
        sums = counted.setdefault(count.channel, [0, 0])
        sums[0] += count.header
        sums[1] += count.content
    if not is_prompt:
        assert counted == {
            channel: [count.header, count.content]
            for channel, count in parser.token_counts.items()
        }


def test_a_cell_is_whole_characters(encoding: HarmonyEncoding) -> None:
    found = reading(encoding, "a👩‍🚀é")
    cells = list(found.cells(0, len(found.tokens)))
    assert "".join(cell.text for cell in cells) == "a👩‍🚀é"
    assert any(len(cell.tokens) > 1 for cell in cells)
    broken = read(encoding, [200006, 187, 187, 200007, 201089, 64])
    assert [cell.text for cell in broken.cells(0, 6)] == [
        *["<|start|>", "\ufffd", "\ufffd", "<|end|>", "\ufffd", "a"]
    ]


def test_what_acts_on_a_screen_is_made_visible() -> None:
    assert visible("\x1b[31m\x00\r\x7f\x9b") == "␛[31m␀␍␡⟨U+009B⟩"
    assert visible("\u202eabc\u2066\U000e0041\u200b\ufeff") == (
        "⟨U+202E⟩abc⟨U+2066⟩⟨U+E0041⟩⟨U+200B⟩⟨U+FEFF⟩"
    )
    assert visible("a\tb\n東京 👩‍🚀") == "a\tb\n東京 👩‍🚀"


# In the terminal


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


EXPECTED = """\
▍ 1 user  3 + 14 tokens
▍ <|start|>user<|message|>
▍ Wie spät
▍ is it in 東京? 👩‍🚀
▍ <|end|>

▍ 2 assistant  analysis  5 + 4 tokens
▍ <|start|>assistant<|channel|>analysis<|message|>
▍ I ask.
▍ <|end|>

▍ 3 assistant → functions.now  commentary  <|constrain|>json  13 + 2 tokens
▍ <|start|>assistant to=functions.now<|channel|>commentary <|constrain|>json<|message|>
▍ {}
▍ <|call|>

▍ 4 no message  1 token
▍ ⚠ stray_stop <|end|>

▍ 5 tool functions.now → assistant  commentary  10 + 2 tokens
▍ <|start|>functions.now to=assistant<|channel|>commentary<|message|>
▍ 12
▍ <|end|>

▍ 6 assistant  final  7 + 4 tokens
▍ <|start|>assistant<|channel|>final odd words ⚠ header_words 'odd words' <|message|>
▍ Noon.
▍ <|return|>

"""


def test_a_talk_as_it_is_shown(show: Any, rich: Any) -> None:
    status, out, err = show(TALK)
    assert (status, err) == (0, "")
    blocks, summary = out.split("role ", 1)
    assert blocks == EXPECTED
    rows = [line.split() for line in summary.splitlines()]
    assert rows[0] == ["channel", "messages", "header", "content", "tokens"]
    assert ["assistant", "analysis", "1", "5", "4", "9"] in rows
    assert ["in", "no", "message", "1"] in rows
    assert rows[-1] == ["2", "repaired", "⚠"]


def test_token_boundaries_and_ids_if_asked_for(show: Any, rich: Any) -> None:
    text = "<|message|>Hi you.\nMore 👩<|end|>"
    out = show(text, "--tokens")[1]
    assert "▍ Hi│ you│.↵\n▍ │More│ 👩\n▍ <|end|>" in out
    out = show(text, "--ids")[1]
    assert "▍ Hi⟨12194⟩ you⟨481⟩.⟨558⟩\n▍ More⟨9241⟩ 👩⟨" in out
    assert re.search(r"👩⟨\d+ \d+⟩\n▍ <\|end\|>⟨200007⟩", out)


def test_what_was_read_is_shown_where_tokens_do_not(show: Any, rich: Any) -> None:
    out = show("<|start|>assistant to=functions.f json {}<|call|>")[1]
    assert "▍ ⚠ missing_message <|call|>\n▍ read as: {}\n" in out


@pytest.mark.parametrize("form", ["text", "list", "spread"])
def test_text_and_token_ids_are_told_apart(
    show: Any, rich: Any, encoding: HarmonyEncoding, form: str
) -> None:
    ids = encoding.encode(TALK, allowed_special="all")
    forms = {"text": TALK, "list": json.dumps(ids), "spread": json.dumps(ids, indent=1)}
    assert show(forms[form])[1].startswith(EXPECTED)


def test_a_list_may_be_text(show: Any, rich: Any) -> None:
    assert "▍ [1, 2]" in show("[1, 2]", "--text")[1]
    assert "▍ [x]" in show("[x]")[1]


def test_the_role_is_told_by_the_beginning(show: Any, rich: Any) -> None:
    assert show("<|message|>hi")[1].startswith("▍ 1 assistant  1 + 1 tokens\n")
    assert show("<|message|>hi", "--role=user")[1].startswith("▍ 1 user ")
    assert "missing_start" in show("<|message|>hi", "--role=none")[1]
    assert show("<|start|>user<|message|>hi")[1].startswith("▍ 1 user ")


def test_a_prompt_tells_who_is_to_write(show: Any, rich: Any) -> None:
    out = show("<|start|>user<|message|>hi<|end|><|start|>assistant")[1]
    assert "▍ 2 assistant, to be written  2 tokens\n▍ <|start|>assistant\n" in out
    assert "⚠" not in out


def test_bad_input_is_one_line(show: Any) -> None:
    status, out, err = show(b"\xff")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "byte 0: the text is not UTF-8" in err
    assert show("[1, 99999999999]")[0] == 1
    assert "token 1: 'a' is not a token id" in show('[1, "a"]')[2]


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


# Conversations in JSON


MESSAGE = '{"role": "user", "content": "What is 2 + 2?"}'


@pytest.mark.parametrize(
    "form",
    [MESSAGE, f"[{MESSAGE}]", f' \n{{"messages": [{MESSAGE}]}}\n', f"\n[\n{MESSAGE}]"],
)
def test_a_conversation_in_json_is_shown_as_its_messages(
    show: Any, rich: Any, form: str
) -> None:
    """It used to be shown as text by the assistant, with a repair."""
    status, out, err = show(form)
    assert (status, err) == (0, "")
    heading = "▍ 1 user  3 + 9 tokens\n▍ <|start|>user<|message|>\n"
    assert out.startswith(f"{heading}▍ What is 2 + 2?\n▍ <|end|>\n")
    assert "⚠" not in out


def test_nothing_of_a_conversation_is_left_out(show: Any, rich: Any) -> None:
    out = show(WEATHER.read_bytes())[1]
    assert "assistant  analysis  5 + 11 tokens" in out
    assert out.count("<|start|>") == len(json.loads(WEATHER.read_bytes())["messages"])
    assert "⚠" not in out


@pytest.mark.parametrize(
    "text",
    [
        *["{", "{}", "[", "[x]", "{not JSON}", '{"location": "Paris"}', "[[1]]"],
        *['{"role": "user"}', '[{"role": "user"}, 5]', '{"a": {"messages": []}}'],
        f"{MESSAGE}<|end|>",
    ],
)
def test_text_that_begins_like_a_conversation_is_text(
    show: Any, rich: Any, text: str
) -> None:
    status, out, err = show(text)
    assert (status, err) == (0, "")
    assert f"▍ {text.removesuffix('<|end|>')}" in out


def test_a_conversation_is_text_if_told_so(show: Any, rich: Any) -> None:
    assert f"▍ {MESSAGE}" in show(MESSAGE, "--text")[1]


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ('{"messages": 5}', "messages: expected a list, got 5"),
        ('{"messages": [', "Conversation.from_json: "),
        (f'{{"messages": [{MESSAGE}]', "Conversation.from_json: "),
        ('{"messages": [{"role": "bob", "content": ""}]}', "messages[0].role: unknown"),
        ('[{"role": "bob", "content": ""}]', "messages[0].role: unknown role 'bob'"),
        ('{"role": "user", "content": 5}', "messages[0].content: expected a string or"),
        ('[{"role": "tool", "content": ""}]', "Tools should have a name!"),
    ],
)
def test_a_mistake_in_a_conversation_is_told(
    show: Any, form: str, complaint: str
) -> None:
    """The conversation used to be shown as text with repairs."""
    status, out, err = show(form)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"harmony: -: {complaint}")


@pytest.mark.parametrize("end", ["<|return|>", "<|end|>", "<|call|>"])
@pytest.mark.parametrize("feed", ["\n", "\r\n"])
def test_the_line_feed_at_the_end_of_a_file_is_no_repair(
    show: Any, rich: Any, end: str, feed: str
) -> None:
    """An editor that ends the last line used to make a message of white space."""
    text = f"<|channel|>final<|message|>4.\n{end}"
    assert show(text + feed) == show(text)
    assert show(text + feed, "--text") == show(text)
    assert "white_space" in show(text + feed + feed)[1]
    assert "white_space" in show(text + " ")[1]


def test_the_line_feed_behind_a_prompt_is_none_either(show: Any, rich: Any) -> None:
    prompt = "<|start|>user<|message|>hi<|end|><|start|>assistant"
    assert show(f"{prompt}\n") == show(prompt)
    assert "hi⟨3686⟩⟨198⟩" in show("<|message|>hi\n", "--ids")[1].replace("\n▍ ", "")


def on_terminal(
    found: Reading, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> str:
    """Return what goes to a terminal of 40 columns."""
    from harmony.cli.show.layout import Drawing
    from harmony.cli.show.terminal import draw

    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "TERM": "xterm-256color",
        "COLUMNS": "40",
        **environment,
    }.items():
        monkeypatch.setenv(name, value)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    return draw(found, Terminal(), Drawing(tokens=True))


def test_a_terminal_has_colours_and_folded_lines(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = reading(encoding, f"<|start|>user<|message|>{'word ' * 20}<|end|>")
    out = on_terminal(found, monkeypatch)
    assert "\x1b[36m▍ " in out and "│" not in out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert max(map(len, plain.splitlines())) <= 40
    assert plain.count("word") == 20


def test_no_color_has_no_colours(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = on_terminal(reading(encoding, TALK), monkeypatch, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*(3|4|9|10)\d", out)
    assert "│" in out


HOSTILE = (
    "<|start|>user<|message|>\x1b[2J\x1b]0;gone\x07 \u202e[red]x[/red] :smile: "
    "</div></script><script>document.title='gone'</script><img src=x onerror=\"document"
    ".title='gone'\"> &lt;b&gt; <!-- --> ]]> '\"><svg onload=alert(1)><|end|>"
    '<|start|>assistant<|channel|>"><img/src=x/onerror=alert(1)><|message|>x<|end|>'
    '<|start|>"><b>.x to=<i>.y<|message|>x<|end|><|start|>a <u>b</u><|message|>x'
)


def test_nothing_that_is_shown_acts_on_a_terminal(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = on_terminal(reading(encoding, HOSTILE), monkeypatch)
    assert not re.search(r"\x1b(?!\[[0-9;]*m)|[\x00-\x09\x0b-\x1a\u202e]", out)
    assert "[red]" in re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert ":smile:" in re.sub(r"\x1b\[[0-9;]*m", "", out)


def test_a_hundred_thousand_tokens_are_soon_shown(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = []
    for size in (10_000, 100_000):
        tokens = [200006, 1428, 200008] + [24912, 2375] * (size // 2)
        start = time.process_time()
        found = read(encoding, tokens)
        on_terminal(found, monkeypatch)
        sum(map(len, page(found, "large")))
        times.append(time.process_time() - start)
    assert times[1] < 25 * times[0]


# As a page


def html(found: Reading, name: str = "talk.txt", **how: bool) -> str:
    return "".join(page(found, name, **how))


class Elements(HTMLParser):
    """Every element with its attributes, and all text in tokens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


TAGS = {
    *["html", "head", "meta", "title", "style", "body", "script", "main", "aside"],
    *["nav", "article", "header", "h1", "h2", "p", "div", "span", "i", "a", "ol", "ul"],
    *["li", "fieldset", "legend", "label", "input", "table", "caption", "thead"],
    *["tbody", "tfoot", "tr", "th", "td"],
}


def test_the_page_has_no_element_that_a_message_wrote(
    encoding: HarmonyEncoding,
) -> None:
    found = reading(encoding, HOSTILE)
    elements = Elements(html(found, "<b onclick=x>\"'"))
    assert {tag for tag, _ in elements.tags} <= TAGS
    names = {name for _, attributes in elements.tags for name in attributes}
    assert not any(name.startswith("on") for name in names)
    assert names <= {
        *["lang", "charset", "http-equiv", "content", "name", "class", "id", "href"],
        *["type", "checked", "autocomplete", "aria-labelledby", "aria-label", "role"],
        *["scope", "tabindex", "data-t", "data-b", "data-at"],
    }
    assert sum(tag == "script" for tag, _ in elements.tags) == 1
    classes = {
        a["class"]
        for tag, a in elements.tags
        if tag in ("article", "span")
        if "class" in a
    }
    known = {*ROLES, "", "s", "warning", "count", "quiet", "chip"}
    known |= {f"who {role}" for role in ("", *ROLES)}
    assert classes <= known | {f"chip {channel}" for channel in KNOWN_CHANNELS}


def test_the_page_needs_nothing_else(encoding: HarmonyEncoding) -> None:
    text = html(reading(encoding, TALK))
    links = re.findall(r'(?:href|src|action|url)\s*[=(]\s*["\']?([^"\'>\s)]*)', text)
    assert links and all(link.startswith("#") for link in links)
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert "unsafe" not in text and "@import" not in text
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links} <= set(ids)


def test_switches_are_set_as_asked_for(show: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert show(TALK, "--html", str(path), "--ids") == (0, "", "")
    text = path.read_text(encoding="utf-8")
    assert re.search(r'id="ids" autocomplete="off" checked', text)
    assert re.search(r'id="tokens" autocomplete="off">', text)
    assert "<title>standard input - harmony show</title>" in text


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_their_background(scheme: int) -> None:
    style = (ROOT / "harmony" / "cli" / "show" / "page.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", style, re.S)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    names = ["ink", "quiet", "accent", "alarm", *ROLES, *KNOWN_CHANNELS]
    pairs = [(name, card) for name in names for card in ("paper", "card")]
    pairs += [("ink", "shade"), ("quiet", "shade"), *((r, "shade") for r in ROLES)]
    pairs += [
        ("marker", "marker-card"),
        ("quiet", "marker-card"),
        ("alarm", "alarm-card"),
    ]
    low = [p for p in pairs if contrast(colours[p[0]], colours[p[1]]) < 4.5]
    assert low == []


# In a real browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    path = browser.found()
    if path is None:
        pytest.skip("there is no Chromium")
    opened = browser.Browser(path, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def opened(chromium: browser.Browser, encoding: HarmonyEncoding, tmp_path: Path) -> Any:
    """Open the page of a text; the browser must find nothing wrong with it."""

    def opened(text: str, **how: bool) -> browser.Browser:
        path = tmp_path / "page.html"
        path.write_text(html(reading(encoding, text), **how), encoding="utf-8")
        chromium.open(path)
        return chromium

    yield opened
    said = [e["params"] for e in chromium.events if e["method"] == "Log.entryAdded"]
    thrown = [e for e in chromium.events if e["method"] == "Runtime.exceptionThrown"]
    asked = [e for e in chromium.events if e["method"] == "Network.requestWillBeSent"]
    assert (said, thrown) == ([], [])
    assert [e["params"]["request"]["url"][-9:] for e in asked] == ["page.html"]


PANEL = "document.getElementById('token').innerText"


def test_the_mouse_shows_id_and_bytes_of_a_token(opened: Any) -> None:
    page = opened("<|start|>user<|message|>Hi 👩 <|end|>")
    page.point('[data-t="12194"]')
    shown = page.value(PANEL)
    assert re.sub(r"\s+", " ", shown) == 'token 3 id 12194 bytes 48 69 text "Hi"'
    page.point('[data-t*=" "]')
    shown = page.value(PANEL)
    assert "ids" in shown and "20 f0 9f 91" in shown.replace(" | ", " ")
    page.point(".s")
    assert "200006" in page.value(PANEL)


def test_the_keyboard_goes_from_token_to_token(opened: Any) -> None:
    page = opened("<|start|>user<|message|>Hi you there<|end|>")
    page.value("document.querySelector('[data-t=\"200006\"]').focus()")
    focused = "document.activeElement.dataset.t"
    assert "200006" in page.value(PANEL)
    found = []
    for key in (
        "ArrowRight",
        "Tab",
        "ArrowRight",
        "End",
        "ArrowRight",
        "ArrowLeft",
        "Home",
    ):
        page.press(key)
        found.append(page.value(focused))
    assert found == ["1428", "12194", "481", "200007", "200007", "1354", "12194"]
    assert re.sub(r"\s+", " ", page.value(PANEL)).startswith("token 3 id 12194 ")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.value(outline) == "solid"


def test_tab_reaches_switches_links_and_one_token_of_each_text(opened: Any) -> None:
    page = opened(TALK)
    found = []
    for _ in range(23):
        page.press("Tab")
        found.append(
            page.value(
                "document.activeElement.tagName + (document.activeElement.id || '')"
            )
        )
    assert found[:4] == ["A", "INPUTspecial", "INPUTtokens", "INPUTids"]
    assert found[4:12] == ["A"] * 8  # two warnings, six blocks
    assert found[12:] == ["SPAN"] * 11  # a header and a content each; a stray token


def test_switches_show_and_hide(opened: Any) -> None:
    page = opened(TALK)
    special = "getComputedStyle(document.querySelector('.s')).display"
    after = "getComputedStyle(document.querySelector('[data-t]'), '::after').content"
    assert page.value(special) == "inline"
    assert page.value(after) == "none"
    page.value("document.getElementById('special').click()")
    page.value("document.getElementById('ids').click()")
    assert page.value("document.querySelector('.head').checkVisibility()") is False
    assert page.value(special) == "none"
    assert page.value(after) == '"200006"'


def test_hostile_text_is_only_text(opened: Any) -> None:
    page = opened(HOSTILE)
    assert page.value("document.title") == "talk.txt - harmony show"
    shown = page.value("document.querySelector('main').textContent")
    assert "<script>document.title='gone'</script>" in shown
    assert (
        page.value("document.querySelectorAll('img, svg, b, u, main script').length")
        == 0
    )


def test_the_text_of_the_page_is_what_was_read(
    opened: Any, encoding: HarmonyEncoding
) -> None:
    page = opened(TALK)
    tokens = "[...document.querySelectorAll('main span[data-t]')]"
    assert page.value(f"{tokens}.map(e => e.textContent).join('')") == TALK
    ids = page.value(f"{tokens}.map(e => e.dataset.t).join(' ')")
    assert list(map(int, ids.split())) == encoding.encode(TALK, allowed_special="all")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_light_or_dark_as_preferred(
    opened: Any, scheme: str, tmp_path: Path
) -> None:
    page = opened(TALK, tokens=True)
    page.scheme(scheme)
    colour = page.value("getComputedStyle(document.body).backgroundColor")
    (red, *_) = map(int, re.findall(r"\d+", colour))
    assert (red > 200) == (scheme == "light")
    assert page.screenshot(1280, 1000).startswith(b"\x89PNG")
    for width in (1280, 390):
        page.screenshot(width, 800)
        wide = page.value("document.documentElement.scrollWidth")
        assert wide <= width


def test_a_large_page_is_soon_there(opened: Any) -> None:
    words = "<|start|>user<|message|>" + ("hello world\n" * 33_000)
    start = time.monotonic()
    page = opened(words)
    page.point("#m1 .text:nth-of-type(3) span:nth-of-type(5)")
    assert "id" in page.value(PANEL)
    assert page.value("document.querySelectorAll('.text').length") > 50
    assert time.monotonic() - start < 60
    assert os.path.getsize(page.value("decodeURI(location.pathname)")) < 10_000_000


def test_every_second_token_is_shaded(opened: Any) -> None:
    page = opened("<|start|>user<|message|>Hi you there<|end|>", tokens=True)
    shades = page.value(
        "[...document.querySelectorAll('.text:not(.head) span')]"
        ".map(e => getComputedStyle(e).backgroundColor)"
    )
    assert all(one != other for one, other in pairwise(shades))
