"""JSON as text: by orjson where there is one, else by the standard library.

orjson takes no lone surrogates, which Python strings and other JSON writers may hold,
and no integers beyond 64 bits. It is imported when it is needed, being slow to load. It
is not made for PyPy, free-threaded Python and rarer machines; there, the module json
gives the same values and takes longer.
"""

from __future__ import annotations

import math
from typing import Any

from harmony._model.checks import path_step, wrong
from harmony._model.refusal import refusal
from harmony._model.text import well_formed


def read_json(what: str, payload: str | bytes) -> Any:
    """Read JSON text, with lone surrogates too, which orjson refuses.

    Raises ``ValueError`` beginning with ``what``, saying where it is wrong.
    """
    if not isinstance(payload, (str, bytes, bytearray, memoryview)):
        raise wrong(f"{what}.from_json", "a string", payload, "string_type")
    try:
        return load(payload)
    except ValueError as error:
        import json

        try:
            return json.loads(payload, parse_constant=_no_constant)
        except (ValueError, TypeError, RecursionError):
            raise refusal(
                f"{what}.from_json", str(error), payload, "json_invalid"
            ) from None


def load(payload: str | bytes | bytearray | memoryview) -> Any:
    """Read JSON text in UTF-8. Integers beyond 64 bits become the nearest float.

    Raises ``ValueError`` for anything else, saying where it is wrong.
    """
    try:
        import orjson
    except ImportError:
        return _load_slowly(payload)
    return orjson.loads(payload)


def _load_slowly(payload: str | bytes | bytearray | memoryview) -> Any:
    import json

    text = payload if isinstance(payload, str) else bytes(payload).decode()

    def refuse(name: str) -> None:
        place = _place_of_constant(text)
        raise json.JSONDecodeError(f"{name} is not JSON", text, place)

    try:
        return json.loads(
            text, parse_constant=refuse, parse_int=_integer, parse_float=_float
        )
    except (RecursionError, TypeError):  # PyPy's may come as a TypeError
        raise json.JSONDecodeError("nested too deep", text, 0) from None


def _place_of_constant(text: str) -> int:
    """Return where the first NaN or infinity outside of strings is."""
    import re

    found = re.finditer(r'"(?:\\.|[^"\\])*"|(NaN|-?Infinity)', text)
    return next(match.start() for match in found if match[1])


def _integer(digits: str) -> int | float:
    if len(digits) > 20:  # no more are needed for 64 bits and a sign
        return _float(digits)
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else _float(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is beyond all doubles")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def write_json(form: dict[str, Any]) -> str:
    """Write a JSON form as text, with well-formed characters.

    Raises ``ValueError`` with the path of what orjson can't write.
    """
    try:
        return dump(form)
    except TypeError:
        return dump(_writable("", form))


def dump(value: Any, indent: bool = False) -> str:
    """Write a JSON value as compact text, or indented by 2.

    Raises ``TypeError`` for what is not JSON, for integers beyond 64 bits and for
    lone surrogates.
    """
    try:
        import orjson
    except ImportError:
        return _dump_slowly(value, indent)
    option = orjson.OPT_INDENT_2 if indent else None
    return orjson.dumps(value, option=option).decode()


def _dump_slowly(value: Any, indent: bool) -> str:
    import json

    return json.dumps(
        _plain(value),
        ensure_ascii=False,
        indent=2 if indent else None,
        separators=(",", ": " if indent else ":"),
    )


def _plain(value: Any) -> Any:
    """Return a value as the module json writes it as orjson would."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value != well_formed(value):
            raise TypeError("a lone surrogate")
        return value
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a key that is no string")
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    raise TypeError(f"no JSON: {value!r}")


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
