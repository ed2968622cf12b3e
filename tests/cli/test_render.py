"""``harmony render``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harmony import (
    Conversation,
    DeveloperContent,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    Role,
    ToolDescription,
)
from harmony.vocabulary import FOLDER_VARIABLE
from support import TEST_DATA
from support.command import WEATHER, WEATHER_TOKENS, Run, text, tokens


def test_render_gives_the_tokens_that_the_reference_gave(run: Run) -> None:
    assert tokens(run("render", WEATHER)) == json.loads(WEATHER_TOKENS.read_bytes())


@pytest.mark.reference
def test_the_reference_still_gives_them(reference: Any) -> None:
    module = reference.module
    talk = module.Conversation.from_json(WEATHER.read_text(encoding="utf-8"))
    role = module.Role.ASSISTANT
    found = reference.encoding.render_conversation_for_completion(talk, role)
    assert found == json.loads(WEATHER_TOKENS.read_bytes())


@pytest.mark.reference
def test_the_weather_files_are_what_their_script_writes(tiktoken_file: Path) -> None:
    pytest.importorskip("openai_harmony")
    done = subprocess.run(
        [sys.executable, TEST_DATA / "make_weather.py", "--check"],
        env={**os.environ, FOLDER_VARIABLE: str(tiktoken_file.parent)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_render_is_for_completion_by_the_assistant_unless_told_otherwise(
    run: Run, encoding: HarmonyEncoding, weather: Conversation
) -> None:
    plain = tokens(run("render", WEATHER))
    assert plain == encoding.render_conversation_for_completion(weather, "assistant")
    assert plain == tokens(run("render", WEATHER, "--for", "completion"))
    assert plain == tokens(run("render", "--role=assistant", WEATHER))


@pytest.mark.parametrize("role", list(Role))
def test_render_begins_the_next_message_by_any_role(
    run: Run, encoding: HarmonyEncoding, weather: Conversation, role: Role
) -> None:
    found = tokens(run("render", WEATHER, "--role", role.value))
    assert found == encoding.render_conversation_for_completion(weather, role)


def test_render_for_training_and_for_a_conversation(
    run: Run, encoding: HarmonyEncoding, weather: Conversation
) -> None:
    training = tokens(run("render", WEATHER, "--for", "training"))
    assert training == encoding.render_conversation_for_training(weather)
    conversation = tokens(run("render", WEATHER, "--for", "conversation"))
    assert conversation == encoding.render_conversation(weather)
    assert (training[-1], conversation[-1]) == (200002, 200007)


@pytest.mark.parametrize("purpose", ["completion", "training", "conversation"])
def test_render_keeps_analysis_if_told_to(
    run: Run, encoding: HarmonyEncoding, weather: Conversation, purpose: str
) -> None:
    dropped = text(run("render", WEATHER, "--text", "--for", purpose))
    assert "<|channel|>analysis" not in dropped
    kept = text(run("render", WEATHER, "--text", "--for", purpose, "--keep-analysis"))
    assert kept.count("<|channel|>analysis<|message|>The user wants") == 1
    if purpose == "conversation":
        config = RenderConversationConfig(auto_drop_analysis=False)
        whole = encoding.render_conversation(weather, config)
        assert kept == encoding.decode_utf8(whole)


@pytest.mark.parametrize("rule", ["never", "upstream", "per_turn"])
@pytest.mark.parametrize("header", ["template", "model"])
def test_render_takes_a_rule_and_a_header(
    run: Run, encoding: HarmonyEncoding, tmp_path: Path, rule: str, header: str
) -> None:
    talk = Conversation(
        [
            Message("assistant", "a", "analysis"),
            Message("assistant", "{}", "commentary", "functions.f"),
            Message("assistant", "b", "final"),
            Message("assistant", "c", "analysis"),
            Message("assistant", "d", "final"),
            Message("assistant", "e", "analysis"),
        ]
    )
    path, out = tmp_path / "talk.jsonl", tmp_path / "out.jsonl"
    path.write_text(talk.to_json())
    config = RenderConversationConfig(
        drop_analysis=rule, channel_first=header == "model"
    )
    wanted = encoding.render_conversation_for_completion(talk, "assistant", config)
    options = ("--drop-analysis", rule, "--header", header)
    assert tokens(run("render", path, *options)) == wanted
    if rule == "never":
        assert tokens(run("render", path, *options, "--keep-analysis")) == wanted
    run("render", path, *options, "--jsonl", "--out", out, "--processes", "1")
    assert json.loads(out.read_text()) == wanted


def test_render_in_either_form_of_schemas(run: Run, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"const": 1}}}
    tools = [ToolDescription("f", None, schema)]
    content = DeveloperContent().with_function_tools(tools)
    path, out = tmp_path / "talk.json", tmp_path / "out.jsonl"
    talk = Conversation([Message("developer", content)])
    path.write_text(talk.to_json(), encoding="utf-8")
    for form, line in (("reference", "a?: any,"), ("complete", "a?: 1,")):
        result = run("render", path, "--text", "--schemas", form)
        assert f"\n{line}\n" in text(result)
        run("render", path, "--schemas", form, "--jsonl", "--out", out)
        wanted = tokens(run("render", path, "--schemas", form))
        assert json.loads(out.read_text()) == wanted


@pytest.mark.parametrize("rule", ["upstream", "per_turn"])
def test_render_refuses_a_contradiction(run: Run, rule: str) -> None:
    result = run("render", WEATHER, "--keep-analysis", "--drop-analysis", rule)
    wanted = f"--keep-analysis contradicts --drop-analysis {rule}\n"
    assert result.status == 2
    assert result.err.endswith(wanted)


def test_render_text_is_the_prompt_and_nothing_else(
    run: Run, encoding: HarmonyEncoding
) -> None:
    prompt = text(run("render", WEATHER, "--text"))
    assert prompt == encoding.decode_utf8(json.loads(WEATHER_TOKENS.read_bytes()))
    assert prompt.startswith("<|start|>system<|message|>You are ChatGPT")
    assert prompt.endswith("<|end|><|start|>assistant")


def test_render_reads_standard_input(run: Run) -> None:
    assert run("render", "-", stdin=WEATHER.read_bytes()) == run("render", WEATHER)


@pytest.mark.parametrize("option", ["--processes 2", "--on-error stop", "--resume"])
def test_options_of_jsonl_without_it_are_not_ignored(run: Run, option: str) -> None:
    """``harmony render --on-error skip FILE`` used to do what it does without."""
    result = run("render", WEATHER, *option.split())
    assert (result.status, result.out) == (2, b"")
    name = option.split()[0]
    assert result.err.endswith(f"error: {name} goes with --jsonl and --out\n")
