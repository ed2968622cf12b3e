"""Fields of a request: read, or complained about by their path.

A place is a path that is only written out when something is wrong: its parent, and
a key or an index. ``((("messages", 1), "content"), 0)`` is ``messages[1].content[0]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from harmony._model.checks import shown, wrong

Place: TypeAlias = str | tuple[Any, str | int]

TEXT_PARTS = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
}
"""The types of parts that are text, and the key of each one's text."""

REASONING_PARTS = {"reasoning_text": "text", "text": "text"}
"""The same of reasoning."""


def path(place: Place) -> str:
    """Return a place as a path.

    >>> path(((("messages", 1), "content"), 0))
    'messages[1].content[0]'
    """
    steps = []
    while not isinstance(place, str):
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return place + "".join(reversed(steps))


def fault(place: Place, complaint: str) -> ValueError:
    """Return the complaint about what stands at a place."""
    return ValueError(f"{path(place)}: {complaint}")


def unknown(place: Place, value: object, known: Iterable[str]) -> ValueError:
    """Return the complaint about a value that is none of the known ones."""
    return fault(place, f"{shown(value)} is not known (known: {', '.join(known)})")


def table(place: Place, value: object) -> dict[str, Any]:
    """Return a JSON object."""
    if isinstance(value, dict):
        return value
    raise wrong(path(place), "an object", value)


def entries(place: Place, value: object) -> list[Any] | tuple[Any, ...]:
    """Return a JSON array; null is an empty one."""
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return value
    raise wrong(path(place), "a list", value)


def placed(place: Place, value: object) -> Iterator[tuple[Place, Any]]:
    """Give what is in a JSON array, each with its place."""
    for index, item in enumerate(entries(place, value)):
        yield (place, index), item


def required(place: Place, form: dict[str, Any], key: str) -> Any:
    """Return what stands under a key, which may be null but not missing."""
    if key in form:
        return form[key]
    raise fault((place, key), "missing")


def text(place: Place, form: dict[str, Any], key: str) -> str:
    """Return the text under a key, which must be there."""
    value = required(place, form, key)
    if isinstance(value, str):
        return value
    raise wrong(path((place, key)), "text", value)


def optional_text(place: Place, form: dict[str, Any], key: str) -> str | None:
    """Return the text under a key; None if there is none."""
    value = form.get(key)
    if value is None or isinstance(value, str):
        return value
    raise wrong(path((place, key)), "text", value)


def flag(place: Place, value: object) -> bool:
    """Return a truth value; null is false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise wrong(path(place), "true or false", value)


def content(
    place: Place, form: dict[str, Any], key: str, kinds: dict[str, str] = TEXT_PARTS
) -> str:
    """Return the text of a content that must be there: a text, or parts, joined.

    ``kinds``: the types that parts may have, and the key of each one's text.
    """
    value = form[key] if key in form else required(place, form, key)
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        parts = placed((place, key), value)
        return "".join([part_text(where, part, kinds) for where, part in parts])
    raise wrong(path((place, key)), "text or a list of parts", value)


def part_text(place: Place, part: object, kinds: dict[str, str]) -> str:
    """Return the text of one part, whose type is one of ``kinds``."""
    form = table(place, part)
    kind = required(place, form, "type")
    if isinstance(kind, str) and kind in kinds:
        return text(place, form, kinds[kind])
    known = ", ".join(kinds)
    raise fault((place, "type"), f"{shown(kind)} is no text (what is text: {known})")
