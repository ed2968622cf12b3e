"""harmony under the name ``openai_harmony``, for one process.

Programs written for openai-harmony then run on harmony without a change. The
distribution in compat/ does the same for a whole environment.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import harmony

if TYPE_CHECKING:
    from harmony.parser import OnError

NAME = "openai_harmony"

VARIABLE = "HARMONY_ON_ERROR"
"""The environment variable that says what parsers do about errors."""

_IN_PLACE = ("HarmonyEncoding", "StreamableParser", "load_harmony_encoding")
"""What is another thing where parsers recover."""


def install(on_error: OnError | None = None) -> None:
    """Make ``import openai_harmony`` give harmony, in this process.

    With ``on_error="recover"`` a parser that is made without ``on_error`` is one that
    never fails, as is what ``parse_messages_from_completion_tokens`` uses; with None it
    is as the environment variable ``HARMONY_ON_ERROR`` says, or ``"raise"``. What is
    imported from ``harmony`` stays as it is.

    Call it before anything imports ``openai_harmony``. A second call does nothing.
    Raises ``ImportError`` if the real package, or ours with another ``on_error``, is
    already imported: some of the program would hold its objects and some ours.

    >>> install()
    >>> import openai_harmony
    >>> openai_harmony.Message is harmony.Message
    True
    """
    names = public_names(on_error)
    present = sys.modules.get(NAME)
    if all(
        getattr(present, name, None) is names[name] for name in (*_IN_PLACE, "Role")
    ):
        return
    if present is not None:
        raise ImportError(
            f"{NAME} is already imported, from {getattr(present, '__file__', None)}: "
            "call harmony.compat.install() before anything imports it"
        )
    module = ModuleType(NAME, harmony.__doc__)
    module.__dict__.update(names)
    module.__dict__["__all__"] = list(harmony.__all__)
    sys.modules[NAME] = module


def public_names(on_error: OnError | None = None) -> dict[str, Any]:
    """Return what ``openai_harmony`` is to hold; ``on_error`` as for ``install``.

    Raises ``ValueError`` for another ``on_error``, wherever it comes from.
    """
    where = "on_error" if on_error is not None else VARIABLE
    asked = on_error if on_error is not None else os.environ.get(VARIABLE, "raise")
    if asked not in ("raise", "recover"):
        raise ValueError(f"{where}: expected 'raise' or 'recover', got {asked!r}")
    names = {name: getattr(harmony, name) for name in harmony.__all__}
    if asked == "recover":
        from harmony import recovering

        names.update({name: getattr(recovering, name) for name in _IN_PLACE})
    return names
