"""Straight ways into C: methods that do without cffi, on Pythons that can have them.

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
    from typing import Any, NoReturn, TypeVar

    Method = TypeVar("Method", bound=Callable[..., Any])


def pool_of(pointer: Any) -> Any:
    """Return what all straight ways of a ``harmony_encoding`` share; None without."""
    if EXTENSION is None:
        return None
    address = int(ffi.cast("uintptr_t", pointer))
    return EXTENSION.pool(address, pointer, array("i"))


def forms(**classes: Any) -> Any:
    """Return what C has to know of messages, for other calls; None without.

    ``message``, ``author``, ``text``: classes. ``roles``: a tuple of all roles. To read
    prompts, also the classes ``system``, ``channels``, ``effort``; for parsers the
    class ``segment`` and a tuple of all ``states``.
    """
    return None if EXTENSION is None else EXTENSION.forms(**classes)


def _nothing(*given: Any) -> Any:
    """Stand where there is no straight way."""
    return None


def _none_is_plain(messages: tuple[Any, ...], *given: Any) -> Any:
    return [None] * len(messages)


if TYPE_CHECKING or EXTENSION is None:
    plain_parts: Callable[..., Any] = _none_is_plain
    are_same = render_said = parse_messages = encode_texts = _nothing
else:
    # Functions of C as they are; csrc/bindings/cpython.h says what each takes and
    # gives. None of the last three: it is to be done in Python.
    plain_parts, are_same = EXTENSION.plain_parts, EXTENSION.are_same
    render_said, parse_messages = EXTENSION.render_said, EXTENSION.parse_messages
    encode_texts = EXTENSION.encode_texts


if TYPE_CHECKING or EXTENSION is None:

    class EncodingBase:
        """What a class with straight ways of an encoding is based on."""

        def _share(self, pool: Any) -> None:
            """Take the pool of an encoding."""

    class ParserBase:
        """What a class with straight ways of a parser is based on.

        ``_delta``, ``_state``, ``_role``, ``_channel``, ``_recipient``,
        ``_content_type`` and ``_count``, the number of finished messages, are as they
        were when it last looked.
        """

        def _share(self, pool: Any) -> None:
            """Take the pool of an encoding."""

        def _read(self, *parser: Any) -> None:
            """Take the address of a parser, what keeps it, and what to show of it."""

        def _lent(self) -> tuple[int, Any]:
            """Return the address of the parser that C has made, and what keeps it."""
            raise ValueError("no parser")

        def __reduce__(self) -> NoReturn:
            """Refuse to be copied or pickled, as objects of types made in C do."""
            raise TypeError(f"cannot pickle {type(self).__name__!r} object")

    def shape(kind: type, fields: tuple[Any, ...]) -> Any:
        """Return what ``read_form`` and ``write_form`` go by; see ``_model.forms``."""
        return None

    def read_form(
        shape: Any, kind: type, form: object, is_own: bool, levels: int
    ) -> Any:
        """Return the object of a JSON form; None if it is left to Python."""
        return None

    def write_form(shape: Any, thing: object, is_own: bool, levels: int) -> Any:
        """Return the JSON form of an object; None if it is left to Python."""
        return None

    def copy_json(value: object, levels: int) -> Any:
        """Return a copy of a JSON value; None if it is left to Python."""
        return None

else:
    EncodingBase = EXTENSION.EncodingBase
    ParserBase = EXTENSION.ParserBase
    shape, copy_json = EXTENSION.shape, EXTENSION.copy_json
    read_form, write_form = EXTENSION.read_form, EXTENSION.write_form


class _Straight:
    """Puts a way in C in the place of a method, which gets another name."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, f"_{name.strip('_')}_in_full", self._method)
        documentation = (
            f"{name}{_signature(self._method)}\n--\n\n{self._method.__doc__}"
        )
        setattr(owner, name, EXTENSION.straight(owner, name, documentation))


def straight(method: Method) -> Method:
    """Mark a method that has a straight way."""
    return method if EXTENSION is None else _Straight(method)  # type: ignore[return-value]


if TYPE_CHECKING or EXTENSION is None:
    kept = property
else:

    class kept:
        """A property that only returns an attribute, got without a step in Python.

        It becomes a member written in C.
        """

        def __init__(self, method: Callable[..., Any]) -> None:
            """Take the method that returns the attribute."""
            (self._attribute,) = method.__code__.co_names
            self._doc = method.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            """Put the member in its place."""
            found = EXTENSION.member(owner, name, self._attribute, self._doc)
            setattr(owner, name, found)


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
