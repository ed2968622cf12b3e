"""Against openai-harmony 0.0.8: rendering and parsing, generated.

``HARMONY_DIFFERENTIAL`` is the number of cases of each kind, 100 by default;
``HARMONY_SEED`` the first seed, so that a long run can be split.
"""

from __future__ import annotations

import os
from functools import partial
from random import Random
from typing import Any

import pytest

import harmony
from harmony import HarmonyEncoding
from support import differential
from support.differential import HARMONY_ERROR

SEED = int(os.environ.get("HARMONY_SEED", "1"))
SEEDS = range(SEED, SEED + 2 * differential.COUNT)

pytestmark = pytest.mark.reference


def test_conversations_are_rendered_alike(
    encoding: HarmonyEncoding, reference: Any
) -> None:
    for seed in SEEDS:
        ours = differential.rendered(seed, harmony, encoding)
        theirs = differential.rendered(seed, reference.module, reference.encoding)
        if theirs["messages"] == HARMONY_ERROR == ours["conversation"]:
            # A content in the wrong place is an error with us also in a message that
            # is left out (docs/differences.md).
            ours = {"messages": ours["messages"]}
        for way, tokens in ours.items():
            assert tokens == theirs[way], f"seed {seed}, {way}"


def test_tokens_are_parsed_alike_one_by_one(
    encoding: HarmonyEncoding, reference: Any
) -> None:
    tokens = differential.Tokens(encoding)
    theirs, ours = (
        differential.their_parser(reference),
        differential.our_parser(encoding),
    )
    for seed in SEEDS:
        random = Random(seed)
        case = tokens.sequence(random)
        role = random.choice([None, "assistant", "user", "tool", "system"])
        strict = random.random() < 0.6

        def difference(
            tokens: list[int], role: str | None = role, strict: bool = strict
        ) -> str | None:
            return differential.first_difference(tokens, role, strict, theirs, ours)

        if difference(case):
            least = differential.shortest(case, lambda t: difference(t) is not None)
            pytest.fail(f"seed {seed}: {difference(least)}")


def test_tokens_are_parsed_alike_at_once(
    encoding: HarmonyEncoding, reference: Any
) -> None:
    tokens = differential.Tokens(encoding)
    for seed in SEEDS:
        random = Random(seed)
        case = tokens.sequence(random)
        role = random.choice([None, "assistant", "user", "tool"])
        strict = random.random() < 0.6
        results = [
            differential.outcome(
                partial(
                    library.parse_messages_from_completion_tokens,
                    case,
                    None if role is None else kind(role),
                    strict=strict,
                )
            )
            for library, kind in (
                (encoding, harmony.Role),
                (reference.encoding, reference.module.Role),
            )
        ]
        forms = [
            result
            if isinstance(result, str)
            else [differential.message_form(message) for message in result]
            for result in results
        ]
        assert forms[0] == forms[1], f"seed {seed}: {case} {role=} {strict=}"


def test_no_character_reaches_across_the_channel_marker(
    encoding: HarmonyEncoding, reference: Any
) -> None:
    """The bytes around the marker made a character together, and were accepted."""
    assert encoding.decode([18359, 173697]).strip().isalpha()
    difference = differential.first_difference(
        [18359, 200005, 173697, 200008],
        "assistant",
        True,
        differential.their_parser(reference),
        differential.our_parser(encoding),
    )
    assert difference is None, difference
