"""What ``harmony show`` takes for messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    Conversation,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    StreamableParser,
    WarningKind,
)
from harmony.cli.screen import visible
from harmony.cli.show.reading import LONGEST_CELL, Note, Reading
from harmony.cli.show.reading import read_messages as read
from support.talks import ROLES, TALK, reading


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
    is_prompt = parser.next_role is not None
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


said = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "assistant"]),
    st.sampled_from(["", "{}", " json", "<|end|>", "\n", "Noon. 👩‍🚀"]),
    st.sampled_from([None, "analysis", "commentary", "final"]),
    st.sampled_from([None, "functions.f"]),
    st.sampled_from([None, "<|constrain|>json"]),
).filter(lambda message: message.recipient or not message.content_type)
"""Without a recipient, the strict parser takes the content type for one."""


@given(messages=st.lists(said, max_size=6), model=st.booleans())
def test_a_conversation_is_read_as_its_messages_with_nothing_repaired(
    encoding: HarmonyEncoding, messages: list[Message], model: bool
) -> None:
    config = RenderConversationConfig(drop_analysis="never", channel_first=model)
    tokens = encoding.render_conversation(Conversation(messages), config)
    found = read(encoding, tokens)
    assert [block.message for block in found.blocks] == messages
    assert found.notes == []


def test_a_cell_is_whole_characters(encoding: HarmonyEncoding) -> None:
    found = reading(encoding, "a👩‍🚀é")
    cells = list(found.cells(0, len(found.tokens)))
    assert "".join(cell.text for cell in cells) == "a👩‍🚀é"
    assert any(len(cell.tokens) > 1 for cell in cells)
    broken = read(encoding, [200006, 187, 187, 200007, 201089, 64])
    assert [cell.text for cell in broken.cells(0, 6)] == [
        *["<|start|>", "\ufffd", "\ufffd", "<|end|>", "\ufffd", "a"]
    ]


def test_a_character_that_is_cut_off_is_a_cell_of_its_own(
    encoding: HarmonyEncoding,
) -> None:
    half = encoding.encode("👩\u200d🚀")[0]
    found = read(encoding, [200006, half, 200007, half])
    assert [cell.text for cell in found.cells(0, 4)] == [
        *["<|start|>", "\ufffd", "<|end|>", "\ufffd"]
    ]


def test_what_acts_on_a_screen_is_made_visible() -> None:
    assert visible("\x1b[31m\x00\r\x7f\x9b") == "␛[31m␀␍␡⟨U+009B⟩"
    assert visible("\u202eabc\u2066\U000e0041\u200b\ufeff") == (
        "⟨U+202E⟩abc⟨U+2066⟩⟨U+E0041⟩⟨U+200B⟩⟨U+FEFF⟩"
    )
    assert visible("a\tb\n東京 👩‍🚀") == "a\tb\n東京 👩‍🚀"
