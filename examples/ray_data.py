# /// script
# dependencies = ["harmony-format[arrow]", "ray[data]>=2.40"]
# ///
"""Chats to tokens and loss masks, with Ray Data: on one machine or on a cluster.

uv run examples/ray_data.py chats.jsonl out
"""

import sys

import ray

from harmony.arrow import BatchRenderer


def main(source: str, target: str) -> None:
    """Render a file or a folder of chats to a folder of Parquet files."""
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    ray.data.read_json(source).map_batches(
        BatchRenderer,
        fn_constructor_kwargs={"date": "2025-06-28", "on_error": "raise"},
        batch_format="pyarrow",
        concurrency=1,
        num_cpus=0.5,  # on small machines there is a reader beside it
    ).write_parquet(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
