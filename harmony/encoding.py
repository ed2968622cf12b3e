"""``HarmonyEncoding``: text to tokens, conversations to tokens, tokens to messages."""

from __future__ import annotations

import os

from harmony import _native
from harmony._model.text import utf8
from harmony._native.encoding import Encoding
from harmony._native.straight import EncodingBase, straight
from harmony.errors import DecodeError, VocabularyError, invalid_utf8, not_text
from harmony.forks import once
from harmony.special import SpecialTokens
from harmony.vocabulary import check_vocabulary, read_vocabulary, vocabulary_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from harmony.encoding_name import HarmonyEncodingName
    from harmony.many import Texts
    from harmony.messages import (
        Conversation,
        Message,
        RenderConversationConfig,
        RenderOptions,
        Role,
    )
    from harmony.parser import OnError
    from harmony.rendering import Renderer
    from harmony.special import Allowed, Disallowed


NAMES = ("HarmonyGptOss",)
"""Those of ``HarmonyEncodingName``; importing enum takes longer than all of this."""


class HarmonyEncoding(EncodingBase):
    """The encoding of gpt-oss models, ``o200k_harmony``.

    Get one from ``load_harmony_encoding``. It never changes and may be shared by any
    number of threads; while it encodes, decodes or renders, other threads run.

    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> encoding.encode("hello world")
    [24912, 2375]
    """

    def __init__(self, name: str, vocabulary: str | None = None) -> None:
        """Read the vocabulary; ``load_harmony_encoding`` says from where.

        Raises ``VocabularyError`` naming the file and what is wrong with it.
        """
        path = vocabulary_path(vocabulary)
        data = read_vocabulary(path)
        try:
            self._native = Encoding(data)
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {error}") from None
        check_vocabulary(path, data)
        self._share(self._native.pool)
        self._name = name
        self._vocabulary = vocabulary
        self._path = path

    def __repr__(self) -> str:
        """Show the name, and the vocabulary file it was read from."""
        return f"<HarmonyEncoding {self._name!r} from {self._path!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by name: whoever reads it loads the same encoding."""
        return _load, (self._name, self._vocabulary)

    @property
    def name(self) -> str:
        """The name of the encoding, ``HarmonyGptOss``."""
        return self._name

    @property
    def _inner(self) -> Encoding:
        """The object whose ``decode_bytes`` some users of openai-harmony call."""
        return self._native

    # Special tokens

    @once
    def special_tokens_set(self) -> set[str]:
        """The texts of all special tokens, ``<|start|>`` among them."""
        return set(self._special.ids)

    @once
    def _special(self) -> SpecialTokens:
        ids = {
            self._native.token_bytes(token).decode(): token
            for token in _native.SPECIAL_TOKENS
        }
        return SpecialTokens(ids, _spelled)

    @straight
    def is_special_token(self, token: int) -> bool:
        """Tell whether an id is that of a special token."""
        return _native.is_special_token(token)

    def stop_tokens(self) -> list[int]:
        """Return the ids at which generation stops: return, end and call."""
        return list(_native.STOP_TOKENS)

    def stop_tokens_for_assistant_actions(self) -> list[int]:
        """Return the ids at which the assistant has done something: return and call."""
        return list(_native.ASSISTANT_STOP_TOKENS)

    # Text

    @straight
    def encode(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Return the tokens of text.

        Text that spells a special token of ``allowed_special`` becomes that token.
        Text that spells another one of ``disallowed_special`` raises
        ``EncodeError``; with ``disallowed_special=()`` nothing does, and it is text
        like any other. "all" stands for all special tokens, for
        ``disallowed_special`` for all that are not allowed. As in tiktoken.

        Lone surrogates are encoded as U+FFFD, pairs as the character they spell.

        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> encoding.encode("<|end|>", allowed_special={"<|end|>"})
        [200007]
        >>> encoding.encode("<|end|>", disallowed_special=())
        [27, 91, 419, 91, 29]
        """
        if disallowed_special == "all" and type(text) is str and "<" not in text:
            try:  # most texts, in the shortest way
                return self._native.encode(text.encode())
            except UnicodeEncodeError:
                pass
        data, allowed = self._checked(text, allowed_special, disallowed_special)
        return self._native.encode(data, allowed)

    @straight
    def encode_to_array(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> array[int]:
        """Return the tokens of text as an array of int32; see ``encode``.

        No Python int is made for any token. The array gives its memory to whoever
        takes buffers, ``numpy.asarray`` and ``decode`` among them, without a copy.

        >>> load_harmony_encoding("HarmonyGptOss").encode_to_array("hello world")
        array('i', [24912, 2375])
        """
        data, allowed = self._checked(text, allowed_special, disallowed_special)
        return self._native.encode_to_array(data, allowed)

    @straight
    def count_tokens(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int:
        """Return how many tokens a text has, without making them; see ``encode``.

        >>> load_harmony_encoding("HarmonyGptOss").count_tokens("hello world")
        2
        """
        data, allowed = self._checked(text, allowed_special, disallowed_special)
        return self._native.count_tokens(data, allowed)

    def _checked(
        self, text: str, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> tuple[bytes, Collection[int]]:
        """Return text as UTF-8, and the ids of the special tokens it may spell."""
        if not isinstance(text, str):
            raise not_text(text)
        data = utf8(text)
        # One character is found many times as fast as two.
        is_marked = "<" in text and _native.find_special_token(data) is not None
        if not is_marked and disallowed_special in ("all", (), frozenset()):
            return data, ()
        special = self._special
        allowed = special.allowed(data, allowed_special, disallowed_special)
        return data, [special.ids[name] for name in allowed] if is_marked else ()

    @straight
    def decode(self, tokens: Iterable[int], errors: str = "replace") -> str:
        """Return the text of tokens.

        ``errors`` says what is done about bytes that are not valid UTF-8, as in
        ``bytes.decode``. Raises ``DecodeError`` for an id outside the vocabulary.
        """
        return self._native.decode(tokens, errors)

    @straight
    def decode_utf8(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens; raise ``DecodeError`` if it is not valid UTF-8."""
        try:
            return self._native.decode(tokens, "strict")
        except UnicodeDecodeError as error:
            raise invalid_utf8(error) from None

    @straight
    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        r"""Return the bytes of tokens. Raises ``DecodeError`` for an unknown id.

        >>> load_harmony_encoding("HarmonyGptOss").decode_bytes([9552])
        b' \xf0\x9f'
        """
        return self._native.decode_bytes(tokens)

    # Many texts

    def encode_batch(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        threads: int = 1,
    ) -> list[list[int]]:
        """Return the tokens of each of many texts, as ``encode`` gives them.

        ``texts``: any iterable of strings, NumPy's arrays among them. ``threads``: how
        many work at it; making lists takes one at a time, so ``encode_batch_to_arrays``
        gains more by them. Raises as ``encode``, saying at which index.

        >>> load_harmony_encoding("HarmonyGptOss").encode_batch(["hello world", ""])
        [[24912, 2375], []]
        """
        return self._texts(texts, allowed_special, disallowed_special, threads).lists()

    def encode_batch_to_arrays(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        threads: int = 1,
    ) -> tuple[array[int], array[int]]:
        """Return the tokens of all texts as one array of int32, and offsets, int64.

        The tokens of text *i* are those from ``offsets[i]`` to ``offsets[i + 1]``, so
        there is one offset more than there are texts. See ``encode_batch``.

        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> encoding.encode_batch_to_arrays(["hello world", "hello"])
        (array('i', [24912, 2375, 24912]), array('q', [0, 2, 3]))
        """
        return self._texts(texts, allowed_special, disallowed_special, threads).arrays()

    def count_batch(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        threads: int = 1,
    ) -> list[int]:
        """Return how many tokens each of many texts has; see ``encode_batch``.

        >>> load_harmony_encoding("HarmonyGptOss").count_batch(["hello world", ""])
        [2, 0]
        """
        return self._texts(texts, allowed_special, disallowed_special, threads).counts()

    def _texts(self, *given: Any) -> Texts:
        from harmony.many import Texts  # late: one text needs no threads

        return Texts(self, *given)

    def decode_batch(
        self,
        batch: Iterable[Iterable[int]],
        errors: str = "replace",
        *,
        threads: int = 1,
    ) -> list[str]:
        """Return the text of each of many sequences of tokens, as ``decode`` does.

        Other threads run only while a sequence of 1 024 tokens or more is decoded.
        Raises as ``decode``; all but ``UnicodeDecodeError`` say at which index.

        >>> load_harmony_encoding("HarmonyGptOss").decode_batch([[24912, 2375], []])
        ['hello world', '']
        """
        from harmony.many import decode

        return decode(self, batch, errors, threads)

    # As in tiktoken

    @property
    def n_vocab(self) -> int:
        """One more than the largest id."""
        return _native.SPECIAL_TOKENS.stop

    @property
    def max_token_value(self) -> int:
        """The largest id."""
        return self.n_vocab - 1

    @property
    def eot_token(self) -> int:
        """The id of ``<|endoftext|>``."""
        return self._special.ids["<|endoftext|>"]

    def encode_ordinary(self, text: str) -> list[int]:
        """Return the tokens of text that may not spell special tokens.

        The same as ``encode`` with ``disallowed_special=()``.
        """
        return self.encode(text, disallowed_special=())

    def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> NDArray[np.uint32]:
        """Return the tokens of text as a NumPy array of uint32; see ``encode``.

        Raises ``ModuleNotFoundError`` if NumPy is not installed.
        """
        import numpy as np  # nothing else here needs it

        if disallowed_special == "all" and allowed_special == frozenset():
            tokens = self.encode_to_array(text)  # the straight way has no options
        else:
            tokens = self.encode_to_array(
                text,
                allowed_special=allowed_special,
                disallowed_special=disallowed_special,
            )
        return np.frombuffer(tokens, np.uint32)

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """Return the id of a token, special ones too, given its text or its bytes.

        Raises ``KeyError`` if it is not a single token.

        >>> load_harmony_encoding("HarmonyGptOss").encode_single_token(" world")
        2375
        """
        if isinstance(text_or_bytes, str):
            data = text_or_bytes.encode("utf-8", "surrogatepass")
        else:
            data = bytes(text_or_bytes)
        token = self._single_tokens.get(data)
        if token is None:
            raise KeyError(text_or_bytes)
        return token

    @once
    def _single_tokens(self) -> dict[bytes, int]:
        values = self.token_byte_values()
        tokens = {data: token for token, data in enumerate(values)}
        return tokens | {t.encode(): token for t, token in self._special.ids.items()}

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Return the bytes of one token. Raises ``KeyError`` for an unknown id.

        >>> load_harmony_encoding("HarmonyGptOss").decode_single_token_bytes(2375)
        b' world'
        """
        try:
            return self.decode_bytes([token])
        except DecodeError:
            raise KeyError(token) from None

    def decode_tokens_bytes(self, tokens: Iterable[int]) -> list[bytes]:
        """Return the bytes of each token. Raises ``KeyError`` for an unknown id.

        >>> load_harmony_encoding("HarmonyGptOss").decode_tokens_bytes([24912, 2375])
        [b'hello', b' world']
        """
        return [self.decode_single_token_bytes(token) for token in tokens]

    def decode_with_offsets(self, tokens: Iterable[int]) -> tuple[str, list[int]]:
        """Return the text of tokens, and where in it each token begins.

        A token that begins inside a character has the place of that character. Raises
        ``DecodeError`` if the bytes are not UTF-8, ``KeyError`` for an unknown id.

        >>> load_harmony_encoding("HarmonyGptOss").decode_with_offsets([24912, 2375])
        ('hello world', [0, 5])
        """
        offsets, count = [], 0
        pieces = self.decode_tokens_bytes(tokens)
        for piece in pieces:
            offsets.append(max(0, count - _is_inside(piece[0])))
            count += len(piece) - sum(map(_is_inside, piece))
        try:
            return b"".join(pieces).decode(), offsets
        except UnicodeDecodeError as error:
            raise invalid_utf8(error) from None

    def token_byte_values(self) -> list[bytes]:
        """Return the bytes of all ordinary tokens, by id.

        tiktoken gives the same, sorted by the bytes.
        """
        return self.decode_tokens_bytes(range(_native.SPECIAL_TOKENS.start))

    # Rendering

    def render(
        self, message: Message, render_options: RenderOptions | None = None
    ) -> list[int]:
        """Return the tokens of one message.

        Raises ``RenderError`` for a message that has no token form.

        >>> from harmony import Message
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> encoding.decode(encoding.render(Message("user", "hi")))
        '<|start|>user<|message|>hi<|end|>'
        """
        function_tools = (
            render_options is not None
            and render_options.conversation_has_function_tools
        )
        schemas = "reference" if render_options is None else render_options.schemas
        return self._renderer.render(message, function_tools, schemas)

    def render_conversation(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Return the tokens of a conversation's messages.

        By default the thinking of finished turns is left out as openai-harmony leaves
        it out: if the assistant's last message is on channel ``final``, the messages
        on channel ``analysis`` before the first message on channel ``final``.
        ``config`` says it otherwise. ``conversation`` may be an iterable of messages;
        raises ``TypeError`` for what is none, and for what is no config.
        """
        return self._renderer.render_conversation(conversation, config)

    def render_conversation_for_completion(
        self,
        conversation: Conversation,
        next_turn_role: Role | str,
        config: RenderConversationConfig | None = None,
    ) -> list[int]:
        """Return a prompt: the conversation, then the beginning of the next message.

        ``next_turn_role`` is who is to write it, normally the assistant.
        """
        opening = self._renderer.opening(next_turn_role)
        tokens = self.render_conversation(conversation, config)
        tokens += opening
        return tokens

    def render_conversation_for_continuation(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Return a prompt that ends inside the last message, which is to go on.

        No stop token follows it, and it is never left out. ``StreamableParser.after``
        takes what the model writes behind it.

        >>> from harmony import Message
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> begun = Message("assistant", "2 + 2 =", "final")
        >>> tokens = encoding.render_conversation_for_continuation([begun])
        >>> encoding.decode(tokens)
        '<|start|>assistant<|channel|>final<|message|>2 + 2 ='
        """
        return self._renderer.render_conversation(conversation, config, open_last=True)

    def render_conversation_for_training(
        self, conversation: Conversation, config: RenderConversationConfig | None = None
    ) -> list[int]:
        """Return the tokens of a conversation to train on.

        As openai-harmony does, it leaves out the thinking before the first answer,
        unless ``config`` says otherwise: of a conversation of one turn, all of it.
        ``training.example`` keeps it.

        If the very last message is the assistant's on channel ``final``, it ends
        with ``<|return|>``, as the model is to end it.
        """
        return self._renderer.render_for_training(conversation, config)

    def render_batch_to_arrays(
        self,
        conversations: Iterable[Iterable[Message]],
        config: RenderConversationConfig | None = None,
        *,
        next_turn_role: Role | str | None = None,
        training: bool = False,
        threads: int = 1,
    ) -> tuple[array[int], array[int]]:
        """Return the tokens of many conversations as one array of int32, and offsets.

        Each is rendered as by ``render_conversation``; with a ``next_turn_role`` as by
        ``render_conversation_for_completion``; for ``training`` as by
        ``render_conversation_for_training``. Nothing of them is remembered. Offsets and
        ``threads`` are as in ``encode_batch_to_arrays``. Raises as these do, saying at
        which index; ``ValueError`` for training with a next role.

        >>> from harmony import Message
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> talks = [[Message("user", "hi")], [Message("user", "hello")]]
        >>> tokens, offsets = encoding.render_batch_to_arrays(talks)
        >>> encoding.decode(tokens[offsets[1] : offsets[2]])
        '<|start|>user<|message|>hello<|end|>'
        """
        from harmony.many import render

        given = config, next_turn_role, training
        return render(self, conversations, *given, threads)

    @once
    def _renderer(self) -> Renderer:
        from harmony.rendering import Renderer  # late: encoding needs no messages

        return Renderer(self._native)

    # Parsing

    def parse_messages_from_completion_tokens(
        self,
        tokens: Sequence[int],
        role: Role | str | None = None,
        *,
        strict: bool = True,
        on_error: OnError = "raise",
    ) -> list[Message]:
        """Return the messages that tokens stand for.

        ``role``: who writes the first one, if the tokens begin inside its header, as
        a completion does; None if they begin with ``<|start|>``. ``strict=False``
        takes a header that ends in a stop token. Raises ``ParseError``, but with
        ``on_error="recover"`` nothing is an error; see ``StreamableParser``.

        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> tokens = encoding.encode("<|message|>hi<|return|>", allowed_special="all")
        >>> parse = encoding.parse_messages_from_completion_tokens
        >>> [message.content for message in parse(tokens, "assistant")]
        [[TextContent(text='hi')]]
        """
        from harmony.parser import parse  # as for rendering

        return parse(self, tokens, role, strict, on_error)


def _is_inside(byte: int) -> bool:
    """Tell whether a byte of UTF-8 goes on with a character."""
    return 0x80 <= byte < 0xC0


def _spelled(data: bytes, names: AbstractSet[str]) -> Iterator[tuple[int, str]]:
    """Give the special tokens of some names that a text spells."""
    found = _native.find_special_token(data)
    while found is not None:
        _, start, end = found
        name = data[start:end].decode()
        if name in names:
            yield start, name
        found = _native.find_special_token(data, end)


def load_harmony_encoding(
    name: HarmonyEncodingName | str,
    *,
    vocabulary: str | os.PathLike[str] | None = None,
) -> HarmonyEncoding:
    """Return an encoding; the second time it costs nothing.

    ``vocabulary`` is the path of a vocabulary file. Without it, it is
    ``o200k_base.tiktoken`` in the folder ``TIKTOKEN_ENCODINGS_BASE``, if that
    environment variable is set, else the file that comes with the package. Raises
    ``ValueError`` for an unknown name, ``VocabularyError`` for an unusable file.

    >>> load_harmony_encoding("HarmonyGptOss").name
    'HarmonyGptOss'
    """
    if name not in NAMES:
        raise ValueError(f"unknown encoding {name!r} (known: {', '.join(NAMES)})")
    known = NAMES[NAMES.index(name)]  # a plain string, whatever was given
    return _load(known, None if vocabulary is None else os.fspath(vocabulary))


_loaded: dict[tuple[str, str], HarmonyEncoding] = {}


def _load(name: str, vocabulary: str | None) -> HarmonyEncoding:
    key = name, vocabulary_path(vocabulary)
    encoding = _loaded.get(key)
    if encoding is None:
        # Of two threads that come here at once, both get the first one's.
        encoding = _loaded.setdefault(key, HarmonyEncoding(name, vocabulary))
    return encoding
