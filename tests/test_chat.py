"""Chat completions: a test for each rule, and the given examples."""

from __future__ import annotations

from typing import Any

from harmony import HarmonyEncoding, chat
from support.convert import cases, check_chat_reply, check_prompt


@cases("chat_prompt")
def test_example_prompts(case: dict[str, Any], encoding: HarmonyEncoding) -> None:
    check_prompt(chat, case, encoding)


@cases("chat_reply")
def test_example_replies(case: dict[str, Any], encoding: HarmonyEncoding) -> None:
    check_chat_reply(case, encoding)
