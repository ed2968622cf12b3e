"""The error for a value that is refused: a ``ValueError`` that says where and why.

Where a program has loaded pydantic, the error is a ``pydantic.ValidationError``, which
is a ``ValueError`` as well: whoever catches either gets it. Its text begins with our
own words; pydantic's follow, and ``errors()`` has the place, the type and the value.
pydantic is looked up among the loaded modules and never imported.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Any, NamedTuple

_STEP = re.compile(
    r"""\.?([^\W\d]\w*)|\[(\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]"""
)
"""A step of a path, as ``path_step`` and an index write it: .name [2] ['a name']."""

_METHODS = {"from_dict", "from_json"}
"""What stands in a path for a whole JSON form."""

_STANDARD = {
    *{"bool_type", "dict_type", "list_type", "missing", "model_type", "string_type"}
}
"""The types of pydantic that have words of their own in every version 2."""


class Complaint(NamedTuple):
    """What is wrong with a value.

    ``where`` is a path from a class, ``Message.channel``, or in a JSON form,
    ``messages[2].channel``. ``kind`` is pydantic's name for what is wrong, and
    ``model``, with ``model_type``, the class that was expected. ``title`` is the class
    the path is in, where the path does not begin with it.
    """

    where: str
    what: str
    value: object = None
    kind: str = "value_error"
    model: str = ""
    title: str = "harmony"

    def __str__(self) -> str:
        """Write the whole complaint."""
        return f"{self.where}: {self.what}"


def refusal(
    where: str,
    what: str,
    value: object = None,
    kind: str = "value_error",
    model: str = "",
    title: str = "harmony",
) -> ValueError:
    """Return the error for a value that is refused; see ``Complaint``.

    >>> refusal("Message.channel", "expected a string or None, got 5 (int)", 5)
    ValueError('Message.channel: expected a string or None, got 5 (int)')
    """
    return _error(Complaint(where, what, value, kind, model, title))


def deeper(where: str, error: ValueError) -> ValueError:
    """Return an error of a part as one of the whole, in which the part is somewhere."""
    complaint = _complaint(error)
    return _error(complaint._replace(where=f"{where}.{complaint.where}"))


def without_class(error: ValueError) -> ValueError:
    """Turn ``Class.field: …`` of a constructor into ``field: …``, a JSON path."""
    complaint = _complaint(error)
    title, _, where = complaint.where.partition(".")
    return _error(complaint._replace(where=where, title=title))


def _complaint(error: ValueError) -> Complaint:
    """Return what an error complains about, whoever raised it."""
    found = getattr(error, "complaint", None)
    if isinstance(found, Complaint):
        return found
    where, _, what = str(error).partition(": ")
    return Complaint(where, what)


def _error(complaint: Complaint) -> ValueError:
    core = _pydantic()
    error = ValueError(str(complaint)) if core is None else _both(core, complaint)
    error.complaint = complaint  # type: ignore[attr-defined]
    return error


def _pydantic() -> Any:
    """Return pydantic's core, if the program has loaded it."""
    core = sys.modules.get("pydantic_core")
    return core if hasattr(core, "ValidationError") else None


def _both(core: Any, complaint: Complaint) -> ValueError:
    """Return an error that is pydantic's too."""
    title, place = _title_and_place(complaint)
    kind: Any = complaint.kind
    line = {"loc": place, "input": complaint.value}
    if kind == "model_type":
        line["ctx"] = {"class_name": complaint.model}
    elif kind not in _STANDARD:
        kind = core.PydanticCustomError(kind, complaint.what)
    type_of_error = _in_our_words(core.ValidationError)
    if type_of_error is core.ValidationError:
        title = str(complaint)
    error: ValueError = type_of_error.from_exception_data(
        title, [{**line, "type": kind}]
    )
    return error


@cache
def _in_our_words(base: Any) -> Any:
    """Return a class of pydantic's error whose text begins with the complaint.

    Before pydantic 2.10 there can be none; there the complaint is the error's title,
    which stands in the first line as well.
    """
    try:

        class ValidationError(base):  # type: ignore[misc]
            """A ``pydantic.ValidationError`` in our own words and in pydantic's."""

            def __str__(self) -> str:
                return f"{self.complaint}\n{super().__str__()}"

            def __reduce__(self) -> tuple[Any, ...]:
                """Be a plain ``ValueError`` in another process, whatever the value."""
                return ValueError, (str(self.complaint),)

    except TypeError:
        return base
    ValidationError.__qualname__ = "ValidationError"  # as tracebacks show it
    return ValidationError


def _title_and_place(complaint: Complaint) -> tuple[str, tuple[str | int, ...]]:
    """Return the class and the steps of the path, as pydantic writes them."""
    steps: list[str | int] = []
    for name, index, key in _STEP.findall(complaint.where):
        steps.append(name or (int(index) if index else _unquoted(key)))
    title = complaint.title
    if steps and complaint.where[:1].isupper():
        title = str(steps.pop(0))
    if steps and steps[0] in _METHODS:
        del steps[0]
    return title, tuple(steps)


def _unquoted(key: str) -> str:
    from ast import literal_eval

    return str(literal_eval(key))
