"""The examples of engines give what the plain loop gives, on 20,000 rows.

Each runs as its first lines say, but in this environment; CI has one of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from harmony import chat, load_harmony_encoding, training
from support import ROOT
from support.rows import chat_row

pytestmark = pytest.mark.slow
DATE = "2025-06-28"
COUNT = 20_000


def row_of(number: int) -> dict[str, Any]:
    """Return a row whose tools are JSON text: Spark sorts the keys of structs."""
    row = chat_row(number, turns=1 + number % 3, tools=number % 4 == 0)
    return {**row, "tools": json.dumps(row["tools"]) if "tools" in row else None}


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engines") / "chats.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(COUNT):
            file.write(json.dumps(row_of(number), ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def wanted() -> list[tuple[list[int], list[int]]]:
    encoding = load_harmony_encoding("HarmonyGptOss")
    found = []
    for number in range(COUNT):
        row = row_of(number)
        if row["tools"] is not None:
            row["tools"] = json.loads(row["tools"])
        talk = chat.prompt(row, date=DATE).conversation
        made = training.example(encoding, talk)
        found.append((made.tokens.tolist(), made.mask.tolist()))
    return found


@pytest.mark.parametrize(
    ("example", "needs"),
    [("datasets_map", "datasets"), ("ray_data", "ray"), ("spark", "pyspark")],
)
def test_an_engine_gives_what_the_plain_loop_gives(
    example: str, needs: str, chats: Path, wanted: Any, tmp_path: Path
) -> None:
    if find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    if needs == "pyspark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    pq = pytest.importorskip("pyarrow.parquet")
    target = tmp_path / "out.parquet"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{example}.py", chats, target],
        env={**os.environ, "PYTHONPATH": path, "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    table = pq.read_table(target)
    ids, mask = table["input_ids"].to_pylist(), table["loss_mask"].to_pylist()
    assert list(zip(ids, mask, strict=True)) == wanted


@pytest.mark.parametrize("name", ["datasets_map", "ray_data", "spark"])
def test_an_example_is_short_and_says_how_it_is_started(name: str) -> None:
    lines = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line and not line.startswith(("#", '"""'))]
    assert len(code) < 30
    assert lines[0] == "# /// script"
    assert f"uv run examples/{name}.py" in "\n".join(lines[:10])
