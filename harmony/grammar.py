"""What a model may write: rules for constrained decoding.

A grammar that only knows JSON, on the raw tokens of a gpt-oss model, forbids its
channels. The rules here are of the whole reply: thinking stays free, and what is behind
a header that promises JSON is JSON by the schema. ``Rules.lark`` is for llguidance,
``Rules.structural_tag`` for xgrammar; servers of gpt-oss take one or the other.

Everything that the rules allow is taken by the strict parser. The order and the spaces
of headers are those that the model itself writes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harmony._grammar.narrow import LLGUIDANCE, XGRAMMAR, Sampler, narrow
from harmony._grammar.reply import Call, Reply
from harmony._grammar.texts import lark, structural_tag
from harmony._model.checks import check_flag, shown
from harmony.tools import ToolNamespaceConfig

if TYPE_CHECKING:
    from llguidance import LLTokenizer

    from harmony._openai.prompt import Prompt
    from harmony.encoding import HarmonyEncoding

__all__ = ["Rules", "for_prompt", "tokenizer"]

CHOICES = ("auto", "required", "none")
BUILTIN = ("browser", "python")
_NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}


class Rules:
    """What a model may write behind ``<|start|>assistant``.

    - thinking, as often as it likes: ``analysis``, without recipient; not with
      ``reasoning`` false;
    - where there are tools, texts on ``commentary``: preambles;
    - a call of one of the tools, with arguments by its schema;
    - else an answer on ``final``: any text, or JSON by the schema ``final``.

    No text has a special token in it.

    ``functions``: the JSON schema of the parameters by name, without ``functions.``;
    None for a function that takes nothing. ``builtin_tools``: "browser", "python".
    ``choice``: "auto"; "required": the reply has a call; "none": it has none; or the
    names of the tools of which one has to be called. ``final``: a JSON schema.
    ``parallel``: behind a call, the next one may follow, for servers that go on there.
    ``begun``: the prompt ends inside a message on this channel, which goes on first.
    ``lenient``: what a schema says and the sampler can't enforce is left out and
    listed in ``relaxed``; else ``lark`` and ``structural_tag`` raise ``ValueError``
    with the tool, the path and the keyword.

    Raises ``ValueError`` for an option that is wrong, beginning with its name.

    >>> city = {"type": "object", "properties": {"city": {"type": "string"}}}
    >>> rules = Rules(functions={"get_weather": city}, choice="required")
    >>> "get_weather" in rules.lark()
    True
    >>> rules.structural_tag()["type"]
    'structural_tag'
    """

    relaxed: tuple[str, ...]
    """What the last text made does not enforce: path and keyword."""

    def __init__(
        self,
        *,
        functions: dict[str, Any] | None = None,
        builtin_tools: Iterable[str] = (),
        choice: str | Collection[str] = "auto",
        final: dict[str, Any] | None = None,
        parallel: bool = True,
        reasoning: bool = True,
        begun: str | None = None,
        lenient: bool = False,
    ) -> None:
        """Check the options."""
        self._functions = dict(functions or {})
        self._builtin = tuple(dict.fromkeys(builtin_tools))
        check_flag("parallel", parallel)
        check_flag("reasoning", reasoning)
        check_flag("lenient", lenient)
        for name in self._functions:
            if not name or "<|" in name or re.search(r"\s", name):
                complaint = f"{shown(name)} can't stand in the header of a call"
                raise ValueError(f"functions: {complaint}")
        for name in self._builtin:
            if name not in BUILTIN:
                known = ", ".join(BUILTIN)
                raise ValueError(
                    f"builtin_tools: {shown(name)} is not known (known: {known})"
                )
        self._final = final
        self._parallel = parallel
        self._reasoning = reasoning
        self._lenient = lenient
        if begun == "final" and final is not None:
            raise ValueError("begun: an answer by a schema can't go on from the middle")
        self._begun = begun
        self._unheld: tuple[str, ...] = ()
        self.relaxed = ()
        self._choose(choice)

    def _choose(self, choice: str | Collection[str]) -> None:
        names: Collection[str] = [*self._functions, *self._builtin]
        if isinstance(choice, str):
            if choice not in CHOICES:
                known = ", ".join(CHOICES)
                raise ValueError(
                    f"choice: {shown(choice)} is not known (known: {known}, or names)"
                )
            self._must_call = choice == "required"
            chosen = () if choice == "none" else names
        else:
            for name in choice:
                if name not in names:
                    raise ValueError(f"choice: there is no tool {shown(name)}")
            self._must_call, chosen = True, choice
        if self._must_call and not chosen:
            raise ValueError("choice: a call is required, and there is no tool")
        self._functions = {n: s for n, s in self._functions.items() if n in chosen}
        self._builtin = tuple(name for name in self._builtin if name in chosen)

    # Texts

    def lark(self) -> str:
        """Return the grammar for llguidance, in its kind of Lark.

        Special tokens in it are tokens, never text. ``<|return|>`` may be the
        tokenizer's end of sequence or not. Raises ``ValueError`` for a schema that
        llguidance can't enforce.
        """
        return lark(self._narrowed(LLGUIDANCE))

    def structural_tag(
        self, *, stop_tokens: Collection[str] = ("<|return|>",)
    ) -> dict[str, Any]:
        """Return the structural tag for xgrammar, as JSON.

        Special tokens in it are ids: xgrammar takes long to find them by their names.
        ``stop_tokens``: the texts of those that the tokenizer info of xgrammar has as
        stop tokens. xgrammar takes these by itself where the tag is over, and never as
        a part of it, so they are left out. Raises ``ValueError`` for a schema that
        xgrammar can't enforce.
        """
        return structural_tag(self._narrowed(XGRAMMAR), _special_ids(), stop_tokens)

    def _narrowed(self, sampler: Sampler) -> Reply:
        """Return the rules with schemas that a sampler takes."""
        relaxed: list[str] = []

        def taken(schema: Any, where: str) -> dict[str, Any]:
            narrowed, left_out = narrow(schema, where, sampler, self._lenient)
            relaxed.extend(left_out)
            return narrowed

        calls = [
            Call(f"functions.{name}", taken(_arguments(schema, sampler), name))
            for name, schema in self._functions.items()
        ]
        if "browser" in self._builtin:
            for tool in ToolNamespaceConfig.browser().tools:
                name = f"browser.{tool.name}"
                calls.append(Call(name, taken(tool.parameters, name), is_builtin=True))
        if "python" in self._builtin:
            calls.append(Call("python", None, is_builtin=True))
        final = None if self._final is None else taken(self._final, "final")
        self.relaxed = (*self._unheld, *relaxed)
        must_call, parallel = self._must_call, self._parallel
        reasoning, begun = self._reasoning, self._begun
        return Reply(calls, final, must_call, parallel, reasoning, begun)


@lru_cache(maxsize=1)
def _special_ids() -> dict[str, int]:
    from harmony.encoding import load_harmony_encoding  # late: for this alone

    encoding = load_harmony_encoding("HarmonyGptOss")
    names = sorted(encoding.special_tokens_set)
    ids = encoding.encode("".join(names), allowed_special="all")
    return dict(zip(names, ids, strict=True))


def _arguments(schema: Any, sampler: Sampler) -> Any:
    """Return the schema of a call's arguments, which are an object."""
    if schema is None:
        return _NO_ARGUMENTS
    beside = {"$ref", "allOf", "anyOf", "oneOf"}
    if not isinstance(schema, dict) or "type" in schema:
        return schema
    if sampler.exact or beside.isdisjoint(schema):
        return {"type": "object", **schema}
    return schema


def for_prompt(
    prompt: Prompt, *, reasoning: bool = True, lenient: bool = False
) -> Rules:
    """Return the rules that a request asks for.

    ``prompt``: of ``chat.prompt`` or ``responses.prompt``. Its tools, ``tool_choice``,
    response format and ``parallel_tool_calls`` count, and whether its last message goes
    on. ``reasoning`` and ``lenient`` are those of ``Rules``.

    The input of a custom tool is held to its format, if that is a regular expression.
    Another grammar can't be enforced inside a JSON string: a ``ValueError``, or with
    ``lenient`` any text, listed in ``relaxed``.

    >>> from harmony import chat
    >>> request = {"messages": [{"role": "user", "content": "2 + 2?"}]}
    >>> print(for_prompt(chat.prompt(request), reasoning=False).lark(), end="")
    start: (answer)
    next: <|start|> "assistant"
    answer: <|channel|> "final" <|message|> TEXT <|return|>
    TEXT: /(?s:.*)/
    """
    functions: dict[str, Any] = dict(prompt.functions)
    unheld: list[str] = []
    for name, (syntax, definition) in prompt.inputs.items():
        if name not in functions:
            continue
        if syntax == "regex":
            functions[name] = _input_schema(definition)
        elif lenient:
            unheld.append(f"{name}.input: {syntax} grammar")
        else:
            raise ValueError(
                f"{name}.input: a {syntax} grammar can't be enforced "
                "(lenient=True leaves it out)"
            )
    form = prompt.response_format
    rules = Rules(
        functions=functions,
        builtin_tools=prompt.builtin_tools,
        choice="required" if prompt.must_call else "auto",
        final=None if form is None else form.schema,
        parallel=prompt.parallel,
        reasoning=reasoning,
        begun=prompt.begun,
        lenient=lenient,
    )
    rules._unheld = rules.relaxed = tuple(unheld)
    return rules


def _input_schema(pattern: str) -> dict[str, Any]:
    """Return the parameters of a custom tool whose whole input matches a pattern."""
    whole = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return {
        "type": "object",
        "properties": {"input": whole},
        "required": ["input"],
        "additionalProperties": False,
    }


@lru_cache(maxsize=4)
def tokenizer(encoding: HarmonyEncoding) -> LLTokenizer:
    """Return a tokenizer of llguidance over the vocabulary of an encoding.

    It takes a second to make, and is made once. Its end of sequence is
    ``<|return|>``. Needs llguidance: ``pip install harmony-format[guidance]``.
    """
    from llguidance import LLTokenizer, TokenizerWrapper

    return LLTokenizer(TokenizerWrapper(_Vocabulary(encoding)))


class _Vocabulary:
    """An encoding as llguidance wants to see a tokenizer."""

    bos_token_id = None

    def __init__(self, encoding: HarmonyEncoding) -> None:
        self._encoding = encoding
        names = "".join(sorted(encoding.special_tokens_set))
        self.special_token_ids = encoding.encode(names, allowed_special="all")
        (end,) = encoding.encode("<|return|>", allowed_special="all")
        self.eos_token_id = end
        self.tokens = [
            encoding.decode_bytes([token]) for token in range(encoding.n_vocab)
        ]

    def __call__(self, text: bytes) -> list[int]:
        """Return the tokens of a text; what spells a special token is text."""
        return self._encoding.encode(text.decode(), disallowed_special=())
