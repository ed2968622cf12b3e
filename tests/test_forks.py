"""A fork while other threads are at work: the child renders, and does not hang."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harmony import HarmonyEncoding
from harmony.cache import Cache
from harmony.forks import once

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


def test_a_cache_that_was_locked_is_open_in_the_child() -> None:
    """A thread of the parent was in ``put``; the child waited for it for ever."""
    cache = Cache(10_000)
    cache._lock.acquire()
    child = os.fork()
    if child == 0:
        is_open = cache._lock.acquire(blocking=False)
        os._exit(0 if is_open else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not cache._lock.acquire(blocking=False)


FORK = """
import os, signal, sys, threading, time
from harmony import load_harmony_encoding

encoding = load_harmony_encoding("HarmonyGptOss")
is_at_it = threading.Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "harmony.prompts":
            is_at_it.set()
            time.sleep(0.3)

def render():
    from harmony import Conversation, Message
    talk = Conversation.from_messages([Message("user", "hi")])
    return encoding.render_conversation_for_completion(talk, "assistant")

sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=render)
thread.start()
is_at_it.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(0 if len(render()) == 7 else 1)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_while_another_thread_renders_first() -> None:
    """That thread had the locks of what it imported, and of the encoding's renderer:
    the child hung, and was ended by SIGALRM.
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=60)


def test_once_works_it_out_once(encoding: HarmonyEncoding) -> None:
    class Made:
        """Counts."""

        count = 0

        @once
        def number(self) -> int:
            """Count."""
            self.count += 1
            return self.count

    made = Made()
    assert (made.number, made.number, made.count) == (1, 1, 1)
    assert Made.number.__doc__ == "Count."
    assert encoding.special_tokens_set is encoding.special_tokens_set
