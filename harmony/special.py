"""What every text codec here shares: decoding, and the complaint about special text."""

from __future__ import annotations

from harmony.errors import DecodeError, EncodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class TextCodec:
    """Base of classes that turn tokens into bytes, and so into text."""

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Return the bytes of tokens. Raises ``DecodeError`` for an unknown id."""
        raise NotImplementedError

    def decode(self, tokens: Iterable[int], errors: str = "replace") -> str:
        """Return the text of tokens.

        ``errors`` says what is done about bytes that are not valid UTF-8, as in
        ``bytes.decode``. Raises ``DecodeError`` for an id outside the vocabulary.
        """
        return self.decode_bytes(tokens).decode("utf-8", errors)

    def decode_utf8(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens; raise ``DecodeError`` if it is not valid UTF-8."""
        data = self.decode_bytes(tokens)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise DecodeError(
                f"Could not decode tokens: Invalid utf-8 sequence: {error.reason} "
                f"at byte {error.start}"
            ) from None


def disallowed(token: str) -> EncodeError:
    """Return the complaint about text that spells a special token."""
    return EncodeError(
        f"Encountered text corresponding to disallowed special token {token!r}.\n"
        f"To encode it as the special token, allow it: allowed_special={{{token!r}}}.\n"
        f"To encode it as ordinary text: "
        f"disallowed_special=(encoding.special_tokens_set - {{{token!r}}}), "
        f"or disallowed_special=() for all special tokens."
    )
