"""What a model may write: rules for constrained decoding.

A grammar on the raw tokens of a gpt-oss model that only knows JSON forbids its channels.
The rules here are of the whole reply: thinking stays free, and what is behind a header
that promises JSON is JSON by the schema. ``Rules.lark`` is for llguidance,
``Rules.structural_tag`` for xgrammar; servers of gpt-oss take one or the other.

Everything that the rules allow is taken by the strict parser. The order and the spaces
of headers are those that the model itself writes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from harmony._grammar.narrow import LLGUIDANCE, XGRAMMAR, Sampler, narrow
from harmony._grammar.reply import Call, Reply
from harmony._grammar.texts import lark, structural_tag
from harmony._model.checks import check_flag, shown
from harmony.tools import ToolNamespaceConfig

if TYPE_CHECKING:
    pass

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

        ``stop_tokens``: the texts of those that the tokenizer info of xgrammar has as
        stop tokens. xgrammar takes these by itself where the tag is over, and never as
        a part of it, so they are left out. Raises ``ValueError`` for a schema that
        xgrammar can't enforce.
        """
        from harmony.encoding import load_harmony_encoding  # late: for this alone

        special = load_harmony_encoding("HarmonyGptOss").special_tokens_set
        return structural_tag(self._narrowed(XGRAMMAR), special, stop_tokens)

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
        self.relaxed = tuple(relaxed)
        must_call, parallel = self._must_call, self._parallel
        return Reply(calls, final, must_call, parallel, self._reasoning)


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
