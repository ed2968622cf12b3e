"""A plugin for pytest: what vLLM's tests get from a model hub, without one.

Of the tokenizer of gpt-oss they need no more than its tokens, which those of the module
under test are.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import transformers  # type: ignore[import-not-found,unused-ignore]
from openai_harmony import HarmonyEncodingName, load_harmony_encoding

MODELS = ("openai/gpt-oss-20b", "openai/gpt-oss-120b")

STOP_TOKENS = [200002, 199999, 200012]
"""The ids that end a generation: return, endoftext, call."""


class Tokenizer:
    """As much of a tokenizer as the tests ask for."""

    def __init__(self) -> None:
        self._encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)

    def encode(self, text: str, **_options: Any) -> list[int]:
        return list(self._encoding.encode(text, allowed_special="all"))

    def decode(self, tokens: Any, **_options: Any) -> str:
        return str(self._encoding.decode(tokens))


def pytest_configure() -> None:
    """Put the stand-ins in place of what would be loaded."""
    stand_ins: dict[Any, Any] = {
        transformers.AutoTokenizer: Tokenizer,
        transformers.GenerationConfig: lambda: SimpleNamespace(
            eos_token_id=STOP_TOKENS
        ),
    }
    for kind, stand_in in stand_ins.items():
        kind.from_pretrained = _loading(kind.from_pretrained, stand_in)


def _loading(load: Any, stand_in: Any) -> Any:
    def from_pretrained(name: str, *arguments: Any, **options: Any) -> Any:
        if name in MODELS:
            return stand_in()
        return load(name, *arguments, **options)

    return from_pretrained
