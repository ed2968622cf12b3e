"""What a reply may be made of: the rules, with schemas that a sampler takes."""

from __future__ import annotations

from typing import Any, NamedTuple


class Call(NamedTuple):
    """A call that is allowed.

    ``arguments``: a JSON schema; None for any text. ``is_builtin``: of a tool that the
    model knows by itself, and calls in its thinking.
    """

    recipient: str
    arguments: dict[str, Any] | None
    is_builtin: bool = False


class Reply(NamedTuple):
    """What a reply may be: calls, an answer, and what stands before them.

    ``final``: a JSON schema of the answer; None for any text. ``must_call``: there is
    no answer. ``parallel``: a call may follow a call. ``reasoning``: there may be
    thinking. ``begun``: the channel of a message that is begun already.
    """

    calls: list[Call]
    final: dict[str, Any] | None
    must_call: bool
    parallel: bool
    reasoning: bool
    begun: str | None
