"""Runs in the environment of one implementation and does the jobs it is sent.

``python -m benchmarks.worker NAME FOLDER``, with ``tests/`` on the path. Requests and
replies are pickles, one after the other, on standard input and output; what a package
prints goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

from . import jobs
from .peers import IMPLEMENTATIONS


def answer(request: tuple[str, dict[str, Any]], operations: Any) -> dict[str, Any]:
    """Do one job; an error of the implementation is an answer too."""
    name, arguments = request
    try:
        return {"result": jobs.JOBS[name](operations, **arguments)}
    except BaseException as error:  # a Rust panic is no Exception
        return {"error": f"{type(error).__name__}: {error}"}


def main(name: str, folder: str) -> None:
    """Load, say so, and answer until the input ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        operations = IMPLEMENTATIONS[name].load(Path(folder))
        reply: dict[str, Any] = {"result": "ready"}
    except BaseException as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    while True:
        pickle.dump(reply, replies, protocol=4)
        replies.flush()
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        reply = answer(request, operations)


if __name__ == "__main__":
    main(*sys.argv[1:])
