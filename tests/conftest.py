"""What tests share: the encoding, tiktoken, and the reference."""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harmony import HarmonyEncoding, Tokenizer, load_harmony_encoding
from harmony.vocabulary import FILE_NAME, FOLDER_VARIABLE, SHA256
from support.o200k import ORDINARY, PATTERN, SPECIAL

# Where a wheel is tested, neither hypothesis nor pytest-xdist is installed.

if importlib.util.find_spec("hypothesis"):
    importlib.import_module("support.examples")
    importlib.import_module("hypothesis").settings.load_profile("usual")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Use all cores for all tests; what is named on the command line runs in here."""
    option = config.option
    is_worker = hasattr(config, "workerinput")
    is_named = config.args_source is pytest.Config.ArgsSource.ARGS
    if is_worker or is_named or option.usepdb:
        return
    if getattr(option, "numprocesses", 0) is None and (cores := _cores()) > 1:
        option.numprocesses = min(cores, 8)
        option.dist = "worksteal"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@pytest.fixture(scope="session", autouse=True)
def _without_pydantic() -> Iterator[None]:
    """Errors as they are where pydantic is not loaded, whatever tests have loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harmony._model.refusal._pydantic", lambda: None)
        yield


@pytest.fixture(scope="session")
def encoding() -> HarmonyEncoding:
    return load_harmony_encoding("HarmonyGptOss")


@pytest.fixture(scope="session")
def ranks(encoding: HarmonyEncoding) -> dict[bytes, int]:
    """The vocabulary, as our own decoder has it."""
    return {encoding.decode_bytes([rank]): rank for rank in range(ORDINARY)}


@pytest.fixture(scope="session")
def tiktoken_file(
    ranks: dict[bytes, int], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """o200k_base.tiktoken, written from our vocabulary; its SHA-256 proves both."""
    lines = [
        b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in ranks.items()
    ]
    data = b"".join(lines)
    assert hashlib.sha256(data).hexdigest() == SHA256
    path = tmp_path_factory.mktemp("vocabulary") / FILE_NAME
    path.write_bytes(data)
    return path


@pytest.fixture(scope="session")
def tiktoken_encoding(ranks: dict[bytes, int]) -> Any:
    """tiktoken with the same vocabulary and pattern."""
    tiktoken = importlib.import_module("tiktoken")
    return tiktoken.Encoding(
        "o200k_harmony", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={}
    )


@pytest.fixture(scope="session")
def special_tiktoken(ranks: dict[bytes, int]) -> Any:
    """tiktoken that knows the special tokens of harmony too."""
    tiktoken = importlib.import_module("tiktoken")
    return tiktoken.Encoding(
        "o200k_harmony",
        pat_str=PATTERN,
        mergeable_ranks=ranks,
        special_tokens=SPECIAL,
    )


@dataclass
class Reference:
    """openai-harmony 0.0.8 and its encoding."""

    module: ModuleType
    encoding: Any


@pytest.fixture(scope="session")
def reference(tiktoken_file: Path) -> Reference:
    module = pytest.importorskip("openai_harmony")
    with pytest.MonkeyPatch.context() as patch:
        # Only while it loads: with us the variable would be in force as well.
        patch.setenv(FOLDER_VARIABLE, str(tiktoken_file.parent))
        encoding = module.load_harmony_encoding("HarmonyGptOss")
    return Reference(module, encoding)


@pytest.fixture(scope="session")
def trained() -> dict[bytes, int]:
    """A small vocabulary."""
    ranks: dict[bytes, int] = _trained().ranks()
    return ranks


@pytest.fixture(scope="session")
def trained_file(
    trained: dict[bytes, int], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("trained") / "trained.tiktoken"
    path.write_bytes(_trained().tiktoken_lines(trained))
    return path


@pytest.fixture(scope="session")
def tokenizer(trained_file: Path) -> Tokenizer:
    return Tokenizer.from_tiktoken(
        trained_file, pattern=_trained().WORDS, special_tokens=_trained().SPECIAL
    )


@pytest.fixture(scope="session")
def trained_tiktoken(trained: dict[bytes, int]) -> Any:
    """tiktoken with the small vocabulary."""
    tiktoken = importlib.import_module("tiktoken")
    return tiktoken.Encoding(
        "trained",
        pat_str=_trained().WORDS,
        mergeable_ranks=trained,
        special_tokens=_trained().SPECIAL,
    )


def _trained() -> Any:
    """Where a wheel is tested, what this needs is not installed."""
    return importlib.import_module("support.trained")
