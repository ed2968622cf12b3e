"""How a value is checked when an object is made or read from its JSON form.

A complaint is a ``ValueError`` that begins with where it stands: ``Class.field: …``
from a constructor, a path such as ``messages[2].content[0].type: …`` from the JSON
form. It is made by ``harmony._model.refusal``.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, TypeVar

from harmony._model.refusal import deeper, refusal, without_class
from harmony._native import straight

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

MAX_DEPTH = 200
"""Levels of nesting in a tool's parameters; orjson writes 254 for a whole document."""


class _Shorten(reprlib.Repr):
    """Writes a value as code, short, whatever the value is."""

    def repr_int(self, x: int, level: int) -> str:
        """Write an integer; one that Python refuses to write has no digits."""
        try:
            return super().repr_int(x, level)
        except ValueError:
            return "an integer of very many digits"


_shorten = _Shorten()
_shorten.maxstring = _shorten.maxother = 60


def wrong(
    where: str,
    expected: str,
    value: object,
    kind: str = "value_error",
    model: str = "",
) -> ValueError:
    """Return the complaint about a value of a wrong type; see ``Complaint``.

    >>> wrong("Message.channel", "a string or None", 5)
    ValueError('Message.channel: expected a string or None, got 5 (int)')
    """
    what = f"expected {expected}, got {_typed(value)}"
    return refusal(where, what, value, kind, model)


def unknown(what: str, value: object, known: Iterable[str]) -> ValueError:
    """Return the complaint about a name that is none of the known ones.

    >>> unknown("role", "bob", ["user", "tool"])
    ValueError("unknown role 'bob' (known: user, tool)")
    """
    given = shown(value) if isinstance(value, str) else _typed(value)
    return ValueError(f"unknown {what} {given} (known: {', '.join(known)})")


def shown(value: object) -> str:
    """Return a value as code, cut short: any value, however long or deep."""
    return _shorten.repr(value)


def _typed(value: object) -> str:
    return "None" if value is None else f"{shown(value)} ({type(value).__name__})"


def path_step(key: str) -> str:
    """Return a dict's key as one step of a path.

    >>> path_step("tools"), path_step("my tools")
    ('.tools', "['my tools']")
    """
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


def check_text(where: str, value: object) -> None:
    """Raise ``ValueError`` unless the value is a string."""
    if not isinstance(value, str):
        raise wrong(where, "a string", value, "string_type")


def check_optional_text(where: str, value: object) -> None:
    """Raise ``ValueError`` unless the value is a string or None."""
    if value is not None and not isinstance(value, str):
        raise wrong(where, "a string or None", value, "string_type")


def check_flag(where: str, value: object) -> None:
    """Raise ``ValueError`` unless the value is True or False."""
    if not isinstance(value, bool):
        raise wrong(where, "True or False", value, "bool_type")


def check_choice(where: str, what: str, value: object, known: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless the value is one of the known ones."""
    if value not in known:
        raise refusal(where, str(unknown(what, value, known)), value, "enum")


def member(where: str, kind: type[E], value: object) -> E:
    """Return the member of an enum, given itself or its value."""
    if type(value) is kind:
        return value
    try:
        return kind(value)
    except ValueError as error:
        raise refusal(where, str(error), value, "enum") from None


def instance(
    where: str,
    value: object,
    kind: type[T],
    from_dict: Callable[[dict[str, Any]], T],
) -> T:
    """Return an object of a class, given itself or its JSON form."""
    if isinstance(value, kind):
        return value
    if not isinstance(value, dict):
        raise not_a(kind.__name__, where, value)
    try:
        return from_dict(value)
    except ValueError as error:
        raise deeper(where, error) from None


def not_a(model: str, where: str, value: object) -> ValueError:
    """Return the complaint about a value that is no object of a class."""
    article = "an" if model[0] in "AEIO" else "a"
    return wrong(where, f"{article} {model}", value, "model_type", model)


def items(where: str, value: object) -> list[Any]:
    """Return a new list of what any iterable holds, except text and dicts."""
    if type(value) is list:
        return value[:]
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable):
        raise wrong(where, "a list", value, "list_type")
    return list(value)


def instances(
    where: str,
    value: object,
    kind: type[T],
    from_dict: Callable[[dict[str, Any]], T],
) -> list[T]:
    """Return a new list of objects of a class, each given itself or as JSON form."""
    found: list[T] = []
    for index, item in enumerate(items(where, value)):
        if isinstance(item, kind):
            found.append(item)
        elif type(item) is not dict:
            found.append(instance(f"{where}[{index}]", item, kind, from_dict))
        else:
            try:
                found.append(from_dict(item))
            except ValueError as error:
                raise deeper(f"{where}[{index}]", error) from None
    return found


def from_fields(
    kind: type[T], form: dict[str, Any], required: tuple[str, ...] = ()
) -> T:
    """Make a dataclass from a JSON form whose keys are its fields.

    Keys that are no fields are ignored, as in the reference. Raises ``ValueError``
    beginning with the key, for a required key that is missing or a wrong value.
    """
    check_form(kind, form, required)
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]
    try:
        return kind(**{name: form[name] for name in names if name in form})
    except ValueError as error:
        raise without_class(error) from None


def check_form(kind: type, form: object, required: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless the JSON form is a dict with the required keys."""
    if not isinstance(form, dict):
        raise wrong(f"{kind.__name__}.from_dict", "a dict", form, "dict_type")
    for key in required:
        if key not in form:
            title = kind.__name__
            raise refusal(key, "missing key", form, "missing", title=title)


def copy_json(where: str, value: object) -> Any:
    """Return a copy of a JSON value in plain Python types.

    A tuple becomes a list, a subclass of ``str``, ``int`` or ``float`` its plain
    value. Raises ``ValueError`` for anything JSON cannot say: keys that are no
    strings, NaN and the infinities, other types, more than ``MAX_DEPTH`` levels.
    """
    copy = straight.copy_json(value, MAX_DEPTH)
    return _full_copy(where, value, 0) if copy is None else copy


def _full_copy(where: str, value: object, depth: int) -> Any:
    if value is None or type(value) in (str, bool, int):
        return value
    if depth > MAX_DEPTH:
        raise refusal(f"{where[:60]}…", f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {
            plain_key(where, key): _full_copy(where + path_step(key), item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [
            _full_copy(f"{where}[{index}]", item, depth + 1)
            for index, item in enumerate(value)
        ]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise wrong(where, "a JSON value", value)


def json_object(where: str, value: object) -> dict[str, Any]:
    """Return a copy of a JSON object; see ``copy_json``."""
    if not isinstance(value, dict):
        raise wrong(where, "a dict", value)
    copy: dict[str, Any] = copy_json(where, value)
    return copy


def plain_key(where: str, key: object) -> str:
    """Return a dict's key as a plain string; raise ``ValueError`` if it is none."""
    if not isinstance(key, str):
        raise wrong(where, "keys that are strings", key)
    return str.__str__(key)
