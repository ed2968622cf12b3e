"""Who may know whom: imports and includes go only the way of docs/internals.md.

The two tables are the whole of it: a file may know what stands behind its name, and
nothing else of this project. A new file has to be entered here.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from harmony import Role, _native
from harmony.rendering import CONTINUED, ROLE_NUMBERS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "harmony"
CSRC = ROOT / "csrc"

# Each line knows only lines above it.
PYTHON: dict[str, set[str]] = {
    "errors": set(),
    "surrogates": set(),
    "cache": set(),
    "checks": set(),
    "typescript": set(),
    "vocabulary": {"errors"},
    "jsontext": {"checks", "surrogates"},
    "pydantic_support": {"checks", "jsontext"},
    "tools": {"checks", "pydantic_support"},
    "contents": {"checks", "pydantic_support", "tools"},
    "messages": {"checks", "contents", "jsontext", "pydantic_support", "tools"},
    "codec": {"errors"},
    "_native": {"_ffi", "errors"},
    "_native_parser": {"_native"},
    "sections": {"cache", "checks", "tools", "typescript"},
    "rendering": {"errors", "messages", "sections", "surrogates"},
    "renderer": {"_native", "cache", "errors", "messages", "rendering"},
    "repairs": set(),
    "parser": {
        *{"_native", "_native_parser", "errors", "messages", "rendering"},
        *{"repairs"},
    },
    "encoding": {
        *{"_native", "codec", "errors", "parser", "renderer", "surrogates"},
        *{"vocabulary"},
    },
    "tokenizer": {"_native", "codec", "errors", "surrogates", "vocabulary"},
    "__init__": set(),
    "compat": {"__init__"},
    "jobs": {"encoding", "messages"},
    "recordfiles": set(),
    "journal": {"jsontext"},
    "meter": set(),
    "workers": {"encoding", "errors", "jobs", "jsontext"},
    "bulk": {"errors", "jobs", "journal", "recordfiles", "workers"},
    "show": {"encoding", "errors", "messages", "parser", "repairs"},
    "terminal": {"messages", "show"},
    "page": {"show"},
    "cli": {
        *{"bulk", "encoding", "errors", "jobs", "journal", "jsontext", "messages"},
        *{"meter", "page", "parser", "show", "terminal"},
    },
    "__main__": {"cli"},
}
# For type checkers alone: the parser is given an encoding, which makes parsers; the
# encoding and the package import what is not needed to encode when it is used.
FOR_TYPES_ALONE = {
    "parser": {"encoding"},
    "encoding": {"messages", "parser", "renderer"},
    "__init__": {"encoding", "errors", "messages", "parser", "repairs", "tokenizer"},
}
# The only module that takes the package as a whole, to show it under another name.
FOR_THE_WHOLE = {"compat"}

C: dict[str, set[str]] = {
    "harmony.h": set(),
    "buffer.h": set(),
    "unicode.h": set(),
    "pretokenize.h": set(),
    "machine.h": set(),
    "error.h": {"harmony.h"},
    "conversation.h": {"harmony.h"},
    "vocabulary.h": {"harmony.h", "machine.h"},
    "bpe.h": {"vocabulary.h"},
    "pieces.h": {"bpe.h"},
    "header.h": {"buffer.h", "harmony.h"},
    "unicode.c": {"unicode.h", "unicode_tables.inc"},
    "version.c": {"harmony.h"},
    "error.c": {"error.h", "unicode.h"},
    "conversation.c": {"conversation.h", "error.h"},
    "pretokenize.c": {"machine.h", "pretokenize.h", "unicode.h"},
    "vocabulary.c": {"error.h", "vocabulary.h"},
    "vocabulary_file.c": {"error.h", "vocabulary.h"},
    "bpe.c": {"bpe.h", "error.h"},
    "pieces.c": {"error.h", "pieces.h"},
    "header.c": {"error.h", "header.h", "unicode.h"},
    "encoding.c": {"error.h", "harmony.h", "pieces.h", "pretokenize.h"},
    "builder.c": {"buffer.h", "conversation.h", "error.h", "harmony.h", "header.h"},
    "render.c": {"buffer.h", "conversation.h", "error.h", "harmony.h", "header.h"},
    "repair.h": {"buffer.h", "harmony.h"},
    "repair.c": {"header.h", "repair.h", "unicode.h"},
    "parser.c": {
        *{"buffer.h", "error.h", "harmony.h", "header.h", "repair.h", "unicode.h"}
    },
}
C_LIBRARY = {"stddef.h", "stdint.h", "stdlib.h", "string.h"}
C_INSTRUCTIONS = {"pretokenize.c": {"arm_neon.h", "emmintrin.h"}}  # where there are
OTHER_PACKAGES = {
    "meter": {"rich"},
    "terminal": {"rich"},
    "jsontext": {"orjson"},
    "pydantic_support": {"pydantic_core"},
    "tokenizer": {"regex"},
}


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(tree: ast.AST) -> set[str]:
    """Return the modules that code imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            if node.module == "harmony":
                names.update(f"harmony.{alias.name}" for alias in node.names)
            else:
                names.add(node.module or "")
    return names


def parts(path: Path) -> tuple[set[str], set[str]]:
    """Return the imports of a file that are made, and those for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [node for node in ast.walk(tree) if is_for_types(node)]
    for_types = set().union(*map(imports, blocks))
    for block in blocks:
        block.body = []  # type: ignore[attr-defined]
    return imports(tree), for_types


def ours(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("harmony.")}


def modules() -> list[Path]:
    return sorted(PACKAGE.glob("*.py"))


def test_every_python_file_is_in_the_table() -> None:
    assert {path.stem for path in modules()} == PYTHON.keys()


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_a_python_file_imports_what_the_table_says(path: Path) -> None:
    made, for_types = parts(path)
    assert ours(made) == PYTHON[path.stem] - {"__init__"}
    assert ours(for_types) == FOR_TYPES_ALONE.get(path.stem, set())
    assert ("harmony" in made) == (path.stem in FOR_THE_WHOLE)


def test_the_python_table_has_no_circle() -> None:
    known = {"_ffi"}
    for name, knows in PYTHON.items():
        assert knows <= known, name
        known.add(name)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_a_python_file_needs_only_the_standard_library_orjson_and_cffi(
    path: Path,
) -> None:
    made, _ = parts(path)
    outside = {name.split(".")[0] for name in made} - {"harmony"}
    assert outside - sys.stdlib_module_names <= OTHER_PACKAGES.get(path.stem, set())


def everything_known_to(name: str) -> set[str]:
    """Return all that a Python file knows, at whatever distance."""
    knows = PYTHON.get(name, set())
    return knows.union(*map(everything_known_to, knows))


def test_only_the_binding_imports_the_extension() -> None:
    assert [name for name, knows in PYTHON.items() if "_ffi" in knows] == ["_native"]


@pytest.mark.parametrize("name", ["messages", "contents", "tools", "typescript"])
def test_what_is_said_knows_nothing_of_how_it_is_written(name: str) -> None:
    forbidden = {"_ffi", "_native", "rendering", "parser", "encoding", "vocabulary"}
    assert not everything_known_to(name) & forbidden


def test_typescript_is_pure() -> None:
    assert everything_known_to("typescript") == set()


def test_roles_have_the_same_numbers_in_c_and_in_rendering() -> None:
    assert {role.value: n for role, n in ROLE_NUMBERS.items()} == _native.ROLES
    assert _native.lib.HARMONY_ROLE_CONTINUED == CONTINUED
    assert list(ROLE_NUMBERS) == list(Role)


def test_the_binding_gives_no_c_data() -> None:
    for name in ("STOP_TOKENS", "ASSISTANT_STOP_TOKENS"):
        assert {type(token) for token in getattr(_native, name)} == {int}
    assert type(_native.NO_ROLE) is int


def test_no_python_file_but_the_binding_has_a_token_id() -> None:
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        numbers = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and type(node.value) is int
        }
        assert not numbers & set(range(199_998, 201_089)), path.stem


# C


def sources() -> list[Path]:
    return sorted([*CSRC.glob("*.c"), *CSRC.glob("*.h")])


def without_comments(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


def includes(path: Path) -> tuple[set[str], set[str]]:
    """Return the includes of a file: those in quotes, those in angle brackets."""
    text = without_comments(path)
    quoted = re.findall(r'^\s*#\s*include\s+"(.*?)"', text, re.MULTILINE)
    angled = re.findall(r"^\s*#\s*include\s+<(.*?)>", text, re.MULTILINE)
    return set(quoted), set(angled)


def test_every_c_file_is_in_the_table() -> None:
    assert {path.name for path in sources()} == C.keys()


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_a_c_file_includes_what_the_table_says(path: Path) -> None:
    quoted, angled = includes(path)
    assert quoted == C[path.name]
    assert angled <= C_LIBRARY | C_INSTRUCTIONS.get(path.name, set())


def test_the_c_table_has_no_circle() -> None:
    known = {"unicode_tables.inc"}
    for name, knows in C.items():
        assert knows <= known, name
        known.add(name)


def test_splitting_knows_no_tokens_and_merging_no_characters() -> None:
    def known(name: str) -> set[str]:
        return C.get(name, set()).union(*map(known, C.get(name, set())))

    assert not known("pretokenize.c") & {"vocabulary.h", "bpe.h", "harmony.h"}
    assert not known("bpe.c") & {"unicode.h", "pretokenize.h"}
    for name in ("pretokenize.c", "bpe.c"):
        assert "HARMONY_TOKEN" not in without_comments(CSRC / name)


FORBIDDEN = (
    *["abort", "exit", "_Exit", "atexit", "assert", "signal", "raise"],
    *["printf", "fprintf", "sprintf", "snprintf", "puts", "putchar", "perror"],
    *["fopen", "fread", "fwrite", "open", "read", "write", "getenv", "setlocale"],
    *["isspace", "isalpha", "isdigit", "toupper", "tolower", "strtol", "atoi"],
    *["time", "clock", "rand", "srand", "system", "alloca"],
)


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_a_c_file_neither_prints_nor_ends_the_process_nor_reads_anything(
    path: Path,
) -> None:
    text = re.sub(r'"(\\.|[^"\\])*"', '""', without_comments(path))
    called = set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", text))
    assert not called & set(FORBIDDEN)
    assert not re.search(r"\b(errno|stdout|stderr|stdin)\b", text)


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_a_c_file_has_no_state_of_its_own(path: Path) -> None:
    """Whatever is static is constant, or a function."""
    text = without_comments(path)
    for variable in re.findall(r"\bstatic\b[^;({=]*[;=]", text):
        assert "const" in variable.split(), variable
