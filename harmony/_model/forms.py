"""What the JSON form of a class has, field by field, and the straight way through it.

``from_dict`` and ``to_dict`` say what a form is. A shape says the same as a table, of
what nearly every form is, and C reads and writes by it (csrc/bindings/cpython_forms.c).
Whatever is not exactly of its shape is left to ``from_dict`` and ``to_dict``, which
have all the words; without straight ways they do all of it.

A field is a key of the form and an attribute of the same name. What follows its name is
what an absent key means, as it would stand in the form; without it the key has to be
there.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from harmony._model.checks import MAX_DEPTH
from harmony._native import straight

T = TypeVar("T")


class Field(NamedTuple):
    """A field of a form; the letters are those of cpython_forms.c."""

    name: str
    kind: str
    of: Any = None
    absent: tuple[Any, ...] = ()
    many: str = "1"
    may_be_none: bool = False
    is_none_written: bool = False


def text(name: str, *absent: str | None) -> Field:
    """Return a field that is a string."""
    return Field(name, "t", None, absent)


def flag(name: str) -> Field:
    """Return a field that is True or False."""
    return Field(name, "f")


def choice(name: str, kind: type[Enum], *absent: str) -> Field:
    """Return a field that is a member of an enum, and its value in the form."""
    members = {member.value: member for member in kind}
    values = {member: value for value, member in members.items()}
    return Field(name, "c", (members, values), absent)


def json_object(name: str) -> Field:
    """Return a field that is any JSON object."""
    return Field(name, "j")


def one_of(name: str, *shapes: Any, absent: Iterable[Any] = ()) -> Field:
    """Return a field that is an object; of several shapes, each has a ``type``."""
    return Field(name, "o", shapes, tuple(absent))


def within(name: str, shape: Any) -> Field:
    """Return an object whose fields stand in the same form, not under its name."""
    return Field(name, "i", shape)


def unsaid(name: str) -> Field:
    """Return an attribute that is not in the form, and None when it is read."""
    return Field(name, "n", absent=(None,), may_be_none=True)


def called(name: str) -> Field:
    """Return the ``type`` of a form."""
    return Field("type", "=", name)


def list_of(field: Field, *absent: list[Any]) -> Field:
    """Return a field that is a list of what it would be."""
    return field._replace(many="[", absent=absent)


def dict_of(field: Field) -> Field:
    """Return a field that is a dict, by strings, of what it would be."""
    return field._replace(many="{")


def list_or_text(field: Field) -> Field:
    """Return a field that is a list; a string in its place is one text of it."""
    return field._replace(many="s")


def or_none(field: Field, *, is_written: bool = False) -> Field:
    """Return a field that may be None, too.

    None is left out of the form if that is what an absent key means, unless it
    ``is_written`` all the same.
    """
    return field._replace(
        absent=field.absent or (None,),
        may_be_none=True,
        is_none_written=is_written or bool(field.absent),
    )


def shape(kind: type, *fields: Field) -> Any:
    """Return the shape of the forms of a class, for ``read`` and ``write``."""
    return straight.shape(kind, fields)


def read(shape: Any, kind: type[T], form: object, *, is_own: bool = False) -> T | None:
    """Return the object of a form; None if that is left to ``from_dict``.

    ``kind``: the class that is asked for, which may be based on that of the shape.
    ``is_own``: nobody else has the form, so what JSON values are in it are kept; else
    they are copied.
    """
    found: T | None = straight.read_form(shape, kind, form, is_own, MAX_DEPTH)
    return found


def write(shape: Any, thing: object, *, is_own: bool = False) -> Any:
    """Return the form of an object; None if that is left to ``to_dict``.

    ``is_own``: the form will not be given away, so the JSON values in it may be those
    of the object.
    """
    return straight.write_form(shape, thing, is_own, MAX_DEPTH)
