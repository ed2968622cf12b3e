"""Agents that people use, against the example server: ``nox -s clients``.

Not collected by default: it installs the Codex CLI from npm, and needs openai-agents.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.serving import Served, openai, served

NPM = shutil.which("npm")
CODEX = "@openai/codex@0.169.0"
CONFIGURATION = """\
model = "gpt-oss-20b"
model_provider = "harmony"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.harmony]
name = "harmony"
base_url = "{url}"
wire_api = "responses"
"""
FINAL = "<|channel|>final<|message|>{}<|return|>"


def call(name: str, arguments: dict[str, Any]) -> str:
    """Return what the model writes to call a tool, reasoning and preamble included."""
    return (
        "<|channel|>analysis<|message|>A tool knows.<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>Let me look.<|end|>"
        f"<|start|>assistant<|channel|>commentary to=functions.{name} "
        f"<|constrain|>json<|message|>{json.dumps(arguments)}<|call|>"
    )


@pytest.mark.skipif(not NPM, reason="there is no npm")
def test_codex_runs_a_command_and_says_what_it_printed(tmp_path: Path) -> None:
    assert NPM
    subprocess.run([NPM, "install", "--prefix", tmp_path, CODEX], check=True)
    codex = tmp_path / "node_modules" / ".bin" / "codex"
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    command = call("exec_command", {"cmd": "echo $((6 * 7)) > made; cat made"})
    with served([command, FINAL.format("It printed 42.")]) as run:
        (home / "config.toml").write_text(CONFIGURATION.format(url=run.url))
        done = subprocess.run(
            [
                str(codex),
                "exec",
                "--skip-git-repo-check",
                "--sandbox",
                "workspace-write",
            ]
            + ["What is 6 * 7?"],
            cwd=work,
            env={**os.environ, "CODEX_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
    print(done.stderr + done.stdout)
    assert done.stdout == "It printed 42.\n"
    assert (work / "made").read_text() == "42\n"
    prompts = run.prompts
    assert prompts[0].endswith("What is 6 * 7?<|end|><|start|>assistant")
    assert "type exec_command = (_: {" in prompts[0]
    assert "type multi_agent_v1__" in prompts[0]
    assert prompts[1].startswith(prompts[0] + command)
    result = prompts[1][len(prompts[0] + command) :]
    start = (
        "<|start|>functions.exec_command to=assistant<|channel|>commentary<|message|>"
    )
    assert result.startswith(start)
    assert "\n42\n" in result


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_agents_sdk_runs_a_tool_and_goes_on(api: str, stream: bool) -> None:
    command = call("get_weather", {"city": "Rome"})
    with served([command, FINAL.format("It is sunny in Rome.")]) as run:
        said, asked = asyncio.run(weather_agent(run, api, stream))
    print(api, "streamed" if stream else "whole", said, sep=": ")
    assert said == "It is sunny in Rome."
    assert asked == ["Rome"]
    assert "type get_weather = (_: {" in run.prompts[0]
    assert "<|message|>sunny in Rome<|end|>" in run.prompts[1]
    assert run.prompts[1].startswith(run.prompts[0] + command)


async def weather_agent(run: Served, api: str, stream: bool) -> tuple[str, list[str]]:
    """Ask an agent about the weather; return its answer, and which cities it tried."""
    agents = pytest.importorskip("agents")
    agents.set_tracing_disabled(True)
    cities = []

    def get_weather(city: str) -> str:
        """Tell the weather."""
        cities.append(city)
        return f"sunny in {city}"

    kinds = {
        "chat": agents.OpenAIChatCompletionsModel,
        "responses": agents.OpenAIResponsesModel,
    }
    async with openai.AsyncOpenAI(
        base_url=run.url, api_key="none", max_retries=0
    ) as client:
        agent = agents.Agent(
            name="Forecaster",
            instructions="Be brief.",
            tools=[agents.function_tool(get_weather)],
            model=kinds[api](model="gpt-oss-20b", openai_client=client),
        )
        if stream:
            result = agents.Runner.run_streamed(agent, "And Rome?")
            async for _event in result.stream_events():
                pass
        else:
            result = await agents.Runner.run(agent, "And Rome?")
    return result.final_output, cities
