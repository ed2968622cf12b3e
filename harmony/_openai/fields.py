"""Fields of a request: read, or complained about by their path.

A path leads from the top of the request to what is wrong, as in
``messages[1].content[0].type``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from harmony._model.checks import wrong

_TEXT_PARTS = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
}
REASONING_PARTS = {"reasoning_text": "text", "text": "text"}
"""The types of parts that reasoning has, and the key of each one's text."""


def fault(where: str, complaint: str) -> ValueError:
    """Return the complaint about what stands at a path."""
    return ValueError(f"{where}: {complaint}")


def unknown(where: str, value: object, known: Iterable[str]) -> ValueError:
    """Return the complaint about a value that is none of the known ones."""
    return fault(where, f"{value!r} is not known (known: {', '.join(known)})")


def table(where: str, value: object) -> dict[str, Any]:
    """Return a JSON object."""
    if isinstance(value, dict):
        return value
    raise wrong(where, "an object", value)


def entries(where: str, value: object) -> list[Any]:
    """Return a JSON array; null is an empty one."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    raise wrong(where, "a list", value)


def placed(where: str, value: object) -> Iterator[tuple[str, Any]]:
    """Give what is in a JSON array, each with its path."""
    for index, item in enumerate(entries(where, value)):
        yield f"{where}[{index}]", item


def required(where: str, form: dict[str, Any], key: str) -> Any:
    """Return what stands under a key, which may be null but not missing."""
    if key in form:
        return form[key]
    raise fault(f"{where}.{key}", "missing")


def text(where: str, value: object) -> str:
    """Return a text."""
    if isinstance(value, str):
        return value
    raise wrong(where, "text", value)


def text_under(where: str, form: dict[str, Any], key: str) -> str:
    """Return the text under a key, which must be there."""
    return text(f"{where}.{key}", required(where, form, key))


def optional_text(where: str, form: dict[str, Any], key: str) -> str | None:
    """Return the text under a key; None if there is none."""
    value = form.get(key)
    return None if value is None else text(f"{where}.{key}", value)


def flag(where: str, value: object) -> bool:
    """Return a truth value; null is false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise wrong(where, "true or false", value)


def content_text(
    where: str, content: object, kinds: dict[str, str] = _TEXT_PARTS
) -> str:
    """Return the text of a content: a text, or parts, whose texts are joined.

    ``kinds``: the types that parts may have, and the key of each one's text.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, (list, tuple)):
        raise wrong(where, "text or a list of parts", content)
    return "".join(
        part_text(place, part, kinds) for place, part in placed(where, content)
    )


def part_text(where: str, part: object, kinds: dict[str, str]) -> str:
    """Return the text of one part, whose type is one of ``kinds``."""
    form = table(where, part)
    kind = required(where, form, "type")
    if not isinstance(kind, str) or kind not in kinds:
        raise fault(f"{where}.type", f"{kind!r} is no text; known are {list(kinds)}")
    return text_under(where, form, kinds[kind])
