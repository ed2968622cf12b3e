"""What rows are in tables: structs with nulls for missing keys, or JSON text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harmony._model.jsontext import load


def pruned(value: Any) -> Any:
    """Return a value without what is null: structs have all keys that any row has."""
    if isinstance(value, list):
        return [pruned(item) for item in value]
    if isinstance(value, dict):
        return {key: pruned(item) for key, item in value.items() if item is not None}
    return value


def unpacked(value: Any, read: Callable[[str | bytes], Any] = load) -> Any:
    """Return what JSON text says, or a list of such text; any other value as it is.

    Raises ``ValueError`` for text that is no JSON.
    """
    if _is_text(value):
        return read(value)
    if isinstance(value, list) and any(map(_is_text, value)):
        return [read(item) if _is_text(item) else item for item in value]
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, (str, bytes))
