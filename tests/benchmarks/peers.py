"""Who is compared, at which version, and how each is called.

A loader runs in the environment of its package, with the folder that
``vocabularies.prepare`` has filled. Of several calls that do the same the fastest was
taken; a call that a package doesn't have is None.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Encode = Callable[[str], Any]


@dataclass(frozen=True)
class Operations:
    """What an implementation can do. ``library``: it has conversations as well."""

    to_list: Encode
    to_array: Encode | None = None
    count: Encode | None = None
    decode: Callable[[Sequence[int]], str] | None = None
    to_list_checked: Encode | None = None
    library: Any = None
    encoding: Any = None


@dataclass(frozen=True)
class Implementation:
    """A package: its exact requirements, none for harmony itself, and its loader."""

    name: str
    requirements: tuple[str, ...]
    load: Callable[[Path], Operations]


def load_harmony(folder: Path) -> Operations:
    """Load what is installed where the benchmarks were started."""
    library = importlib.import_module("harmony")
    encoding = library.load_harmony_encoding("HarmonyGptOss")
    return Operations(
        to_list=encoding.encode,
        to_array=encoding.encode_to_array,
        count=encoding.count_tokens,
        decode=encoding.decode,
        to_list_checked=encoding.encode,
        library=library,
        encoding=encoding,
    )


def load_openai_harmony(folder: Path) -> Operations:
    """Load the reference; without a check for special tokens it has a faster way."""
    os.environ["TIKTOKEN_ENCODINGS_BASE"] = str(folder)
    library = importlib.import_module("openai_harmony")
    encoding = library.load_harmony_encoding("HarmonyGptOss")
    return Operations(
        to_list=lambda text: encoding.encode(text, disallowed_special=()),
        decode=encoding.decode,
        to_list_checked=encoding.encode,
        library=library,
        encoding=encoding,
    )


def load_tiktoken(folder: Path) -> Operations:
    """Load tiktoken with its own definition of o200k_base, its file read from here."""
    tiktoken = importlib.import_module("tiktoken")
    definitions: Any = importlib.import_module("tiktoken_ext.openai_public")
    read = importlib.import_module("tiktoken.load").load_tiktoken_bpe
    path = str(folder / "o200k_base.tiktoken")
    os.environ["TIKTOKEN_CACHE_DIR"] = ""
    definitions.load_tiktoken_bpe = lambda *_, **__: read(path)
    encoding = tiktoken.Encoding(**definitions.o200k_base())
    return Operations(
        to_list=encoding.encode_ordinary,
        to_array=encoding.encode_to_numpy,
        decode=encoding.decode,
        to_list_checked=encoding.encode,
    )


def load_fastokens(folder: Path) -> Operations:
    """Load fastokens; its buffer comes from the call for many texts."""
    fastokens = importlib.import_module("fastokens._native")
    path = str(folder / "o200k_base.tiktoken")
    tokenizer = fastokens.Tokenizer.from_tiktoken(path, encoding="o200k_base")
    return Operations(
        to_list=lambda text: tokenizer.encode_ordinary(text).ids,
        to_array=lambda text: tokenizer.encode_batch_flat([text])[0],
        decode=tokenizer.decode,
    )


def load_gigatoken(folder: Path) -> Operations:
    """Load gigatoken; its arrays are NumPy's."""
    gigatoken = importlib.import_module("gigatoken")
    tokenizer = gigatoken.Tokenizer.from_tiktoken(folder / "o200k_base.tiktoken")
    checked = tokenizer.as_tiktoken()
    return Operations(
        to_list=checked.encode_ordinary,
        to_array=tokenizer.encode,
        decode=checked.decode,
        to_list_checked=checked.encode,
    )


def load_toktok(folder: Path) -> Operations:
    """Load toktok-rs, which has the vocabulary in it; ``_encoding`` is its full API."""
    encoding = importlib.import_module("toktok")._encoding("o200k_base")
    return Operations(
        to_list=encoding.encode_ordinary,
        to_array=encoding.encode_to_buffer,
        count=encoding.count,
        decode=encoding.decode,
        to_list_checked=encoding.encode,
    )


def load_splintr(folder: Path) -> Operations:
    """Load splintr-rs, which has the vocabulary in it."""
    tokenizer = importlib.import_module("splintr").Tokenizer.from_pretrained(
        "o200k_base"
    )
    return Operations(
        to_list=tokenizer.encode_ordinary,
        to_array=tokenizer.encode_flat,
        decode=tokenizer.decode,
    )


def load_quicktok(folder: Path) -> Operations:
    """Load quicktok-v1, which has the vocabulary in it."""
    encoding = importlib.import_module("quicktok").get_encoding("o200k_base")
    return Operations(
        to_list=encoding.encode_ordinary,
        to_array=lambda text: encoding.encode_batch([text], 1)[0],
        count=encoding.count,
        decode=encoding.decode,
        to_list_checked=encoding.encode,
    )


def load_rs_bpe(folder: Path) -> Operations:
    """Load rs-bpe, which has the vocabulary in it."""
    tokenizer = importlib.import_module("rs_bpe.bpe").openai.o200k_base()
    return Operations(
        to_list=tokenizer.encode, count=tokenizer.count, decode=tokenizer.decode
    )


def load_tokie(folder: Path) -> Operations:
    """Load tokie from a tokenizer.json."""
    tokie = importlib.import_module("tokie")
    tokenizer = tokie.Tokenizer.from_json(str(folder / "tokenizer.json"))
    return Operations(
        to_list=lambda text: tokenizer.encode(text, False).ids,
        count=tokenizer.count_tokens,
        decode=tokenizer.decode,
    )


HARMONY = Implementation("harmony", (), load_harmony)
REFERENCE = Implementation(
    "openai-harmony", ("openai-harmony==0.0.8",), load_openai_harmony
)
TIKTOKEN = Implementation(
    "tiktoken", ("tiktoken==0.14.0", "numpy==2.4.6"), load_tiktoken
)
PEERS = (
    Implementation("fastokens", ("fastokens==0.3.5",), load_fastokens),
    Implementation("gigatoken", ("gigatoken==0.10.0",), load_gigatoken),
    Implementation("toktok-rs", ("toktok-rs==0.3.0",), load_toktok),
    Implementation("splintr-rs", ("splintr-rs==0.22.0",), load_splintr),
    Implementation("quicktok-v1", ("quicktok-v1==0.4.0",), load_quicktok),
    Implementation("rs-bpe", ("rs-bpe==0.1.0",), load_rs_bpe),
    Implementation("tokie", ("tokie==0.1.4",), load_tokie),
    TIKTOKEN,
    REFERENCE,
)
IMPLEMENTATIONS = {each.name: each for each in (HARMONY, *PEERS)}
