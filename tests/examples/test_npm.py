"""The example server by the real ``openai`` client of npm."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.serving import served

CLIENT = Path(__file__).parent / "client.mjs"
PACKAGE = "openai@6.49.0"
ANSWER = "<|channel|>final<|message|>2 + 2 = 4.<|return|>"
CALL = (
    "<|channel|>analysis<|message|>Look.<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.get_weather "
    '<|constrain|>json<|message|>{"city":"Rome"}<|call|>'
)
SAID = {
    "chat": {
        "role": "assistant",
        "content": "2 + 2 = 4.",
        "refusal": None,
        "reasoning": None,
    },
    "chat stream": 2 * ["2 + 2 = 4."],
    "chat tool": "2 + 2 = 4.",
    "call": ["get_weather", {"city": "Rome"}],
    "response stream": ["2 + 2 = 4.", "response.completed"],
    "together": 8 * ["2 + 2 = 4."],
    "left": True,
    "faults": [[400, "messages"], [400, "messages[0].role"]],
}


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """The client in a folder that has the package."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("there is no node")
    command = [npm, "install", "--no-audit", "--no-fund", PACKAGE]
    if subprocess.run(command, cwd=tmp_path, timeout=300).returncode:
        pytest.skip("the registry can't be reached")
    return Path(shutil.copy(CLIENT, tmp_path))


@pytest.mark.slow
def test_the_client_of_npm(client: Path) -> None:
    texts = [ANSWER, ANSWER, CALL, ANSWER, CALL, *10 * [ANSWER]]
    with served(texts) as run:
        done = subprocess.run(
            ["node", client, run.url], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = dict(map(json.loads, done.stdout.splitlines()))
    assert said == SAID
    assert "<|message|>sunny in Rome<|end|>" in run.prompts[3]
    assert run.prompts[5].startswith(run.prompts[4] + CALL)
