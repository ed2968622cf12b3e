"""What is public: its names, its docstrings, what importing it costs."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harmony
from harmony import HarmonyEncodingName, _native
from harmony.encoding import NAMES
from harmony.forks import once
from harmony.vocabulary import FOLDER_VARIABLE
from support import ROOT

PUBLIC = [
    "Author",
    "ChannelConfig",
    "Content",
    "Conversation",
    "DecodeError",
    "DeveloperContent",
    "EncodeError",
    "HarmonyEncoding",
    "HarmonyEncodingName",
    "HarmonyError",
    "Message",
    "ParseError",
    "ParseWarning",
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderError",
    "RenderOptions",
    "ResponseFormat",
    "Role",
    "Segment",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "TokenCount",
    "Tokenizer",
    "ToolDescription",
    "ToolNamespaceConfig",
    "VocabularyError",
    "WarningKind",
    "load_harmony_encoding",
]


def test_the_public_names_are_these() -> None:
    assert harmony.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(harmony, name).__name__ == name


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, Any] = {}
    exec("from harmony import *", names)
    assert names.keys() - {"__builtins__"} == set(PUBLIC)


def members() -> Iterator[tuple[str, Any]]:
    """Give every public name, and every public member of public classes."""
    for name in PUBLIC:
        thing = getattr(harmony, name)
        yield name, thing
        if not inspect.isclass(thing):
            continue
        for member, value in vars(thing).items():
            if isinstance(value, (staticmethod, classmethod)):
                value = value.__func__
            has_doc = callable(value) or isinstance(value, (property, once))
            if has_doc and not member.startswith("_"):
                yield f"{name}.{member}", value


MEMBERS = dict(members())


@pytest.mark.parametrize("name", MEMBERS)
def test_a_public_name_has_a_docstring(name: str) -> None:
    doc = inspect.getdoc(MEMBERS[name])
    assert doc
    first = doc.splitlines()[0]
    assert re.search(r"[.:]$", first), first
    if inspect.isclass(MEMBERS[name]):
        assert not doc.startswith(f"{name}("), "the docstring that dataclass makes"


def test_the_docstrings_of_public_methods_and_properties_are_looked_at() -> None:
    assert "HarmonyEncoding.special_tokens_set" in MEMBERS
    assert "StreamableParser.messages" in MEMBERS
    assert "ToolNamespaceConfig.browser" in MEMBERS
    assert "Message.from_dict" in MEMBERS
    assert len(MEMBERS) > 80


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.endswith("Error")])
def test_every_error_is_a_harmony_error(name: str) -> None:
    kind = getattr(harmony, name)
    assert issubclass(kind, harmony.HarmonyError)
    assert issubclass(kind, RuntimeError)
    assert str(kind("what is wrong")) == "what is wrong"


def imported(code: str, *options: str) -> set[str]:
    """Return the names of the modules that code imports in a new process."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        env={k: v for k, v in os.environ.items() if k != FOLDER_VARIABLE},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_and_loading_imports_no_heavy_package() -> None:
    heavy = {
        *["pydantic", "regex", "openai_harmony", "tiktoken", "numpy", "requests"],
        *["hashlib", "argparse", "asyncio", "logging", "unicodedata", "email"],
        *["harmony.cli", "cffi", "pycparser", "setuptools", "importlib.metadata"],
    }
    new = imported(f"{ENCODE}; from harmony import *")
    assert "harmony.encoding" in new
    assert not (new - imported("")) & heavy


ENCODE = (
    "import harmony; encoding = harmony.load_harmony_encoding('HarmonyGptOss');"
    "encoding.decode(encoding.encode('hello'))"
)


def test_encoding_imports_neither_messages_nor_what_they_need() -> None:
    heavy = {
        *["dataclasses", "inspect", "orjson", "json", "copy", "math"],
        *["enum", "functools", "contextlib", "struct"],
        *["harmony.messages", "harmony.prompts", "harmony.parser"],
    }
    if _native.EXTENSION is None:
        heavy.discard("struct")  # it packs lists where there are no straight ways
    new = imported_without_site(ENCODE)
    assert "harmony.encoding" in new
    assert not (new - imported_without_site("")) & heavy


def test_the_names_of_encodings_are_those_of_the_enum() -> None:
    assert tuple(HarmonyEncodingName) == NAMES


def test_messages_and_rendering_import_neither_orjson_nor_the_parser() -> None:
    heavy = {"orjson", "uuid", "datetime", "harmony.parser"}
    code = f"{ENCODE}; encoding.render(harmony.Message('user', 'hi'))"
    new = imported_without_site(code)
    assert "harmony.rendering" in new
    assert not (new - imported_without_site("")) & heavy


def imported_without_site(code: str) -> set[str]:
    """Return the modules that code imports where none is imported before."""
    path = [str(Path(harmony.__file__).parents[1]), *sys.path]
    return imported(f"import sys; sys.path[:] = {path!r}\n{code}", "-S")


def test_importing_the_package_imports_no_module_of_it() -> None:
    new = imported("import harmony; harmony.__all__; dir(harmony)")
    assert {name for name in new if name.split(".")[0] == "harmony"} == {"harmony"}


def test_type_checkers_and_the_interpreter_find_names_in_the_same_modules() -> None:
    tree = ast.parse(Path(harmony.__file__).read_text(encoding="utf-8"))
    homes = {
        alias.name: (node.module or "").removeprefix("harmony.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert homes == harmony._HOMES
    assert sorted(homes) == sorted(harmony.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'harmony' has no attribute 'Mesage'"):
        getattr(harmony, "Mesage")  # noqa: B009
    with pytest.raises(ImportError, match="Mesage"):
        exec("from harmony import Mesage")


def test_the_names_that_are_not_used_yet_are_listed() -> None:
    code = "import harmony; assert set(harmony.__all__) <= set(dir(harmony))"
    assert "harmony.messages" not in imported(code)


def test_the_version_is_that_of_the_header() -> None:
    text = (ROOT / "csrc" / "harmony.h").read_text(encoding="utf-8")
    (version,) = re.findall(r'#define HARMONY_VERSION "(.*)"', text)
    assert harmony.__version__ == version
    assert importlib.metadata.version("harmony-format") == version


def test_the_version_is_there_without_what_is_slow_to_import() -> None:
    code = "import harmony; assert '__version__' in dir(harmony); harmony.__version__"
    new = imported(code) - imported("")
    assert "harmony._native" in new
    assert not new & {"importlib.metadata", "harmony.encoding", "email", "csv"}


def test_the_package_is_typed() -> None:
    assert (Path(harmony.__file__).parent / "py.typed").exists()


@pytest.mark.reference
def test_every_public_name_of_the_reference_is_here() -> None:
    reference = pytest.importorskip("openai_harmony")
    assert set(reference.__all__) <= set(harmony.__all__)
    for name in reference.__all__:
        theirs, ours = getattr(reference, name), getattr(harmony, name)
        if inspect.isclass(theirs) and name not in ("HarmonyError",):
            public = {
                member
                for member in vars(theirs)
                if not member.startswith(("_", "model_"))
            }
            assert public <= set(dir(ours)) | set(
                getattr(ours, "__dataclass_fields__", {})
            ), name
