"""Whatever Python hands to the extension, and the calls that it hands it to."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from harmony import (
    HarmonyEncoding,
    HarmonyError,
    StreamableParser,
    Tokenizer,
    chat,
    responses,
)
from harmony.messages import Conversation, Message

from . import strategies
from .model_output import CHAT_PROMPTS, RESPONSES_PROMPTS

surrogates = st.text(
    st.characters(codec=None, categories=None, exclude_categories=()), max_size=9
)
special = st.sampled_from(
    [199_998, 199_999, 200_002, 200_003, 200_005, 200_006, 200_007, 200_008, 200_012]
)
ids = special | st.integers(0, 201_100) | st.integers(-(2**70), 2**70)
arrays = st.builds(
    array, st.sampled_from("bBhHiIlLqQ"), st.lists(st.integers(0, 127), max_size=9)
) | st.builds(array, st.just("d"), st.lists(st.floats(), max_size=3))
scalars = (
    *(st.none(), st.booleans(), ids, st.floats(), surrogates, st.binary(max_size=9)),
    *(st.complex_numbers(), st.just(object()), st.just(int), arrays),
)
views: st.SearchStrategy[Any] = arrays.map(lambda a: memoryview(a)) | arrays.map(
    lambda a: memoryview(a)[::2]
)
lists = st.lists(ids, max_size=30) | st.lists(st.one_of(*scalars), max_size=5)
anything: st.SearchStrategy[Any] = st.one_of(
    *scalars,
    views,
    lists,
    lists.map(tuple),
    lists.map(iter),
    st.dictionaries(surrogates, st.one_of(*scalars), max_size=3),
    st.builds(range, st.integers(-5, 10), st.integers(0, 40)),
    strategies.messages,
    strategies.conversations,
)
words = st.sampled_from(["", "all", "assistant", "tool", "raise", "recover", "strict"])

Call = Callable[[HarmonyEncoding, Any, Any], object]
CALLS: dict[str, Call] = {
    "encode": lambda e, a, b: e.encode(a, allowed_special=b),
    "encode, disallowed": lambda e, a, b: e.encode(a, disallowed_special=b),
    "encode_to_array": lambda e, a, b: e.encode_to_array(a, allowed_special=b),
    "count_tokens": lambda e, a, b: e.count_tokens(a, disallowed_special=b),
    "decode": lambda e, a, b: e.decode(a),
    "decode, errors": lambda e, a, b: e.decode(a, b),
    "decode_bytes": lambda e, a, b: e.decode_bytes(a),
    "decode_utf8": lambda e, a, b: e.decode_utf8(a),
    "is_special_token": lambda e, a, b: e.is_special_token(a),
    "parse": lambda e, a, b: e.parse_messages_from_completion_tokens(a, b),
    "parse, recover": lambda e, a, b: e.parse_messages_from_completion_tokens(
        a, on_error="recover"
    ),
    "render": lambda e, a, b: e.render(a),
    "render_conversation": lambda e, a, b: e.render_conversation(a, b),
    "completion": lambda e, a, b: e.render_conversation_for_completion(a, b),
    "training": lambda e, a, b: e.render_conversation_for_training(a),
    "process": lambda e, a, b: StreamableParser(e, None).process(a),
    "feed": lambda e, a, b: fed(StreamableParser(e, "assistant"), a, b),
    "feed, recover": lambda e, a, b: fed(
        StreamableParser(e, None, on_error="recover"), a, b
    ),
    "after": lambda e, a, b: StreamableParser.after(e, a),
    "after, recover": lambda e, a, b: StreamableParser.after(
        e, a, on_error="recover"
    ).feed(b),
    "parser": lambda e, a, b: StreamableParser(e, a, on_error=b),
    "Message.from_dict": lambda e, a, b: Message.from_dict(a),
    "Conversation.from_json": lambda e, a, b: Conversation.from_json(a),
    "chat.prompt": lambda e, a, b: chat.prompt(a, builtin_tools=b).tokens(e),
    "chat.ChatStream": lambda e, a, b: written(
        chat.ChatStream(e, CHAT_PROMPTS[0]), a, b
    ),
    "responses.prompt": lambda e, a, b: responses.prompt(a, previous=b).tokens(e),
    "responses.ResponseStream": lambda e, a, b: written(
        responses.ResponseStream(e, RESPONSES_PROMPTS[0]), a, b
    ),
    "Tokenizer": lambda e, a, b: Tokenizer.from_tiktoken(a, pattern=b),
}
MAY_RAISE = (
    *(HarmonyError, ValueError, TypeError, OverflowError, OSError),
    LookupError,  # an unknown way to treat errors, as of bytes.decode
)


def fed(parser: StreamableParser, first: Any, second: Any) -> object:
    """Feed whatever it is, twice; read all there is."""
    for tokens in (first, second):
        try:
            parser.feed(tokens)
        except (HarmonyError, TypeError, ValueError):
            continue
    parser.messages, parser.warnings, parser.tokens  # noqa: B018
    parser.current_content, parser.state_data, parser.token_counts  # noqa: B018
    return parser.finish() if parser.state != "Header" else None


def written(
    stream: chat.ChatStream | responses.ResponseStream, first: Any, second: Any
) -> object:
    """Take whatever it is for what the model wrote, and for why it stopped."""
    with suppress(*MAY_RAISE):
        stream.feed(first)
    return stream.finish(second)


def check(encoding: HarmonyEncoding, call: Call, first: Any, second: Any) -> None:
    with suppress(*MAY_RAISE):
        call(encoding, first, second)
    assert encoding.encode("hello world") == [24912, 2375]
