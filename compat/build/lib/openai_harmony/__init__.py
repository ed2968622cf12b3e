"""harmony under the name that clients import: ``from openai_harmony import ...``."""

from harmony import *  # noqa: F403  it is the purpose of this module
from harmony import __all__ as __all__
