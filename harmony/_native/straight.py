"""Straight ways into C: methods that cffi is no part of, where Python has such.

A class that is based on a type made in C (csrc/bindings/cpython.h) has its methods
written in Python, documented and typed like any others. Those marked ``straight`` are
found in C, too. The way in C takes what nearly every call gives; for anything else, and
for whatever is wrong, it calls the method written in Python. Without straight ways
nothing but the speed differs.
"""

from __future__ import annotations

from array import array

from harmony._native import EXTENSION, ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Method = TypeVar("Method", bound=Callable[..., Any])


def pool_of(pointer: Any) -> Any:
    """Return what all straight ways of a ``harmony_encoding`` share; None without."""
    if EXTENSION is None:
        return None
    address = int(ffi.cast("uintptr_t", pointer))
    return EXTENSION.pool(address, pointer, array("i"))


def encode_texts(*given: Any) -> Any:
    """Return what many texts become; None without straight ways, or not by this one."""
    return None if EXTENSION is None else EXTENSION.encode_texts(*given)


if TYPE_CHECKING or EXTENSION is None:

    class EncodingBase:
        """What a class with straight ways of an encoding is based on."""

        def _share(self, pool: Any) -> None:
            """Take the pool of an encoding."""

else:
    EncodingBase = EXTENSION.EncodingBase


class _Straight:
    """Puts a way in C in the place of a method, which gets another name."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, f"_{name}_in_full", self._method)
        documentation = (
            f"{name}{_signature(self._method)}\n--\n\n{self._method.__doc__}"
        )
        setattr(owner, name, EXTENSION.straight(owner, name, documentation))


def straight(method: Method) -> Method:
    """Mark a method that has a straight way."""
    return method if EXTENSION is None else _Straight(method)  # type: ignore[return-value]


def _signature(method: Any) -> str:
    """Return the signature of a method as classes in C have it, without types."""
    code, values, named = method.__code__, method.__defaults__, method.__kwdefaults__
    values = values or ()
    names = code.co_varnames[: code.co_argcount]
    plain = len(names) - len(values)
    given = [*names[:plain], *map(_with_default, names[plain:], values)]
    given[0] = f"${given[0]}"
    if named:
        given += ["*", *map(_with_default, named, named.values())]
    return f"({', '.join(given)})"


def _with_default(name: str, value: object) -> str:
    """Return a parameter; ``inspect`` reads no set, not even an empty one."""
    return f"{name}={'()' if value == frozenset() else repr(value)}"
