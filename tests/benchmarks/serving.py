"""Two threads that turn streams of tokens into server-sent events, C and reference.

Run it: ``python -m tests.benchmarks.serving`` (with the extra ``reference``, a C
compiler and make). Both sides do the same: csrc/examples/serve.c with harmony, and
``Server`` here with openai-harmony's StreamableParser, each with two threads of 64 open
streams. First their events are compared; then they take turns, each in a process of its
own, writing to /dev/null, and the ratio is the median over the rounds.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from pydoc_data import topics
from typing import Any

from .vocabularies import COMPACT, read_merges, tiktoken_file, token_bytes

ROOT = Path(__file__).parents[2]
OPEN_STREAMS = 64
COMPLETIONS = 100
THREADS = 2
ROUNDS = 7
TIMES = {"harmony": 200, "openai-harmony": 10}
"""How often each completion is a stream, so that both take about as long."""


def completions() -> Iterator[str]:
    """Yield the texts of completions: thoughts, and an answer or a tool call."""
    text = " ".join(" ".join(topics.topics.values()).split())
    words = textwrap.wrap(re.sub(r"[<>|]", "", text), 1600)
    for number, answer in enumerate(words[:COMPLETIONS]):
        yield f"<|channel|>analysis<|message|>{answer[:400]}<|end|><|start|>assistant"
        if number % 4 == 0:
            call = json.dumps({"query": answer[400:700]})
            yield "<|channel|>commentary to=functions.search <|constrain|>json"
            yield f"<|message|>{call}<|call|>\n"
        else:
            yield f"<|channel|>final<|message|>{answer[400:]}<|return|>\n"


# The reference's side


class Server:
    """What serve.c does, with openai-harmony."""

    def __init__(self, lines: list[str], times: int) -> None:
        """Make the streams, before the clock starts."""
        import openai_harmony

        self.library: Any = openai_harmony
        self.encoding = openai_harmony.load_harmony_encoding("HarmonyGptOss")
        self.streams = [
            self.encoding.encode(line.rstrip("\n"), allowed_special="all")
            for line in lines
        ]
        self.numbers = iter(range(len(self.streams) * times))
        self.lock = threading.Lock()

    def next_stream(self) -> int | None:
        """Return the number of the next stream."""
        with self.lock:
            return next(self.numbers, None)

    @staticmethod
    def send(kind: str, **data: Any) -> None:
        """Write an event; what is None is left out."""
        given = {name: value for name, value in data.items() if value is not None}
        text = json.dumps(given, ensure_ascii=False)
        sys.stdout.buffer.write(f"event: {kind}\ndata: {text}\n\n".encode())

    def prompt_tokens(self, number: int) -> int:
        """Render the prompt."""
        library = self.library
        question = library.Message.from_role_and_content(
            library.Role.USER, f"What is {number} times two?"
        )
        return len(
            self.encoding.render_conversation_for_completion(
                library.Conversation.from_messages([question]), library.Role.ASSISTANT
            )
        )

    def stream(self, number: int) -> Iterator[None]:
        """Serve one stream; each step takes a token."""
        library = self.library
        parser = library.StreamableParser(
            self.encoding, library.Role.ASSISTANT, strict=False
        )
        self.send("begin", stream=number, prompt_tokens=self.prompt_tokens(number))
        stops = set(self.encoding.stop_tokens())
        for token in self.streams[number % len(self.streams)]:
            parser.process(token)
            if delta := parser.last_content_delta:
                self.send(
                    "delta", stream=number, channel=parser.current_channel, text=delta
                )
            if token in stops:
                message = parser.messages[-1]
                self.send(
                    "message",
                    stream=number,
                    channel=message.channel,
                    recipient=message.recipient,
                    text=message.content[0].text,
                )
            yield
        parser.process_eos()

    def work(self) -> None:
        """Hold streams open and take a token of each in turn."""
        streams: list[Iterator[None]] = []
        while True:
            while len(streams) < OPEN_STREAMS:
                number = self.next_stream()
                if number is None:
                    break
                streams.append(self.stream(number))
            if not streams:
                return
            streams = [stream for stream in streams if next(stream, self) is None]

    def run(self, threads: int) -> None:
        """Serve all streams, and say how long it took as serve.c does."""
        workers = [threading.Thread(target=self.work) for _ in range(threads)]
        start = time.monotonic()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds = time.monotonic() - start
        print(f"{seconds:.3f} seconds", file=sys.stderr)


# Comparing


def commands(serve: Path, lines: Path) -> dict[str, list[str]]:
    """Return what to run for each side."""
    reference = [sys.executable, "-m", "tests.benchmarks.serving", str(lines)]
    return {
        "harmony": [str(serve), str(COMPACT), str(lines), str(THREADS)],
        "openai-harmony": [*reference, str(THREADS)],
    }


def run(command: list[str], times: int, output: Any) -> tuple[float, str]:
    """Run one side: seconds, and the events if output is a pipe."""
    result = subprocess.run(
        [*command, str(times)],
        cwd=ROOT,
        stdout=output,
        stderr=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    )
    seconds = re.search(r"([\d.]+) seconds", result.stderr)
    assert seconds, result.stderr
    return float(seconds[1]), result.stdout or ""


def events(text: str) -> dict[int, list[Any]]:
    """Return the events of each stream, in order."""
    found: dict[int, list[Any]] = {}
    for kind, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", text):
        event = json.loads(data)
        found.setdefault(event["stream"], []).append([kind, event])
    return found


def compare(folder: Path) -> None:
    """Build, compare what both say, measure, and print."""
    os.environ["TIKTOKEN_ENCODINGS_BASE"] = str(folder)
    tokens = token_bytes(read_merges(COMPACT.read_bytes()))
    (folder / "o200k_base.tiktoken").write_bytes(tiktoken_file(tokens))
    lines = folder / "completions"
    lines.write_text("".join(completions()), encoding="utf-8")
    build = folder / "build"
    make = ["make", "-s", "-C", str(ROOT / "csrc"), f"BUILD={build}", "examples"]
    subprocess.run(make, check=True)
    sides = commands(build / "serve", lines)
    said = [events(run(side, 1, subprocess.PIPE)[1]) for side in sides.values()]
    assert said[0] == said[1]
    assert len(said[0]) == COMPLETIONS
    count = sum(kind == "delta" for stream in said[0].values() for kind, _ in stream)
    print(f"{COMPLETIONS} streams, {count} deltas: the events are the same")
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            seconds, _events = run(side, TIMES[name], subprocess.DEVNULL)
            rates[name].append(count * TIMES[name] / seconds)
    for name, found in rates.items():
        print(f"{name:15} {statistics.median(found):12,.0f} deltas a second")
    ratios = [a / b for a, b in zip(*rates.values(), strict=True)]
    print(f"ratio           {statistics.median(ratios):12.1f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        path, threads, times = sys.argv[1:]
        given = Path(path).read_text(encoding="utf-8").splitlines()
        Server(given, int(times)).run(int(threads))
    else:
        with tempfile.TemporaryDirectory() as name:
            compare(Path(name))
