"""The command ``harmony`` run by a test, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from . import TEST_DATA

WEATHER = TEST_DATA / "weather.json"
WEATHER_TOKENS = TEST_DATA / "weather.tokens.json"


class Result(NamedTuple):
    status: int
    out: bytes
    err: str


Run = Callable[..., Result]


def ok(result: Result) -> bytes:
    assert result.err == ""
    assert result.status == 0
    return result.out


def tokens(result: Result) -> list[int]:
    out = ok(result)
    assert out.endswith(b"]\n")
    found: list[int] = json.loads(out)
    return found


def text(result: Result) -> str:
    return ok(result).decode()
