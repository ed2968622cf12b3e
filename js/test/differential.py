"""Compare the npm package with the Python package, on generated cases.

    python js/test/differential.py [SHARE]

SHARE, 1 if not given, is how much of the cases to run: 10,000 texts, 2,000
conversations in four ways, 5,000 streams (strict, lenient and recovering; whole, split
and one by one), 4,000 schemas, 2,000 requests. Needs the packages of the extra `test`,
and `npm run build && npm run build:test` before. Exits with 1 at the first difference.

Each case is a line of JSON for `answers.js`, whose answer is a line too.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

JS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(JS.parent), str(JS.parent / "tests")]

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from openai.types.chat import completion_create_params as chats  # noqa: E402
from openai.types.responses import response_create_params as ours  # noqa: E402

import harmony  # noqa: E402
from harmony import StreamableParser, chat, load_harmony_encoding, responses  # noqa: E402
from support.differential import TEXTS, Tokens, make_message  # noqa: E402
from support.requests import damaged, of_type  # noqa: E402
from support.schemas import schemas  # noqa: E402
from support.typed import namespace, typed_schemas  # noqa: E402

ENCODING = load_harmony_encoding("HarmonyGptOss")
GENERATED = Tokens(ENCODING)
ROLES = [None, "assistant", "assistant", "user", "tool"]
DATE = "2025-06-28"
Case = dict[str, Any]
Pair = tuple[Case, Callable[[], Any]]


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or the class and place of the error it raises."""
    try:
        return call()
    except harmony.ParseError as error:
        return {"error": "ParseError", "position": error.position}
    except harmony.HarmonyError as error:
        return {"error": type(error).__name__}
    except ValueError as error:
        return {"error": str(error).partition(": ")[0]}


# Texts

PIECES = [*TEXTS, " ", "\n", "\r\n", "'s", "'LL", "don't", "123", "12", "\t", "/", "//"]
PIECES += [
    "CamelCase",
    "über",
    "\u017f",
    "'\u017f",
    "ñ",
    "😀",
    "مرحبا",
    "日本語",
    "\u0301",
    "ᾼ",
]


def text_cases(random: Random, count: int) -> Iterator[Pair]:
    """Give texts: of pieces, of any characters, and of lone surrogates too."""
    for _ in range(count):
        kind = random.random()
        if kind < 0.6:
            text = "".join(random.choices(PIECES, k=random.randrange(1, 30)))
        elif kind < 0.9:
            top = random.choice([0x80, 0x250, 0x3000, 0xD800, 0x110000])
            size = random.randrange(1, 40)
            text = "".join(chr(random.randrange(top)) for _ in range(size))
        else:
            text = "".join(random.choices("aAé1 \n'-😀", k=random.randrange(200)))
        yield {"kind": "text", "text": text}, lambda text=text: text_answer(text)


def text_answer(text: str) -> Any:
    """Return what is seen of a text."""
    tokens = ENCODING.encode(text, disallowed_special=())
    return [tokens, ENCODING.decode(tokens)]


# Conversations


def conversation_cases(random: Random, count: int) -> Iterator[Pair]:
    """Give conversations, each rendered in four ways."""
    for _ in range(count):
        messages = [make_message(random, harmony) for _ in range(random.randrange(8))]
        rule = random.choice(["never", "upstream", "per_turn"])
        first = random.random() < 0.3
        case = {
            "kind": "conversation",
            "text": json.dumps(harmony.Conversation(messages).to_dict()),
            "rule": rule,
            "channelFirst": first,
        }
        config = harmony.RenderConversationConfig(
            drop_analysis=rule, channel_first=first
        )
        yield case, lambda m=messages, c=config: conversation_answer(m, c)


def conversation_answer(messages: Any, config: Any) -> Any:
    """Return what all ways of rendering make of messages."""
    e = ENCODING
    return [
        outcome(lambda: e.render_conversation(messages, config)),
        outcome(
            lambda: e.render_conversation_for_completion(messages, "assistant", config)
        ),
        outcome(lambda: e.render_conversation_for_training(messages, config)),
        outcome(lambda: e.render_conversation_for_continuation(messages, config)),
    ]


# Streams


def stream_cases(random: Random, count: int) -> Iterator[Pair]:
    """Give streams with a role and a way to read; cut somewhere."""
    for _ in range(count):
        tokens = GENERATED.sequence(random)
        cut = random.randrange(len(tokens) + 1)
        role = random.choice(ROLES)
        strict, recover = random.random() < 0.5, random.random() < 0.6
        case = {
            **{"kind": "stream", "tokens": tokens, "cut": cut, "role": role},
            **{"strict": strict, "onError": "recover" if recover else "raise"},
        }
        yield case, lambda c=case: stream_answer(c)


def parser_of(case: Case) -> StreamableParser:
    """Return the parser of a case."""
    given_error = case["onError"]
    return StreamableParser(
        ENCODING, case["role"], strict=case["strict"], on_error=given_error
    )


def stream_answer(case: Case) -> Any:
    """Return what is seen of a stream: one by one, whole, and in two portions."""
    tokens, cut = case["tokens"], case["cut"]
    single = parser_of(case)
    seen = []
    for token in tokens:
        wrong = outcome(lambda token=token: single.process(token) and None)
        seen.append([wrong, *observed(single)])
    wrong = outcome(lambda: single.process_eos() and None)
    seen.append([wrong, *observed(single)])
    answer = [seen, result(single)]
    for portions in ([tokens], [tokens[:cut], tokens[cut:]]):
        parser = parser_of(case)
        said = [outcome(lambda p=p: segments(parser.feed(p))) for p in portions]
        said.append(outcome(lambda: segments(parser.finish())))
        answer += [said, result(parser)]
    return answer


def observed(parser: StreamableParser) -> list[Any]:
    """Return what can be seen of a parser at any time."""
    role, next_role = parser.current_role, parser.next_role
    return [
        parser.state.value,
        role and role.value,
        parser.current_channel,
        parser.current_recipient,
        parser.current_content_type,
        parser.last_content_delta,
        next_role and next_role.value,
    ]


def result(parser: StreamableParser) -> list[Any]:
    """Return what a parser has found."""
    return [
        [message.to_dict() for message in parser.messages],
        [[w.kind.value, w.position, w.text] for w in parser.warnings],
        [
            [*key, count.header, count.content]
            for key, count in parser.count_tokens(
                by_recipient=True, special=False
            ).items()
        ],
        [message.end_token for message in parser.messages],
        parser.state_data,
    ]


def segments(found: list[harmony.Segment]) -> list[list[Any]]:
    """Return segments as lists."""
    return [
        [
            *(s.role.value, s.channel, s.recipient, s.content_type),
            *(s.text, s.message, s.finished),
        ]
        for s in found
    ]


# Schemas


def schema_cases(random: Random, count: int) -> Iterator[Pair]:
    """Give schemas, half of them well-formed, as complete TypeScript."""
    for make in (schemas, typed_schemas):
        for schema in islice(make(random.getrandbits(32)), count // 2):
            case = {"kind": "schema", "text": json.dumps(schema)}
            yield case, lambda s=schema: outcome(lambda: namespace(s))


# Requests


def request_cases(random: Random, count: int) -> Iterator[Pair]:
    """Give requests of both APIs, half of them damaged."""
    for api, module, kind in (
        ("chat", chat, chats.CompletionCreateParamsNonStreaming),
        ("responses", responses, ours.ResponseCreateParamsNonStreaming),
    ):
        whole = of_type(kind)
        for strategy in (whole, damaged(whole)):
            for text in requests_of(strategy, max(1, count // 4)):
                options = {
                    "header": random.choice(["template", "model"]),
                    "rename_tools": random.random() < 0.7,
                    "unknown_tools": random.choice(["error", "skip"]),
                    "schemas": random.choice(["reference", "complete"]),
                }
                case = {"kind": api, "text": text, "options": options}
                yield case, lambda m=module, c=case: request_answer(m, c)


def requests_of(strategy: Any, count: int) -> list[str]:
    """Return the JSON texts of some requests of a strategy."""
    found: list[str] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(request: Any) -> None:
        with suppress(TypeError, ValueError):  # junk that JSON has no form for
            found.append(json.dumps(request, allow_nan=False))

    collect()
    return found


def request_answer(module: Any, case: Case) -> Any:
    """Return the prompt of a request, or the path of what is wrong in it."""

    def made() -> Any:
        prompt = module.prompt(json.loads(case["text"]), date=DATE, **case["options"])
        return [
            prompt.tokens(ENCODING),
            prompt.must_call,
            None if prompt.may_call is None else list(prompt.may_call),
            prompt.parallel,
            prompt.open,
            list(prompt.skipped_tools),
        ]

    return outcome(made)


# Asking


class Node:
    """The program that answers for the npm package."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            ["node", str(JS / "build" / "test" / "answers.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def answers(self, cases: list[Case]) -> list[Any]:
        """Return the answers to some cases."""
        asked, said = self._process.stdin, self._process.stdout
        assert asked is not None and said is not None

        def ask() -> None:
            for case in cases:
                asked.write(json.dumps(case).encode() + b"\n")
            asked.flush()

        writer = threading.Thread(target=ask)
        writer.start()
        found = [json.loads(said.readline()) for _ in cases]
        writer.join()
        return found

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()


KINDS = {
    "texts": (text_cases, 10_000),
    "conversations": (conversation_cases, 2_000),
    "streams": (stream_cases, 5_000),
    "schemas": (schema_cases, 4_000),
    "requests": (request_cases, 2_000),
}
BATCH = 250


def differences(node: Node, pairs: list[Pair]) -> Iterator[tuple[Case, Any, Any]]:
    """Give the cases whose answers differ."""
    answers = node.answers([case for case, _ in pairs])
    for (case, call), theirs in zip(pairs, answers, strict=True):
        mine = json.loads(json.dumps(call()))
        if mine != theirs:
            yield case, mine, theirs


def main() -> int:
    """Compare all kinds of cases; print how many agree."""
    share = float(sys.argv[1]) if sys.argv[1:] else 1.0
    node = Node()
    for name, (make, count) in KINDS.items():
        pairs = list(make(Random(18), round(count * share)))
        for start in range(0, len(pairs), BATCH):
            for case, mine, theirs in differences(node, pairs[start : start + BATCH]):
                print(
                    f"{name}: {json.dumps(case)}\nPython: {mine}\nJavaScript: {theirs}"
                )
                return 1
        print(f"{len(pairs):,} {name} agree", flush=True)
    node.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
