"""As a drop-in: the name openai_harmony, and what clients do with the objects."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import harmony
from harmony import (
    HarmonyEncoding,
    Message,
    Role,
    StreamState,
    load_harmony_encoding,
    recovering,
)
from harmony.compat import VARIABLE, public_names
from support import ROOT

CLIENTS_IMPORT = {
    "Author",
    "ChannelConfig",
    "Content",
    "Conversation",
    "DeveloperContent",
    "HarmonyEncoding",
    "HarmonyEncodingName",
    "HarmonyError",
    "Message",
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderOptions",
    "Role",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "ToolDescription",
    "ToolNamespaceConfig",
    "load_harmony_encoding",
}

CLIENT = ROOT / "tests" / "support" / "client.py"


def run(
    code: str, *paths: Path, variable: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run code in a new process, with HARMONY_ON_ERROR set to something."""
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    if variable is not None:
        environment[VARIABLE] = variable
    lines = ["import sys", *(f"sys.path.insert(0, {str(path)!r})" for path in paths)]
    return subprocess.run(
        [sys.executable, "-c", "\n".join([*lines, code])],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        env=environment,
    )


def test_all_names_that_clients_import_are_there() -> None:
    assert set(harmony.__all__) >= CLIENTS_IMPORT


def test_a_client_runs_unchanged_with_the_compat_distribution() -> None:
    result = run(f"exec(open({str(CLIENT)!r}).read())", ROOT / "compat")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "final 4. 64"


def test_a_client_runs_unchanged_after_install() -> None:
    install = "import harmony.compat; harmony.compat.install()"
    result = run(f"{install}\nexec(open({str(CLIENT)!r}).read())")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "final 4. 64"


def test_install_says_so_if_the_real_one_is_imported(tmp_path: Path) -> None:
    (tmp_path / "openai_harmony.py").write_text("Message = object")
    code = "import openai_harmony, harmony.compat as c; c.install()"
    result = run(code, tmp_path)
    assert result.returncode == 1
    assert f"openai_harmony is already imported, from {tmp_path}" in result.stderr


def test_the_compat_distribution_gives_the_same_objects() -> None:
    code = (
        "import harmony, openai_harmony as other\n"
        "assert other.__all__ == harmony.__all__\n"
        "assert other.Message is harmony.Message"
    )
    assert run(code, ROOT / "compat").returncode == 0


BROKEN = """
from openai_harmony import *
encoding = load_harmony_encoding("HarmonyGptOss")
text = "<|channel|>commentary to=functions.f json {}<|call|>"
tokens = encoding.encode(text, allowed_special="all")
parser = StreamableParser(encoding, role=Role.ASSISTANT)
for token in tokens:
    parser.process(token)
parse = encoding.parse_messages_from_completion_tokens
print(parser.process_eos().messages == parse(tokens, Role.ASSISTANT) != [])
"""
INSTALL = "import harmony.compat; harmony.compat.install({})\n"


@pytest.mark.parametrize("argument", ["'recover'", "on_error='recover'"])
def test_install_can_make_parsers_that_never_fail(argument: str) -> None:
    result = run(INSTALL.format(argument) + BROKEN)
    assert result.stdout == "True\n", result.stderr


def test_the_variable_makes_parsers_of_both_that_never_fail() -> None:
    for code, path in ((BROKEN, [ROOT / "compat"]), (INSTALL.format("") + BROKEN, [])):
        assert "ParseError" in run(code, *path).stderr
        assert "ParseError" in run(code, *path, variable="raise").stderr
        result = run(code, *path, variable="recover")
        assert result.stdout == "True\n", result.stderr


def test_an_argument_goes_before_the_variable() -> None:
    code = INSTALL.format("on_error='raise'") + BROKEN
    assert "ParseError" in run(code, variable="recover").stderr


def test_another_value_is_refused() -> None:
    complaint = "ValueError: HARMONY_ON_ERROR: expected 'raise' or 'recover', got 'no'"
    for code, path in ((BROKEN, [ROOT / "compat"]), (INSTALL.format("") + BROKEN, [])):
        assert complaint in run(code, *path, variable="no").stderr
    with pytest.raises(ValueError, match=r"^on_error: expected 'raise' or"):
        public_names("no")  # type: ignore[arg-type]


def test_a_second_install_does_nothing_if_it_asks_for_the_same() -> None:
    twice = INSTALL.format("'recover'") * 2 + INSTALL.format("{}")
    assert run(twice.format("'recover'") + BROKEN).stdout == "True\n"
    other = run(INSTALL.format("'recover'") + INSTALL.format("'raise'"))
    assert "ImportError: openai_harmony is already imported" in other.stderr


def test_what_recovers_is_the_same_but_for_its_default(
    encoding: HarmonyEncoding,
) -> None:
    names = public_names("recover")
    assert names.keys() == set(harmony.__all__)
    changed = {name for name in names if names[name] is not getattr(harmony, name)}
    assert changed == {"HarmonyEncoding", "StreamableParser", "load_harmony_encoding"}
    ours = recovering.load_harmony_encoding("HarmonyGptOss")
    assert ours is recovering.load_harmony_encoding("HarmonyGptOss")
    assert isinstance(ours, HarmonyEncoding)
    assert ours.encode("hello world") == encoding.encode("hello world")
    assert pickle.loads(pickle.dumps(ours)) is ours is copy.deepcopy(ours)


def test_what_recovers_raises_if_it_is_told_to() -> None:
    ours = recovering.load_harmony_encoding("HarmonyGptOss")
    with pytest.raises(harmony.ParseError):
        ours.parse_messages_from_completion_tokens([200008], on_error="raise")
    assert ours.parse_messages_from_completion_tokens([200008, 1]) != []
    with pytest.raises(harmony.ParseError):
        recovering.StreamableParser(ours, None, on_error="raise").process(200008)
    prompt = ours.encode("<|start|>assistant", allowed_special="all")
    after = recovering.StreamableParser.after(ours, prompt)
    assert type(after) is recovering.StreamableParser
    assert after.process(200007).process(200012).warnings
    raising = recovering.StreamableParser.after(ours, prompt, on_error="raise")
    with pytest.raises(harmony.ParseError):
        raising.process(200007).process_eos()


def test_the_main_distribution_has_no_module_openai_harmony() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    packages = pyproject.partition("packages = [")[2].partition("]")[0]
    assert '"harmony"' in packages and "openai_harmony" not in packages


# What clients do


def test_roles_are_strings() -> None:
    assert Role("assistant") is Role.ASSISTANT
    role: str = Role.ASSISTANT
    assert role == "assistant"
    message: Any = Message.from_role_and_content("user", "hi")
    assert message.author.role == "user" and message.content[0].text == "hi"


def test_an_encoding_is_pickled_and_copied_by_name(encoding: HarmonyEncoding) -> None:
    data = pickle.dumps(encoding)
    assert len(data) < 200
    assert pickle.loads(data) is encoding
    assert copy.copy(encoding) is encoding
    assert copy.deepcopy({"encoding": encoding})["encoding"] is encoding


def test_an_encoding_from_a_path_is_pickled_with_it(tiktoken_file: Path) -> None:
    encoding = load_harmony_encoding("HarmonyGptOss", vocabulary=tiktoken_file)
    assert pickle.loads(pickle.dumps(encoding)) is encoding


def test_encodings_and_messages_go_through_a_process_pool(
    encoding: HarmonyEncoding,
) -> None:
    message = Message.from_role_and_content("user", "hi")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        tokens = pool.submit(HarmonyEncoding.render, encoding, message).result()
    assert tokens == encoding.render(message)


def test_the_inner_encoding_decodes_bytes(encoding: HarmonyEncoding) -> None:
    assert encoding._inner.decode_bytes([9552]) == b" \xf0\x9f"


def test_errors_are_runtime_errors(encoding: HarmonyEncoding) -> None:
    with pytest.raises(RuntimeError, match="Invalid token for decoding: 99999999"):
        encoding.decode([99999999])
    with pytest.raises(RuntimeError, match="Tools should have a name!"):
        encoding.render(Message("tool", "x"))


def test_stream_states_have_the_names_of_the_reference() -> None:
    assert [state.name for state in StreamState] == [
        "EXPECT_START",
        "HEADER",
        "CONTENT",
    ]
    assert [state.value for state in StreamState] == [
        "ExpectStart",
        "Header",
        "Content",
    ]
