"""harmony under the name that clients import: ``from openai_harmony import ...``.

The environment variable ``HARMONY_ON_ERROR=recover`` makes parsers that never fail of
those that are made without ``on_error``.
"""

from harmony import *  # noqa: F403  it is the purpose of this module
from harmony import __all__ as __all__
from harmony.compat import public_names

globals().update(public_names())
del public_names
