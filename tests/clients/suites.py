"""Which tests of which clients are run, how, and what their results are."""

from __future__ import annotations

import os
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]

Outcome: TypeAlias = dict[str, str]
"""What became of each test: ``passed``, ``skipped`` or ``failed``."""


@dataclass(frozen=True)
class Suite:
    """Tests of a client: files or folders of its tree, and options of pytest."""

    tests: tuple[str, ...]
    options: tuple[str, ...] = ()


_VLLM = "tests/entrypoints/openai"

SUITES = {
    "harmony": Suite(("tests",)),
    "gpt-oss": Suite(("tests",), ("-o", "asyncio_mode=auto")),
    "vllm": Suite(
        (
            "tests/parser/test_harmony.py",
            "tests/parser/test_chat_parsing.py",
            f"{_VLLM}/parser/test_harmony_utils.py",
            f"{_VLLM}/parser/test_harmony_render_parity.py",
            f"{_VLLM}/responses/test_harmony_utils.py",
            f"{_VLLM}/responses/test_response_input_to_harmony.py",
            f"{_VLLM}/responses/test_protocol.py",
            f"{_VLLM}/responses/test_streaming_events.py",
            f"{_VLLM}/responses/test_serving_responses.py",
            f"{_VLLM}/chat_completion/test_serving_chat.py",
            "tests/entrypoints/unit_tests/test_context.py",
            "tests/tool_parsers/test_structural_tag_registry.py",
        ),
        # Its conftest is for tests on a GPU.
        ("--noconftest", "-o", "asyncio_mode=auto", "-p", "stand_ins"),
    ),
    "lmdeploy": Suite(("tests/test_lmdeploy/serve/parsers/test_gpt_oss_parser.py",)),
    "sglang": Suite(
        (
            "test/registered/unit/entrypoints/openai",
            "test/registered/unit/parser/test_harmony_parser.py",
        ),
        ("--rootdir=.", "-o", "pythonpath=python", "-p", "stand_ins_sglang"),
    ),
}


def environment(side: str) -> dict[str, str]:
    """Return the environment in which ``openai_harmony`` is one or the other."""
    ours = [ROOT / "compat", ROOT] if side == "harmony" else []
    path = os.pathsep.join(map(str, [*ours, ROOT / "tests" / "clients"]))
    # Nothing is downloaded, and nothing written to the client's tree.
    fixed = {"HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **fixed, "PYTHONPATH": path}


def check_side(python: str, side: str) -> None:
    """Raise ``RuntimeError`` if ``openai_harmony`` is not that of the side."""
    code = "import openai_harmony; print(hasattr(openai_harmony, 'WarningKind'))"
    done = subprocess.run(
        [python, "-c", code], env=environment(side), capture_output=True, text=True
    )
    if done.stdout.strip() != str(side == "harmony"):
        raise RuntimeError(f"no openai_harmony for {side!r} in {python}: {done.stderr}")


def run_suite(
    suite: Suite, tree: Path, python: str, side: str, timeout: int
) -> Outcome:
    """Run a suite in its tree on ``reference`` or ``harmony``."""
    check_side(python, side)
    tests = [name for name in suite.tests if (tree / name).exists()]
    if not tests:
        raise FileNotFoundError(f"{tree} has none of {', '.join(suite.tests)}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [
            *[python, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            *["--continue-on-collection-errors", f"--junit-xml={report}"],
            *[*suite.options, *tests],
        ]
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment(side),
            timeout=timeout,
            capture_output=True,
            text=True,
        )
        if not report.exists():
            raise RuntimeError(f"{tree}: pytest made no report: {done.stdout[-2000:]}")
        return read_report(report)


def read_report(path: Path) -> Outcome:
    """Return the outcome of each test of a JUnit report."""
    outcome: Outcome = {}
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        found = {part.tag for part in case}
        outcome[name] = (
            "failed"
            if found & {"failure", "error"} or outcome.get(name) == "failed"
            else "skipped"
            if "skipped" in found
            else "passed"
        )
    return outcome


def differences(theirs: Outcome, ours: Outcome) -> list[str]:
    """Return a line for each test whose outcome is not the same on both."""
    return [
        f"{name}: {theirs.get(name, 'not run')} on openai-harmony, "
        f"{ours.get(name, 'not run')} on harmony"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name) != ours.get(name)
    ]


def table(results: Mapping[str, tuple[Outcome, Outcome]]) -> str:
    """Return a Markdown table, a line to a suite: how many tests passed."""
    lines = [
        "| suite | tests | on openai-harmony | on harmony | differences |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, (theirs, ours) in results.items():
        passed = [Counter(side.values())["passed"] for side in (theirs, ours)]
        numbers = [len(theirs.keys() | ours.keys()), *passed]
        cells = [name, *map(str, [*numbers, len(differences(theirs, ours))])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
