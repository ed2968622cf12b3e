"""The methods of ``HarmonyEncoding`` that take many items, and share them over threads.

Texts go to C as they are (csrc/bindings/cpython_many.c), token lists one by one, and
conversations as the rows of ``batch.py``. What is not plain is done one by one, and an
error then says at which index.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from harmony._native.encoding import ARRAYS, COUNTS, LISTS
from harmony.batch import Rows
from harmony.errors import HarmonyError, RenderError
from harmony.messages import Message, RenderConversationConfig, Role
from harmony.rendering import Parts, manner, messages_of, said

if TYPE_CHECKING:
    from harmony._native.batch import Batch
    from harmony.encoding import HarmonyEncoding
    from harmony.special import Allowed, Disallowed

T = TypeVar("T")
Arrays: TypeAlias = "tuple[array[int], array[int]]"
"""Tokens as int32, and where each item's begin and the last one's stop, as int64."""

AT_ONCE = 2**20
"""Characters of conversations that are rendered at a time."""


class Texts:
    """Texts to be encoded, and which special tokens they may spell."""

    def __init__(
        self,
        encoding: HarmonyEncoding,
        texts: Iterable[str],
        allowed_special: Allowed,
        disallowed_special: Disallowed,
        threads: int,
    ) -> None:
        """Keep all of it. Raises ``TypeError`` for one text in place of several."""
        self._encoding = encoding
        self._texts = items_of("texts", texts)
        self._options: dict[str, Any] = {
            "allowed_special": allowed_special,
            "disallowed_special": disallowed_special,
        }
        self._is_checked = disallowed_special == "all"
        plain = disallowed_special in ("all", (), frozenset())
        self._is_plain = plain and allowed_special == frozenset()
        self._spans = spans(self._texts, threads)

    def lists(self) -> list[list[int]]:
        """Return the tokens of each text."""
        return [*chain(*self._on_threads(LISTS, self._encoding.encode, list))]

    def counts(self) -> list[int]:
        """Return how many these are."""
        return [*chain(*self._on_threads(COUNTS, self._encoding.count_tokens, list))]

    def arrays(self) -> Arrays:
        """Return the tokens of all texts, and where each text's begin."""
        encode = self._encoding.encode_to_array
        return joined(self._on_threads(ARRAYS, encode, _with_offsets))

    def _on_threads(
        self,
        form: int,
        encode: Callable[..., Any],
        together: Callable[[Iterable[Any]], Any],
    ) -> list[Any]:
        def work(start: int, stop: int) -> Any:
            native = self._encoding._native
            found = None
            if self._is_plain:
                given = self._texts, start, stop, self._is_checked, form
                found = native.encode_texts(*given)
            if found is not None:
                return found
            return together(self._one_by_one(encode, start, stop))

        return on_threads(work, self._spans)

    def _one_by_one(
        self, encode: Callable[..., Any], start: int, stop: int
    ) -> Iterable[Any]:
        for index in range(start, stop):
            with at(f"texts[{index}]"):
                yield encode(self._texts[index], **self._options)


def _with_offsets(arrays: Iterable[array[int]]) -> Arrays:
    return joined((tokens, array("q", [0, len(tokens)])) for tokens in arrays)


def joined(arrays: Iterable[Arrays]) -> Arrays:
    """Return arrays of tokens one behind the other, and the offsets of all."""
    together = list(arrays)
    if len(together) == 1:
        return together[0]
    values, offsets = array("i"), array("q", [0])
    for tokens, places in together:
        before = len(values)
        values += tokens
        offsets.extend(before + place for place in places[1:])
    return values, offsets


def decode(
    encoding: HarmonyEncoding,
    batch: Iterable[Iterable[int]],
    errors: str,
    threads: int,
) -> list[str]:
    """Return the text of each of many sequences of tokens."""
    rows = items_of("batch", batch)

    def work(start: int, stop: int) -> list[str]:
        texts: list[str] = []
        take = encoding.decode
        try:
            if errors == "replace":  # the shortest way has no options
                texts += map(take, rows[start:stop])
            else:
                texts += (take(tokens, errors) for tokens in rows[start:stop])
        except (HarmonyError, TypeError) as error:
            raise placed(f"batch[{start + len(texts)}]", error) from None
        return texts

    return [*chain(*on_threads(work, spans(rows, threads)))]


def render(
    encoding: HarmonyEncoding,
    conversations: Iterable[Iterable[Message]],
    config: RenderConversationConfig | None,
    next_turn_role: Role | str | None,
    training: bool,
    threads: int,
) -> Arrays:
    """Return the tokens of many conversations, and where each one's begin."""
    if training and next_turn_role is not None:
        raise ValueError("next_turn_role: there is none in training")
    manner(config)  # raises for what is none
    rows = items_of("conversations", conversations)
    role = None if next_turn_role is None else Role(next_turn_role)
    config = RenderConversationConfig() if config is None else config
    windows = _Windows(encoding, rows, config, role, training)

    def work(start: int, stop: int) -> Arrays:
        return joined(windows.arrays(start, stop))

    return joined(on_threads(work, spans(rows, threads)))


class _Windows:
    """Conversations that are rendered some at a time, so that memory is bounded."""

    def __init__(
        self,
        encoding: HarmonyEncoding,
        conversations: tuple[Any, ...],
        config: RenderConversationConfig,
        next_turn_role: Role | None,
        training: bool,
    ) -> None:
        self._encoding = encoding
        self._conversations = conversations
        self._config = config
        self._role = None if next_turn_role is None else next_turn_role.value
        self._training = training

    def arrays(self, start: int, stop: int) -> Iterator[Arrays]:
        """Give the tokens of each window of some conversations."""
        rows, first = Rows(), start
        for index in range(start, stop):
            try:
                rows.add(self._said(index))
            except (HarmonyError, TypeError) as error:
                raise placed(f"conversations[{index}]", error) from None
            if rows.size() >= AT_ONCE or index + 1 == stop:
                yield self._window(rows, first)
                rows, first = Rows(), index + 1

    def _said(self, index: int) -> list[Parts]:
        messages = messages_of(self._conversations[index])
        return said(messages, self._config.schemas)

    def _window(self, rows: Rows, first: int) -> Arrays:
        try:
            batch = self._render(rows)
        except RenderError:
            self._find_fault(first, len(rows))
            raise
        tokens = array("i")
        tokens.frombytes(batch.tokens.cast("B"))
        return tokens, array("q", batch.offsets)

    def _render(self, rows: Rows) -> Batch:
        options = self._config, None, self._role, self._training
        return rows.render(self._encoding, *options)

    def _find_fault(self, first: int, count: int) -> None:
        """Raise the complaint about the first that C refuses, with its index."""
        for index in range(first, first + count):
            rows = Rows()
            rows.add(self._said(index))
            with at(f"conversations[{index}]"):
                self._render(rows)


# Items and threads


def items_of(where: str, items: Iterable[Any]) -> tuple[Any, ...]:
    """Return items as a tuple; NumPy's and other arrays as plain values of Python."""
    to_list = getattr(items, "tolist", None)
    values = items if to_list is None else to_list()
    try:
        if not isinstance(values, (str, bytes, dict)):
            return tuple(values)
    except TypeError:
        pass
    raise TypeError(f"{where}: expected several, got {type(items).__name__}")


def spans(items: Sequence[Any], threads: int) -> list[tuple[int, int]]:
    """Return where the parts of items begin and stop, one for each thread.

    The parts have about the same size; where not all items have one, as many items.
    Raises ``ValueError`` for less than one thread, ``TypeError`` for what is no number.
    """
    if type(threads) is not int:
        raise TypeError(f"threads: expected an int, got {type(threads).__name__}")
    if threads < 1:
        raise ValueError(f"threads: expected at least 1, got {threads}")
    count = len(items)
    if threads == 1 or count < 2:
        return [(0, count)]
    sizes = _sizes(items)
    wanted, total, start = sum(sizes) / threads, 0, 0
    found: list[tuple[int, int]] = []
    for index, size in enumerate(sizes):
        total += size
        if total >= wanted * (len(found) + 1) and len(found) < threads - 1:
            found.append((start, index + 1))
            start = index + 1
    if start < count:
        found.append((start, count))
    return found


def _sizes(items: Sequence[Any]) -> list[int]:
    try:
        return [len(item) for item in items]
    except TypeError:  # iterators, or what will be refused with its index
        return [1] * len(items)


@contextmanager
def at(where: str) -> Iterator[None]:
    """Say in an error at which item it was."""
    try:
        yield
    except (HarmonyError, TypeError) as error:
        raise placed(where, error) from None


def placed(where: str, error: HarmonyError | TypeError) -> HarmonyError | TypeError:
    """Return an error that says at which item it was."""
    what = str(error).removeprefix("text: ").removeprefix("conversation: ")
    error.args = (f"{where}: {what}",)
    return error


def on_threads(work: Callable[[int, int], T], spans: list[tuple[int, int]]) -> list[T]:
    """Do work on each span, of which there is one at least; return results in order.

    The first is done by this thread, each other by one of its own. Raises the first
    error, in the order of the spans, when all threads have ended.
    """
    results: list[Any] = [None] * len(spans)

    def run(number: int) -> None:
        try:
            results[number] = work(*spans[number])
        except BaseException as error:
            results[number] = _Failed(error)

    threads = [Thread(target=run, args=(number,)) for number in range(1, len(spans))]
    for thread in threads:
        thread.start()
    run(0)
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, _Failed):
            raise result.error
    return results


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error
