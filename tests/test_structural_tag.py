"""Structural tags, judged by xgrammar: ``nox -s xgrammar``.

It brings PyTorch, so it is in no extra, and these tests run where it is installed.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from harmony import HarmonyEncoding, load_harmony_encoding
from harmony.grammar import Rules
from support.walks import Walker, check, requests

xgrammar = pytest.importorskip("xgrammar")
pytestmark = pytest.mark.slow

STOPS = [("<|return|>",), ("<|return|>", "<|call|>")]
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
THOUGHT = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
ANSWER = "<|channel|>final<|message|>4.<|return|>"
HEADER = "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
CALL = f'{HEADER}{{"city":"Rome"}}<|call|>'
PYTHON = "<|channel|>analysis to=python code<|message|>print(1)<|call|>"


class Masks:
    """The masks of xgrammar."""

    def __init__(self, compiled: Any, size: int) -> None:
        self._matcher = xgrammar.GrammarMatcher(compiled)
        self._mask = xgrammar.allocate_token_bitmask(1, size)
        self.is_stopped = self._matcher.is_terminated
        self.take = self._matcher.accept_token

    def is_over(self) -> bool:
        """It ends by a stop token of its own."""
        return False

    def allowed(self) -> Any:
        self._matcher.fill_next_token_bitmask(self._mask)
        words = self._mask[0].numpy().view("uint8")
        numpy = pytest.importorskip("numpy")
        return numpy.unpackbits(words, bitorder="little").astype(bool)


class Compiler:
    """Compiles tags for one choice of stop tokens."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self.encoding = load_harmony_encoding("HarmonyGptOss")
        self.size = self.encoding.n_vocab
        self.stops = stops
        ids = self.encoding.encode("".join(stops), allowed_special="all")
        info = xgrammar.TokenizerInfo(
            [self.encoding.decode_bytes([token]) for token in range(self.size)],
            vocab_type=xgrammar.VocabType.RAW,
            vocab_size=self.size,
            stop_token_ids=ids,
        )
        self._compiler = xgrammar.GrammarCompiler(info, cache_enabled=False)

    def masks(self, rules: Rules) -> Masks:
        tag = rules.structural_tag(stop_tokens=self.stops)
        compiled = self._compiler.compile_structural_tag(json.dumps(tag))
        return Masks(compiled, self.size)

    def accepts(self, text: str, **options: Any) -> bool:
        masks = self.masks(Rules(functions={"get_weather": CITY}, **options))
        tokens = self.encoding.encode(text, allowed_special="all")
        return all(masks.take(token) for token in tokens)


@pytest.fixture(scope="module", params=STOPS, ids=len)
def compiler(request: pytest.FixtureRequest) -> Compiler:
    return Compiler(request.param)


@pytest.mark.parametrize(
    ("text", "options", "accepted"),
    [
        (ANSWER, {}, True),
        (THOUGHT * 2 + CALL, {}, True),
        (CALL, {"choice": "required"}, True),
        (ANSWER, {"choice": "required"}, False),
        (ANSWER, {"choice": "none"}, True),
        (CALL, {"choice": "none"}, False),
        (THOUGHT + ANSWER, {"reasoning": False}, False),
        (CALL.replace("city", "town"), {}, False),
        (CALL.replace('"Rome"', "1"), {}, False),
        (PYTHON, {"builtin_tools": ("python",)}, True),
        (PYTHON, {}, False),
        (ANSWER.replace("4.", '{"city": "Rome"}'), {"final": CITY}, True),
        (ANSWER, {"final": CITY}, False),
        ("4.<|end|><|start|>assistant" + ANSWER, {"begun": "analysis"}, True),
        ("<|channel|>other<|message|>", {}, False),
        ("<|channel|>final<|message|>a<|start|>", {}, False),
    ],
)
def test_replies(
    compiler: Compiler, text: str, options: dict[str, Any], accepted: bool
) -> None:
    assert compiler.accepts(text, **options) is accepted


def test_random_walks_along_the_masks(encoding: HarmonyEncoding) -> None:
    """Where ``<|call|>`` is no stop token of xgrammar; else calls may end otherwise."""
    compiler = Compiler(STOPS[0])
    random, walker, ended = Random(1), Walker(encoding), 0
    for request in requests(3, 25):
        rules = request.rules()
        for _ in range(2):
            tokens = walker.walk(compiler.masks(rules), random)
            if tokens is not None:
                parse = encoding.parse_messages_from_completion_tokens
                messages = parse(tokens, "assistant")
                check(request, rules, messages, "structural_tag")
                ended += 1
    assert ended > 25
