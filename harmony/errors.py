"""What can go wrong, as exceptions.

::

    RuntimeError
    └── HarmonyError            anything this library could not do
        ├── VocabularyError     no usable vocabulary file
        ├── EncodeError         text spells a special token that is not allowed
        ├── DecodeError         unknown token id, or bytes that are not UTF-8
        ├── RenderError         a conversation that has no token form
        └── ParseError          tokens that are not a conversation

A wrong value given to a constructor or found in JSON is a ``ValueError``, and
pydantic's ``ValidationError`` where that is loaded; it is raised where the object is
made (see ``harmony._model.checks`` and ``harmony._model.refusal``).
"""


class HarmonyError(RuntimeError):
    """Base class of every error of this library; catches them all.

    >>> try:
    ...     raise ParseError("could not decode header", position=3)
    ... except HarmonyError as error:
    ...     print(error)
    could not decode header
    """


class VocabularyError(HarmonyError):
    """A vocabulary file is missing, unreadable or not the expected one."""


class EncodeError(HarmonyError):
    """The text spells a special token that the caller has not allowed."""


class RenderError(HarmonyError):
    """The conversation has no token form, such as a tool without a name."""


class _TokenError(HarmonyError):
    """An error about one token of a sequence."""

    position: int | None

    def __init__(self, message: str = "", position: int | None = None) -> None:
        """Say what is wrong, and the index of the token it is wrong at."""
        super().__init__(message)
        self.position = position


class DecodeError(_TokenError):
    """A token id outside the vocabulary, or tokens that are not valid UTF-8.

    ``position`` is the index of the token in what was given to decode, or None
    where no single token is to blame.
    """


class ParseError(_TokenError):
    """Tokens that do not form messages.

    ``position`` is the index of the token among all tokens fed so far, or None
    where no single token is to blame.
    """


def not_token_ids(value: object) -> TypeError:
    """Return the complaint about what can't be a sequence of token ids."""
    return TypeError(f"expected token ids, got {_shown(value)}")


def not_a_token_id(value: object, position: int | None = None) -> TypeError:
    """Return the complaint about what is no int, with its index if there is one.

    >>> not_a_token_id("hello", 3)
    TypeError("tokens[3]: expected a token id, got 'hello' (str)")
    """
    where = "" if position is None else f"tokens[{position}]: "
    return TypeError(f"{where}expected a token id, got {_shown(value)}")


def not_text(value: object) -> TypeError:
    """Return the complaint about what is no text to encode."""
    return TypeError(f"text: expected a str, got {_shown(value)}")


def _shown(value: object) -> str:
    if value is None:
        return "None"
    text = repr(value[:60] if isinstance(value, (str, bytes)) else value)
    return f"{text[:60]} ({type(value).__name__})"


def invalid_utf8(error: UnicodeDecodeError) -> DecodeError:
    """Return the complaint about tokens whose bytes are not UTF-8."""
    return DecodeError(
        f"Could not decode tokens: Invalid utf-8 sequence: {error.reason} "
        f"at byte {error.start}"
    )
