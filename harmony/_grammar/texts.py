"""The rules as texts: Lark for llguidance, a structural tag for xgrammar.

Both say the same, in the order in which the model writes. Special tokens are tokens:
text that spells one is text, and no text has one in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from harmony._grammar.reply import Call, Reply

MOST_SPACE = 64
"""White space that may stand between two words of JSON: without a bound, a model that
is unsure can write it without end."""

BEGINS_SPECIAL = "<|"
"""What the text of each special token begins with. In a string of JSON, xgrammar takes
all tokens whose text is right, special ones among them, so this is excluded there."""

_SPACE = f"[ \\t\\n\\r]{{0,{MOST_SPACE}}}"

Format = dict[str, Any]
"""A part of a structural tag."""


# Lark


def lark(reply: Reply) -> str:
    """Return the grammar for llguidance."""
    return "\n".join([*_lark_lines(reply), ""])


def _lark_lines(reply: Reply) -> Iterator[str]:
    asides = ["thought"] * reply.reasoning + ["preamble"] * bool(reply.calls)
    before = "(aside next)* " if asides else ""
    last = ["calls"] * bool(reply.calls) + ["answer"] * (not reply.must_call)
    rest = f"{before}({' | '.join(last)})"
    if reply.begun == "final":
        rest = "TEXT <|return|>"
    elif reply.begun is not None:
        rest = f"TEXT <|end|> next {rest}"
    yield f"start: {rest}"
    yield 'next: <|start|> "assistant"'
    if asides:
        yield f"aside: {' | '.join(asides)}"
    if reply.reasoning:
        yield 'thought: <|channel|> "analysis" <|message|> TEXT <|end|>'
    if reply.calls:
        yield 'preamble: <|channel|> "commentary" <|message|> TEXT <|end|>'
        yield f"calls: call (next {before}call)*" if reply.parallel else "calls: call"
        numbers = range(len(reply.calls))
        yield f"call: {' | '.join([f'call_{number}' for number in numbers])}"
        yield 'json: <|constrain|> "json" <|message|>'
        for number, call in enumerate(reply.calls):
            yield from _lark_call(f"call_{number}", f"arguments_{number}", call)
    if not reply.must_call:
        yield from _lark_answer(reply.final)
    yield "TEXT: /(?s:.*)/"


def _lark_call(rule: str, arguments: str, call: Call) -> Iterator[str]:
    recipient = call.recipient
    content = "TEXT" if call.arguments is None else arguments
    if call.is_builtin:
        words = _quoted(f"analysis to={recipient} code")
        yield f"{rule}: <|channel|> {words} <|message|> {content} <|call|>"
    else:
        behind = _quoted(f"commentary to={recipient} ")
        first = _quoted(f" to={recipient}")
        header = f'(<|channel|> {behind} | {first} <|channel|> "commentary ")'
        yield f"{rule}: {header} json {content} <|call|>"
    if call.arguments is not None:
        yield f"{arguments}: {_lark_json(call.arguments)}"


def _lark_answer(schema: dict[str, Any] | None) -> Iterator[str]:
    if schema is None:
        yield 'answer: <|channel|> "final" <|message|> TEXT <|return|>'
        return
    header = '<|channel|> ("final" | "final " <|constrain|> "json") <|message|>'
    yield f"answer: {header} object <|return|>"
    yield f"object: {_lark_json(schema)}"


def _lark_json(schema: dict[str, Any]) -> str:
    with_space = {**schema, "x-guidance": {"whitespace_pattern": _SPACE}}
    return f"%json {json.dumps(with_space)}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# Structural tags


def structural_tag(
    reply: Reply, special: Mapping[str, int], stops: Collection[str]
) -> Format:
    """Return the structural tag for xgrammar.

    ``special``: the ids of all special tokens. ``stops``: the texts of those that
    xgrammar takes by itself where the tag is over.
    """
    return {"type": "structural_tag", "format": _Tags(special, stops).reply(reply)}


class _Tags:
    """Makes the parts of a structural tag."""

    def __init__(self, special: Mapping[str, int], stops: Collection[str]) -> None:
        self._special = special
        excluded = sorted(special.values())
        self._text = {"type": "any_tokens", "exclude_tokens": excluded}
        self._stops = frozenset(stops)

    def reply(self, reply: Reply) -> Format:
        """Return all of it."""
        opening = [self._token("<|start|>"), _words("assistant")]
        asides = []
        if reply.reasoning:
            asides.append(self._aside("analysis"))
        if reply.calls:
            asides.append(self._aside("commentary"))
        before = [_star([_either(asides), *opening])] if asides else []
        last = []
        if reply.calls:
            call = _either([self._call(call) for call in reply.calls])
            more = [_star([*opening, *before, call])] if reply.parallel else []
            last.append(_sequence([call, *more]))
        if not reply.must_call:
            last.append(self._answer(reply.final))
        if reply.begun == "final":
            return _sequence([self._text, *self._end("<|return|>")])
        if reply.begun is not None:
            before = [self._text, self._token("<|end|>"), *opening, *before]
        return _sequence([*before, _either(last)])

    def _aside(self, channel: str) -> Format:
        header = [self._token("<|channel|>"), _words(channel)]
        content = [self._token("<|message|>"), self._text]
        return _sequence([*header, *content, self._token("<|end|>")])

    def _call(self, call: Call) -> Format:
        channel = self._token("<|channel|>")
        if call.is_builtin:
            header = [channel, _words(f"analysis to={call.recipient} code")]
        else:
            behind = [channel, _words(f"commentary to={call.recipient} ")]
            first = [_words(f" to={call.recipient}"), channel, _words("commentary ")]
            either = _either([_sequence(behind), _sequence(first)])
            header = [either, self._token("<|constrain|>"), _words("json")]
        content = self._text if call.arguments is None else self._json(call.arguments)
        rest = [self._token("<|message|>"), content, *self._end("<|call|>")]
        return _sequence([*header, *rest])

    def _answer(self, schema: dict[str, Any] | None) -> Format:
        header = [self._token("<|channel|>"), _words("final")]
        if schema is not None:
            kind = [_words(" "), self._token("<|constrain|>"), _words("json")]
            header.append({"type": "optional", "content": _sequence(kind)})
        content = self._text if schema is None else self._json(schema)
        rest = [self._token("<|message|>"), content, *self._end("<|return|>")]
        return _sequence([*header, *rest])

    def _end(self, token: str) -> list[Format]:
        return [] if token in self._stops else [self._token(token)]

    def _json(self, schema: dict[str, Any]) -> Format:
        return {
            "type": "json_schema",
            "json_schema": schema,
            "max_whitespace_cnt": MOST_SPACE,
            "excludes": [BEGINS_SPECIAL],
        }

    def _token(self, text: str) -> Format:
        return {"type": "token", "token": self._special[text]}


def _words(text: str) -> Format:
    return {"type": "const_string", "value": text}


def _sequence(parts: list[Format]) -> Format:
    return {"type": "sequence", "elements": parts}


def _either(parts: list[Format]) -> Format:
    return parts[0] if len(parts) == 1 else {"type": "or", "elements": parts}


def _star(parts: list[Format]) -> Format:
    return {"type": "star", "content": _sequence(parts)}
