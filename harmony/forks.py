"""A fork while other threads run: the child has their locks, and nobody to open them.

A thread that imports a module has a lock on it, and one that works out a cached
property has had one, before Python 3.12. So what is imported late is imported before
such a fork, which waits for whoever is at it; and ``once`` has no lock.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import functools

    once = functools.cached_property
else:

    class once:
        """A property that is worked out once, and has no lock.

        Of two threads that come at the same time both work it out, and both get the
        first one's.
        """

        def __init__(self, function):
            """Make one of a method."""
            self.function = function
            self.__doc__ = function.__doc__

        def __get__(self, instance, owner=None):
            """Return the value, and keep it where it is found first from now on."""
            if instance is None:
                return self
            name = self.function.__name__
            return instance.__dict__.setdefault(name, self.function(instance))


LATE = (
    *("harmony.parser", "harmony.many", "harmony._model.jsontext"),
    *("harmony.encoding_name", "json", "struct"),
)
"""What is imported when it is first needed."""


def _import_the_rest() -> None:
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() < 2:
        return
    for name in LATE:
        __import__(name)
    from contextlib import suppress

    with suppress(ImportError):  # jsontext does without
        __import__("orjson")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_import_the_rest)
