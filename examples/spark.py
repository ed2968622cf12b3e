# /// script
# dependencies = ["harmony-format[arrow]", "pyspark>=4"]
# ///
"""Chats to tokens and loss masks, with Spark, which needs Java.

uv run examples/spark.py chats.jsonl out
"""

import os
import sys

from pyspark.sql import SparkSession

from harmony.arrow import BatchRenderer

SCHEMA = "input_ids array<int>, loss_mask array<tinyint>, error string"


def main(source: str, target: str) -> None:
    """Render a file or a folder of chats to a folder of Parquet files."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.getOrCreate()
    render = BatchRenderer(date="2025-06-28", on_error="raise")
    chats = spark.read.json(source)
    made = chats.mapInArrow(lambda batches: map(render, batches), SCHEMA)
    made.write.parquet(target, compression="zstd")


if __name__ == "__main__":
    main(*sys.argv[1:])
