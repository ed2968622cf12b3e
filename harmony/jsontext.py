"""JSON as text: orjson, and what it refuses.

orjson takes no lone surrogates, which Python strings and other JSON writers may hold,
and no integers beyond 64 bits. It is imported when it is needed, being slow to load.
"""

from __future__ import annotations

from typing import Any

from harmony.checks import path_step, wrong
from harmony.surrogates import well_formed


def read_json(what: str, payload: str | bytes) -> Any:
    """Read JSON text, with lone surrogates too, which orjson refuses.

    Raises ``ValueError`` beginning with ``what``, saying where it is wrong.
    """
    if not isinstance(payload, (str, bytes, bytearray, memoryview)):
        raise wrong(f"{what}.from_json", "a string", payload)
    import orjson

    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        import json

        try:
            return json.loads(payload, parse_constant=_no_constant)
        except (ValueError, TypeError, RecursionError):
            raise ValueError(f"{what}.from_json: {error}") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def write_json(form: dict[str, Any]) -> str:
    """Write a JSON form as text, with well-formed characters.

    Raises ``ValueError`` with the path of what orjson can't write.
    """
    import orjson

    try:
        return orjson.dumps(form).decode()
    except TypeError:
        return orjson.dumps(_writable("", form)).decode()


def _writable(where: str, value: Any) -> Any:
    """Return a JSON value with well-formed text, or say where orjson cannot write."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        copy = {
            well_formed(key): _writable(where + path_step(key), item)
            for key, item in value.items()
        }
        if len(copy) < len(value):
            raise ValueError(
                f"{where.removeprefix('.')}: keys that differ in lone surrogates only"
            )
        return copy
    if isinstance(value, list):
        return [
            _writable(f"{where}[{index}]", item) for index, item in enumerate(value)
        ]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise wrong(where.removeprefix("."), "an integer of at most 64 bits", value)
    if value is None or isinstance(value, (int, float)):
        return value
    raise wrong(where.removeprefix("."), "a JSON value", value)
