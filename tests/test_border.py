"""Whatever Python hands to the extension: an answer, or an error that says why.

No crash, no ``SystemError``, no ``MemoryError``, nothing left behind: after each call
the same encoding still gives what it gave. ``--hypothesis-profile=many`` takes more.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from harmony import HarmonyEncoding
from support.border import CALLS, anything, check, words
from support.examples import times


@pytest.mark.parametrize("name", CALLS)
@times(3)
@given(first=anything, second=anything | words)
def test_whatever_comes_over_the_border(
    encoding: HarmonyEncoding, name: str, first: Any, second: Any
) -> None:
    check(encoding, CALLS[name], first, second)
