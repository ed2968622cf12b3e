"""What each property of a StreamableParser costs as a message grows.

Run it: ``python tests/benchmarks/parser_properties.py``. It prints nanoseconds a read,
the best of several tries, at 10, 1 000 and 100 000 tokens of content.
"""

from __future__ import annotations

from timeit import repeat

from harmony import Role, StreamableParser, load_harmony_encoding

SIZES = (10, 1_000, 100_000)
FLAT = (
    "state",
    "current_role",
    "current_channel",
    "current_recipient",
    "current_content_type",
    "last_content_delta",
    "messages",
)
READS = 5_000


def parser_with(size: int) -> StreamableParser:
    """Return a parser with two finished messages and `size` tokens of a third."""
    encoding = load_harmony_encoding("HarmonyGptOss")
    done = "<|channel|>analysis<|message|>hi<|end|><|start|>assistant" * 2
    header = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>"
    parser = StreamableParser(encoding, Role.ASSISTANT)
    parser.feed(encoding.encode(done + header, allowed_special="all"))
    parser.feed(encoding.encode(" word" * size))
    return parser


def nanoseconds(parser: StreamableParser, name: str) -> float:
    """Return the time of one read of a property."""
    times = repeat(lambda: getattr(parser, name), number=READS, repeat=7)
    return min(times) / READS * 1e9


def main() -> None:
    """Print the table."""
    parsers = [parser_with(size) for size in SIZES]
    print(f"{'ns a read, at tokens:':24}", *(f"{size:>9,}" for size in SIZES))
    for name in FLAT:
        print(
            f"{name:24}", *(f"{nanoseconds(parser, name):9.0f}" for parser in parsers)
        )


if __name__ == "__main__":
    main()
