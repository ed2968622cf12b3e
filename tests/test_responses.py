"""The Responses API: a test for each rule, and the given examples."""

from __future__ import annotations

from typing import Any

from harmony import HarmonyEncoding, responses
from support.convert import cases, check_prompt, check_responses_reply


@cases("responses_prompt")
def test_example_prompts(case: dict[str, Any], encoding: HarmonyEncoding) -> None:
    check_prompt(responses, case, encoding)


@cases("responses_reply")
def test_example_replies(case: dict[str, Any], encoding: HarmonyEncoding) -> None:
    check_responses_reply(case, encoding)
