"""Text that spells special tokens: which of them it may spell.

The rules are those of tiktoken, and stand here once for both kinds of encoding.
"""

from __future__ import annotations

from harmony.errors import EncodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import Literal, TypeAlias

    Allowed: TypeAlias = Literal["all"] | AbstractSet[str]
    Disallowed: TypeAlias = Literal["all"] | Collection[str]
    Spelled: TypeAlias = Callable[[bytes, AbstractSet[str]], Iterator[tuple[int, str]]]


class SpecialTokens:
    """The special tokens of an encoding.

    ``ids``: the id of each, by its text. ``spelled``: gives those of some special
    tokens that a text in UTF-8 spells, in order, each with the byte where it begins.
    """

    def __init__(self, ids: Mapping[str, int], spelled: Spelled) -> None:
        """Keep both."""
        self.ids = ids
        self._spelled = spelled

    def allowed(
        self, data: bytes, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> AbstractSet[str]:
        """Return the special tokens that a text may spell.

        Raises ``EncodeError`` if it spells what is disallowed: a special token, or
        any other string, for tiktoken looks for these too. Raises ``ValueError`` for
        a choice that is neither "all" nor a collection of strings.
        """
        allowed = self._chosen("allowed_special", allowed_special)
        refused: AbstractSet[str]
        if disallowed_special == "all":
            refused = self.ids.keys() - allowed
        else:
            refused = self._chosen("disallowed_special", disallowed_special)
        first = self._first(data, refused)
        if first is not None:
            raise _disallowed(first, allowed - self.ids.keys())
        return allowed & self.ids.keys()

    def _chosen(self, where: str, choice: Disallowed) -> AbstractSet[str]:
        if choice == "all":
            return self.ids.keys()
        if not isinstance(choice, str):
            names = frozenset(choice)
            if all(isinstance(name, str) for name in names):
                return names
        hint = f"; for one token: {{{choice!r}}}" if isinstance(choice, str) else ""
        raise ValueError(
            f"{where}: expected 'all' or a collection of strings, got {choice!r} "
            f"({type(choice).__name__}){hint}"
        )

    def _first(self, data: bytes, names: AbstractSet[str]) -> str | None:
        """Return the one of some strings that a text spells first, if any."""
        found = list(self._others(data, names - self.ids.keys()))
        known = next(self._spelled(data, names), None)
        if known is not None:
            found.append(known)
        return min(found)[1] if found else None

    @staticmethod
    def _others(data: bytes, names: Collection[str]) -> Iterator[tuple[int, str]]:
        for name in names:
            start = data.find(name.encode("utf-8", "surrogatepass"))
            if start >= 0:
                yield start, name


def _disallowed(token: str, unknown: Collection[str]) -> EncodeError:
    """Return the complaint about a text that spells a disallowed token."""
    lines = [
        f"Encountered text corresponding to disallowed special token {token!r}.",
        f"To encode it as the special token, allow it: allowed_special={{{token!r}}}.",
        f"To encode it as ordinary text: "
        f"disallowed_special=(encoding.special_tokens_set - {{{token!r}}}), "
        f"or disallowed_special=() for all special tokens.",
    ]
    if unknown:
        names = ", ".join(map(repr, sorted(unknown)))
        lines.append(
            f"In allowed_special, there is no such special token: {names} "
            "(encoding.special_tokens_set has all of them)."
        )
    return EncodeError("\n".join(lines))
