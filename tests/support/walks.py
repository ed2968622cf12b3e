"""Replies at random along the masks of a grammar, and what they have to be."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import jsonschema
import numpy

from harmony import HarmonyEncoding, Message
from harmony.grammar import Rules
from harmony.tools import ToolNamespaceConfig
from support.typed import typed_schemas

LONGEST = 600
"""Tokens after which a walk is given up."""

CLOSING = ('"', "}", "]", ",", ":", "{", "0", "1", "t", "f", "n")


@dataclass
class Asked:
    """What rules are made of, kept for judging what they allow."""

    functions: dict[str, Any]
    builtin: tuple[str, ...]
    choice: Any
    final: Any
    parallel: bool
    reasoning: bool

    def rules(self) -> Rules:
        """Return the rules; what can't be enforced is left out."""
        return Rules(
            functions=self.functions,
            builtin_tools=self.builtin,
            choice=self.choice,
            final=self.final,
            parallel=self.parallel,
            reasoning=self.reasoning,
            lenient=True,
        )


def asked(seed: int) -> Iterator[Asked]:
    """Give requests of all kinds without end."""
    random = Random(seed)
    schemas = typed_schemas(seed)
    while True:
        names = random.sample(["get_weather", "search", "a", "b_2", "größe", "$x"], 3)
        count = random.randint(0, 3)
        functions: dict[str, Any] = {
            name: schema for name, schema in zip(names[:count], schemas, strict=False)
        }
        if functions and random.random() < 0.2:
            functions[names[0]] = None
        builtin = tuple(n for n in ("python", "browser") if random.random() < 0.25)
        tools = [*functions, *builtin]
        choices: list[Any] = ["auto", "none"]
        if tools:
            choices += ["required", "auto", tuple(random.sample(tools, 1))]
        final = next(schemas) if random.random() < 0.4 else None
        flags = random.random() < 0.5, random.random() < 0.7
        yield Asked(functions, builtin, random.choice(choices), final, *flags)


class Matcher(Protocol):
    """What says, token by token, what may come next."""

    def is_over(self) -> bool:
        """Tell whether the reply may end here."""

    def is_stopped(self) -> bool:
        """Tell whether it has to."""

    def allowed(self) -> Any:
        """Return an array of truth values, one for each token."""

    def take(self, token: int) -> bool:
        """Go on by a token; tell whether it is allowed."""


class Walker:
    """Walks along masks."""

    def __init__(self, encoding: HarmonyEncoding) -> None:
        texts = [encoding.decode([token]) for token in range(encoding.n_vocab)]
        special = encoding.special_tokens_set
        self._ends = numpy.array([text in special for text in texts])
        self._closing = numpy.array([text.strip() in CLOSING for text in texts])
        self._closing |= self._ends
        ends = encoding.encode("<|return|><|call|>", allowed_special="all")
        self._end, self._call = ends

    def walk(self, matcher: Matcher, random: Random) -> list[int] | None:
        """Return the tokens of a reply; None if it did not end in time."""
        tokens: list[int] = []
        while len(tokens) < LONGEST:
            is_over = matcher.is_over()
            if matcher.is_stopped() or (is_over and random.random() < 0.5):
                return tokens
            token = self._chosen(matcher.allowed()[: len(self._ends)], random)
            if token == self._end and tokens[-1:] == [self._call]:
                return tokens  # a sampler that goes on behind a call ends so
            assert matcher.take(token), token
            tokens.append(token)
        return None

    def _chosen(self, allowed: Any, random: Random) -> int:
        """Choose an allowed token, now and then one that comes to an end."""
        for preferred, odds in ((self._ends, 0.4), (self._closing, 0.5)):
            both = numpy.flatnonzero(allowed & preferred)
            if len(both) and random.random() < odds:
                return int(random.choice(both))
        return int(random.choice(numpy.flatnonzero(allowed)))


BROWSER = {
    f"browser.{tool.name}": tool.parameters
    for tool in ToolNamespaceConfig.browser().tools
}


def check(
    request: Asked, rules: Rules, messages: list[Message], form: str = "lark"
) -> None:
    """Assert that a reply is what was asked for.

    ``form``: of the text that the rules gave last.
    """
    chosen = request.choice if isinstance(request.choice, tuple) else None
    calls = 0
    for message in messages:
        assert message.author.role.value == "assistant"
        if is_call(message):
            calls += 1
            check_call(request, message, chosen, form)
        elif message.channel == "final":
            assert message is messages[-1]
            if request.final is not None and not rules.relaxed:
                check_json(request.final, message.text)
        else:
            assert message.end_token == "end"
            assert message.channel in ("analysis", "commentary")
            assert request.reasoning or message.channel == "commentary"
            assert message.channel == "analysis" or request.functions or request.builtin
    last = messages[-1]
    assert is_call(last) or last.channel == "final"
    assert calls <= 1 or request.parallel
    if request.choice == "none":
        assert calls == 0
    if request.choice == "required" or chosen:
        assert calls and last.channel != "final"


def is_call(message: Message) -> bool:
    """Tell whether a message is a call.

    The strict parser takes ``final <|constrain|>json`` for a recipient.
    """
    return message.recipient not in (None, "<|constrain|>json")


def check_call(request: Asked, message: Message, chosen: Any, form: str) -> None:
    """Assert that a call is one of those that are allowed, with its arguments."""
    recipient = message.recipient or ""
    kind, _, name = recipient.partition(".")
    tool = name if kind == "functions" else kind
    assert chosen is None or tool in chosen
    assert message.end_token == "call"
    if kind == "functions":
        assert (message.channel, message.content_type) == (
            "commentary",
            "<|constrain|>json",
        )
        schema = request.functions[name]
        if schema is None:
            assert json.loads(message.text) == {}
        elif not is_relaxed(request, name, form):
            check_json(schema, message.text)
        return
    assert kind in request.builtin
    assert (message.channel, message.content_type) == ("analysis", "code")
    if kind == "browser":
        check_json(BROWSER[recipient], message.text)


def is_relaxed(request: Asked, name: str, form: str) -> bool:
    """Tell whether something of a function's schema can't be enforced."""
    rules = Rules(functions={name: request.functions[name]}, lenient=True)
    getattr(rules, form)()
    return any(not line.endswith(": format") for line in rules.relaxed)


def check_json(schema: Any, text: str) -> None:
    """Assert that a text is JSON by a schema."""
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))


def requests(seed: int, count: int) -> list[Asked]:
    """Return some requests."""
    return list(itertools.islice(asked(seed), count))
