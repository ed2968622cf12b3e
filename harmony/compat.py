"""harmony under the name ``openai_harmony``, for one process.

Programs written for openai-harmony then run on harmony without a change. The
distribution in compat/ does the same for a whole environment.
"""

from __future__ import annotations

import sys
from types import ModuleType

import harmony

NAME = "openai_harmony"


def install() -> None:
    """Make ``import openai_harmony`` give harmony, in this process.

    Call it before anything imports ``openai_harmony``. A second call does nothing.
    Raises ``ImportError`` if the real package is already imported: some of the
    program would hold its objects and some ours.

    >>> install()
    >>> import openai_harmony
    >>> openai_harmony.Message is harmony.Message
    True
    """
    present = sys.modules.get(NAME)
    if getattr(present, "Message", None) is harmony.Message:
        return
    if present is not None:
        raise ImportError(
            f"{NAME} is already imported, from {getattr(present, '__file__', None)}: "
            "call harmony.compat.install() before anything imports it"
        )
    module = ModuleType(NAME, harmony.__doc__)
    module.__dict__.update({name: getattr(harmony, name) for name in harmony.__all__})
    module.__dict__["__all__"] = list(harmony.__all__)
    sys.modules[NAME] = module
