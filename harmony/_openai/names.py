"""The names of tools: what the client calls them, and what the model calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from harmony._model.checks import shown
from harmony._openai.fields import Place, fault

FUNCTIONS = "functions."
"""Stands before the name of every function in the header of a call."""


class ClientName(NamedTuple):
    """What a client calls a tool: a name, in a namespace or in none."""

    name: str
    namespace: str | None = None

    @property
    def joined(self) -> str:
        """The name with its namespace, as functions of namespaces are called."""
        if self.namespace is None:
            return self.name
        return f"{self.namespace}__{self.name}"


class ToolNames:
    """The tools of one prompt by both of their names.

    A name that is good in TypeScript and in a header stays as it is: letters, digits,
    ``_`` and ``$``, no digit first, not empty. In another one, what is not good
    becomes ``_``; if the result is taken, ``_2``, ``_3`` and so on follows it. Good
    names are given out first, then the others, in the order of ``tools``; then those
    that are found only in calls of the history. With ``rename`` false, names stay as
    they are, and those that would break a header are a ``ValueError``.

    >>> names = ToolNames([("tools[0].name", "a-b"), ("tools[1].name", "a_b")])
    >>> names.to_harmony("a-b"), names.to_client("a_b_2")
    ('a_b_2', 'a-b')
    """

    def __init__(
        self,
        declared: Iterable[tuple[Place, str | ClientName]] = (),
        *,
        rename: bool = True,
    ) -> None:
        """Give out the names of declared tools: the path and the name of each."""
        self._rename = rename
        self._harmony: dict[ClientName, str] = {}
        self._client: dict[str, ClientName] = {}
        self._dotted: dict[str, ClientName] = {}
        self._numbers: dict[str, int] = {}
        tools = [(where, _client_name(name)) for where, name in declared]
        for good in (True, False):
            for where, name in tools:
                if is_good(name.joined) is good:
                    self.add(where, name)
        self._declared = frozenset(self._client)
        self._declared_names = frozenset(name.name for _, name in tools)

    def add(self, where: Place, name: ClientName) -> str:
        """Return the model's name of a tool; give it one if it has none yet.

        Raises ``ValueError`` at the path for a name that can't stand in a header.
        """
        known = self._harmony.get(name)
        if known is not None:
            return known
        harmony = self._free(name.joined) if self._rename else _kept(where, name)
        self._harmony[name] = harmony
        self._client.setdefault(harmony, name)
        if name.namespace is not None:
            self._dotted.setdefault(f"{name.namespace}.{name.name}", name)
        return harmony

    def known(self, name: ClientName) -> str | None:
        """Return the model's name of a tool; None if it has none yet."""
        return self._harmony.get(name)

    def copy(self) -> ToolNames:
        """Return names that begin as these, and get more on their own."""
        copy = ToolNames(rename=self._rename)
        copy._harmony = self._harmony.copy()
        copy._client = self._client.copy()
        copy._dotted = self._dotted.copy()
        copy._numbers = self._numbers.copy()
        copy._declared = self._declared
        copy._declared_names = self._declared_names
        return copy

    def _free(self, name: str) -> str:
        """Return a good name that is not taken yet."""
        good = free = rewritten(name)
        number = self._numbers.get(good, 1)  # lower ones are taken
        while free in self._client:
            number += 1
            free = f"{good}_{number}"
        self._numbers[good] = number
        return free

    def is_declared(self, name: str) -> bool:
        """Tell whether a declared tool has this name, in whatever namespace."""
        return name in self._declared_names

    def to_harmony(self, name: str, namespace: str | None = None) -> str:
        """Return the model's name of a tool, without ``functions.`` before it.

        A name that is not in the prompt is rewritten if it has to be.
        """
        known = self._harmony.get(ClientName(name, namespace))
        if known is not None:
            return known
        joined = ClientName(name, namespace).joined
        return rewritten(joined) if self._rename else joined

    def to_client(self, name: str) -> str:
        """Return the client's name of a function; an unknown one stays as it is."""
        return self.client_name(name).name

    def client_name(self, name: str) -> ClientName:
        """Return the same with its namespace."""
        return self._client.get(name) or self._dotted.get(name) or ClientName(name)

    def called(self, recipient: str) -> ClientName | None:
        """Return the function that a recipient stands for.

        That is ``functions.X`` for any X, a declared tool's bare name, or the name of
        a tool behind its namespace and a dot; None for anything else.
        """
        if recipient.startswith(FUNCTIONS):
            return self.client_name(recipient[len(FUNCTIONS) :])
        if recipient in self._declared:
            return self._client[recipient]
        return self._dotted.get(recipient)


def is_good(name: str) -> bool:
    """Tell whether a name can stand in TypeScript and in a header as it is."""
    return rewritten(name) == name


def rewritten(name: str) -> str:
    """Return a name with what is not good in it replaced.

    >>> rewritten("files.read"), rewritten("2fa"), rewritten("")
    ('files_read', '_2fa', 'unnamed')
    """
    if not name:
        return "unnamed"
    if name.isalnum():
        good = name
    else:
        good = "".join([c if c.isalnum() or c in "_$" else "_" for c in name])
    return f"_{good}" if good[0].isdigit() else good


def _client_name(name: str | ClientName) -> ClientName:
    return ClientName(name) if isinstance(name, str) else name


def _kept(where: Place, name: ClientName) -> str:
    joined = name.joined
    if not joined or "<|" in joined or re.search(r"\s", joined):
        raise fault(where, f"{shown(joined)} can't stand in the header of a call")
    return joined
