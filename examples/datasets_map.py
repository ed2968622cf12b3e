# /// script
# dependencies = ["harmony-format[arrow]", "datasets>=3"]
# ///
"""Chats to tokens and loss masks, with Hugging Face datasets.

uv run examples/datasets_map.py chats.jsonl out.parquet
"""

import sys
from typing import Any

from datasets import load_dataset

from harmony.arrow import BatchRenderer


def main(source: str, target: str) -> None:
    """Render a file of chats."""
    render = BatchRenderer(date="2025-06-28", on_error="raise")
    chats: Any = load_dataset("json", data_files=source, split="train")
    columns = chats.column_names
    tables = chats.with_format("arrow")
    tables.map(render, batched=True, remove_columns=columns).to_parquet(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
