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
from harmony.rendering import ROLE_NUMBERS
from support import ROOT

PACKAGE = ROOT / "harmony"
CSRC = ROOT / "csrc"

# Each line knows only lines above it.
PYTHON: dict[str, set[str]] = {
    "errors": set(),
    "cache": set(),
    "forks": set(),
    "encoding_name": set(),
    "typescript": set(),
    "schema_references": set(),
    "schema_merging": {"typescript"},
    "complete_typescript": {"schema_merging", "schema_references", "typescript"},
    "repairs": set(),
    "special": {"errors"},
    "vocabulary": {"errors"},
    "_native": {"_native._ffi", "errors"},
    "_native.straight": {"_native"},
    "_model": set(),
    "_model.text": set(),
    "_model.refusal": set(),
    "_model.checks": {"_model.refusal", "_native.straight"},
    "_model.forms": {"_model.checks", "_native.straight"},
    "_model.jsontext": {"_model.checks", "_model.refusal", "_model.text"},
    "_model.schema": set(),
    "_model.base": {"_model.checks", "_model.jsontext", "_model.schema"},
    "tools": {"_model.base", "_model.checks", "_model.forms"},
    "contents": {
        *{"_model.base", "_model.checks", "_model.forms", "_model.refusal"},
        *{"_model.schema", "tools"},
    },
    "messages": {
        *{"_model.base", "_model.checks", "_model.forms", "_model.jsontext"},
        *{"_model.refusal", "contents", "tools"},
    },
    "_native.encoding": {"_native", "_native.straight"},
    "_native.batch": {"_native", "_native.encoding"},
    "_native.vocabulary": {"_native"},
    "_native.parser": {"_native"},
    "prompts": {
        *{"_native.straight", "cache", "complete_typescript"},
        *{"errors", "messages", "tools", "typescript"},
    },
    "rendering": {
        *{"_model.text", "_native", "_native.straight", "cache", "errors"},
        *{"messages", "prompts"},
    },
    "parser": {
        *{"_native", "_native.parser", "_native.straight", "errors", "forks"},
        *{"messages"},
        "repairs",
    },
    "batch": {
        *{"_model.checks", "_model.text", "_native", "_native.batch", "messages"},
        *{"rendering"},
    },
    "many": {
        *{"_native.encoding", "batch", "errors", "messages", "rendering"},
    },
    "encoding": {
        *{"_model.text", "_native", "_native.encoding", "_native.straight"},
        *{"errors", "forks", "many", "parser", "rendering", "special", "vocabulary"},
    },
    "training": {"batch", "messages", "rendering"},
    "tokenizer": {
        *{"_model.text", "_native", "_native.vocabulary", "errors", "forks"},
        *{"special", "vocabulary"},
    },
    "_openai": set(),
    "_openai.fields": {"_model.checks"},
    "_openai.names": {"_model.checks", "_openai.fields"},
    "_openai.history": {
        *{"_model.checks", "_openai.fields", "_openai.names", "cache", "contents"},
        *{"messages", "prompts", "rendering"},
    },
    "_openai.tools": {
        *{"_model.checks", "_openai.fields", "_openai.names", "cache", "prompts"},
        *{"tools"},
    },
    "_openai.prompt": {
        *{"_model.checks", "_openai.fields", "_openai.history", "_openai.names"},
        *{"_openai.tools", "contents", "messages", "prompts"},
    },
    "_openai.custom": set(),
    "_openai.reply": {
        *{"_openai.custom", "_openai.fields", "_openai.names", "_openai.prompt"},
        *{"messages", "parser", "repairs"},
    },
    "_openai.items": {"_model.jsontext", "_openai.reply"},
    "_grammar": set(),
    "_grammar.narrow": {"schema_references"},
    "_grammar.reply": set(),
    "_grammar.texts": {"_grammar.reply"},
    "grammar": {
        *{"_grammar.narrow", "_grammar.reply", "_grammar.texts", "_model.checks"},
        *{"encoding", "tools"},
    },
    "chat": {
        *{"_openai.fields", "_openai.history", "_openai.names", "_openai.prompt"},
        *{"_openai.reply", "_openai.tools"},
    },
    "responses": {
        *{"_model.checks", "_openai.fields", "_openai.history", "_openai.items"},
        *{"_openai.names", "_openai.prompt", "_openai.reply", "_openai.tools"},
    },
    "_training": set(),
    "_training.keys": {"_model.checks"},
    "_training.reading": {
        *{"_model.checks", "_openai.history", "_openai.names", "_openai.prompt"},
        *{"_openai.tools", "_training.keys", "chat", "messages", "rendering"},
    },
    "_training.tables": {"_model.jsontext"},
    "_training.options": set(),
    "_training.job": {
        *{"_model.checks", "_training.options", "_training.reading", "batch"},
        *{"messages", "rendering"},
    },
    "_training.columns": {
        *{"_native", "_native.batch", "messages", "rendering"},
    },
    "_training.toolsets": {
        *{"_model.jsontext", "_openai.names", "_training.reading"},
        *{"_training.tables"},
    },
    "_training.calls": {"_training.columns", "_training.toolsets"},
    "_training.chats": {
        *{"_openai.history", "_training.calls", "_training.columns"},
        *{"_training.toolsets"},
    },
    "arrow": {
        *{"_model.checks", "_training.chats", "_training.columns", "_training.job"},
        *{"_training.reading", "_training.tables", "_training.toolsets", "batch"},
        *{"encoding", "rendering"},
    },
    "": set(),
    "recovering": {"encoding", "encoding_name", "messages", "parser"},
    "compat": {"", "recovering"},
    "cli.screen": set(),
    "cli.files": {"_model.jsontext", "cli.screen", "encoding", "messages"},
    "cli.job": {"_training.options", "encoding", "messages"},
    "cli.bulk": set(),
    "cli.bulk.journal": {"_model.jsontext", "cli.files"},
    "cli.bulk.lock": {"cli.files"},
    "cli.bulk.progress": {"cli.screen"},
    "cli.bulk.sources": {
        *{"_model.jsontext", "_training.keys", "_training.tables", "cli.files"},
    },
    "cli.bulk.workers": {"_model.jsontext", "_training.job", "encoding", "errors"},
    "cli.bulk.records": {"_model.jsontext", "cli.bulk.workers", "cli.files"},
    "cli.bulk.shards": {"cli.bulk.workers", "cli.files"},
    "cli.bulk.run": {
        *{"_training.job", "cli.bulk.journal", "cli.bulk.lock"},
        *{"cli.bulk.records", "cli.bulk.shards", "cli.bulk.sources"},
        *{"cli.bulk.workers", "cli.files", "errors"},
    },
    "cli.bulk.engine": {
        *{"_training.job", "cli.bulk.journal", "cli.bulk.lock"},
        *{"cli.bulk.run", "cli.bulk.sources", "cli.files", "errors"},
    },
    "cli.show.reading": {"encoding", "errors", "messages", "parser", "repairs"},
    "cli.show.layout": {"cli.screen", "cli.show.reading", "messages"},
    "cli.show.plain": {"cli.show.layout", "cli.show.reading"},
    "cli.show.terminal": {"cli.show.layout", "cli.show.reading"},
    "cli.show.page": {"cli.screen", "cli.show.reading"},
    "cli.show": {
        *{"_model.jsontext", "_training.job", "_training.keys", "_training.options"},
        *{"batch", "cli.files", "cli.show.layout", "cli.show.page"},
        *{"cli.show.plain", "cli.show.reading", "cli.show.terminal"},
        *{"encoding", "messages"},
    },
    "cli.bulk.command": {
        *{"_training.job", "cli.bulk.engine", "cli.bulk.journal", "cli.bulk.progress"},
        *{"cli.bulk.records", "cli.bulk.run", "cli.bulk.sources", "cli.files"},
        "cli.screen",
    },
    "cli.render": {
        *{"_training.options", "batch", "cli.bulk.command", "cli.bulk.journal"},
        *{"cli.files", "cli.job", "cli.screen", "encoding", "messages"},
    },
    "cli.parse": {"cli.files", "encoding", "messages", "parser"},
    "cli.encode": {"cli.files", "encoding"},
    "cli.decode": {"cli.files", "cli.screen", "encoding"},
    "cli.chat": {
        *{"_model.jsontext", "chat", "cli.files", "cli.job", "cli.screen"},
        *{"encoding", "grammar", "responses"},
    },
    "cli.doctor": {
        *{"", "_native", "cli.screen", "encoding", "errors", "messages", "parser"},
        "vocabulary",
    },
    "cli": {
        *{"cli.chat", "cli.decode", "cli.doctor", "cli.encode", "cli.parse"},
        *{"cli.render"},
        *{"", "cli.files", "cli.screen", "cli.show", "encoding", "errors"},
    },
    "__main__": {"cli"},
}
# For type checkers alone: the encoding and the package import what is not needed to
# encode when it is used.
FOR_TYPES_ALONE = {
    "_native.parser": {"_native.encoding"},
    "rendering": {"_native.encoding"},
    "parser": {"_native.encoding"},
    "many": {"_native.batch", "encoding", "special"},
    "encoding": {
        *{"encoding_name", "many", "messages", "parser", "rendering", "special"},
    },
    "batch": {"_native.batch", "encoding"},
    "_training.job": {"_native.batch", "encoding"},
    "training": {"encoding"},
    "tokenizer": {"special"},
    "_openai.prompt": {"encoding", "rendering"},
    "_openai.reply": {"encoding"},
    "chat": {"encoding"},
    "grammar": {"_openai.prompt", "encoding"},
    "responses": {"contents", "encoding"},
    "": {
        *{"encoding", "encoding_name", "errors", "messages", "parser", "repairs"},
        "tokenizer",
    },
    "compat": {"parser"},
}
C: dict[str, set[str]] = {
    "harmony.h": set(),
    "python.h": {"harmony.h"},
    "wasm.h": {"harmony.h"},
    "buffer.h": set(),
    "unicode.h": set(),
    "pretokenize.h": set(),
    "machine.h": set(),
    "four.h": set(),
    "pages.h": set(),
    "options.h": set(),
    "error.h": {"harmony.h"},
    "conversation.h": {"harmony.h"},
    "special.h": {"harmony.h"},
    "line.h": {"four.h"},
    "mask.h": {"harmony.h"},
    "vocabulary.h": {"harmony.h", "line.h", "machine.h"},
    "bpe.h": {"vocabulary.h"},
    "pieces.h": {"bpe.h"},
    "header.h": {"buffer.h", "harmony.h"},
    "unicode.c": {"unicode.h", "unicode_tables.inc"},
    "version.c": {"harmony.h"},
    "options.c": {"options.h"},
    "error.c": {"error.h", "unicode.h"},
    "conversation.c": {"conversation.h", "error.h"},
    "special.c": {"special.h"},
    "pretokenize.c": {"machine.h", "pretokenize.h", "unicode.h"},
    "pages.c": {"pages.h"},
    "vocabulary.c": {"error.h", "pages.h", "vocabulary.h"},
    "vocabulary_file.c": {"error.h", "vocabulary.h"},
    "bpe.c": {"bpe.h", "error.h"},
    "pieces.c": {"error.h", "pieces.h"},
    "header.c": {"conversation.h", "error.h", "header.h", "unicode.h"},
    "encoding.c": {
        *{"error.h", "harmony.h", "pieces.h", "pretokenize.h", "special.h"},
    },
    "tokenizer.c": {"error.h", "harmony.h", "pieces.h"},
    "builder.c": {"buffer.h", "conversation.h", "error.h", "harmony.h"},
    "render.h": {"harmony.h"},
    "render.c": {
        *{"buffer.h", "conversation.h", "error.h", "harmony.h", "options.h"},
        "render.h",
    },
    "mask.c": {"conversation.h", "error.h", "mask.h", "options.h"},
    "batch.c": {"error.h", "harmony.h", "mask.h"},
    "repair.h": {"buffer.h", "harmony.h"},
    "repair.c": {"conversation.h", "header.h", "repair.h", "unicode.h"},
    "stream.h": {"buffer.h", "harmony.h", "header.h", "machine.h", "repair.h"},
    "python.c": {"python.h", "stream.h"},
    "cpython.h": {"harmony.h", "machine.h"},
    "cpython.c": {"cpython.h"},
    "cpython_pool.c": {"cpython.h"},
    "cpython_text.c": {"cpython.h"},
    "cpython_many.c": {"cpython.h"},
    "cpython_messages.c": {"cpython.h", "stream.h"},
    "cpython_parser.c": {"cpython.h", "stream.h"},
    "cpython_same.c": {"cpython.h"},
    "cpython_render.c": {"cpython.h", "render.h"},
    "cpython_forms.c": {"cpython.h"},
    "wasm.c": {"wasm.h"},
    "stream.c": {"conversation.h", "error.h", "stream.h", "unicode.h"},
    "recover.h": {"stream.h"},
    "recover.c": {"recover.h", "unicode.h"},
    "parser.c": {
        *{"conversation.h", "error.h", "harmony.h", "header.h", "options.h"},
        *{"recover.h", "stream.h", "unicode.h"},
    },
}
# What js/src imports to run; types alone may be of any other file.
JAVASCRIPT: dict[str, set[str]] = {
    "errors": set(),
    "schema_references": set(),
    "tools": set(),
    "json": {"errors"},
    "wasm": {"errors"},
    "contents": {"errors", "json"},
    "special": {"errors", "json"},
    "typescript": {"errors", "json"},
    "schema_merging": {"json", "typescript"},
    "complete_typescript": {
        *("errors", "json", "schema_merging", "schema_references", "typescript"),
    },
    "prompts": {"complete_typescript", "errors", "json", "typescript"},
    "rendering": {"contents", "errors", "prompts", "wasm"},
    "parser": {"contents", "errors", "json", "wasm"},
    "stream": {"parser"},
    "encoding": {"contents", "json", "parser", "rendering", "special", "wasm"},
    "load": {"encoding", "errors", "wasm"},
    "openai/custom": set(),
    "openai/names": {"errors", "json"},
    "openai/fields": {"contents", "errors", "json"},
    "openai/items": {"contents"},
    "openai/history": {
        *{"contents", "errors", "json", "openai/fields", "openai/names", "prompts"},
    },
    "openai/tools": {
        *{"contents", "errors", "json", "openai/fields", "openai/names", "prompts"},
        "tools",
    },
    "openai/prompt": {"contents", "openai/fields", "openai/tools", "prompts"},
    "openai/reply": {
        *{"errors", "openai/custom", "openai/fields", "openai/names", "parser"},
    },
    "chat": {
        *{"errors", "json", "openai/fields", "openai/history", "openai/names"},
        *{"openai/prompt", "openai/reply", "openai/tools"},
    },
    "responses": {
        *{"contents", "errors", "json", "openai/fields", "openai/history"},
        *{"openai/items", "openai/names", "openai/prompt", "openai/reply"},
        "openai/tools",
    },
    "index": {"encoding", "errors", "json", "load", "parser", "stream", "tools"},
}
C_LIBRARY = {"stddef.h", "stdint.h", "stdlib.h", "string.h"}
C_INSTRUCTIONS = {  # where there are
    "pretokenize.c": {"arm_neon.h", "emmintrin.h", "wasm_simd128.h"},
    "four.h": {"arm_neon.h", "emmintrin.h", "wasm_simd128.h"},
    "pages.c": {"sys/mman.h"},
    "machine.h": {"intrin.h"},
    "cpython.h": {"pyconfig.h", "Python.h", "structmember.h"},
}
OTHER_PACKAGES = {
    "cli.bulk.engine": {"ray"},
    "cli.bulk.shards": {"pyarrow"},
    "cli.bulk.sources": {"pyarrow"},
    "_training.columns": {"numpy", "pyarrow"},
    "_training.toolsets": {"numpy"},
    "_training.calls": {"numpy", "pyarrow"},
    "_training.chats": {"numpy", "pyarrow"},
    "arrow": {"numpy", "pyarrow"},
    "cli.bulk.progress": {"rich"},
    "cli.show.terminal": {"rich"},
    "_model.jsontext": {"orjson"},
    "_model.base": {"pydantic", "pydantic_core"},
    "_model.schema": {"pydantic", "pydantic_core"},
    "encoding": {"numpy"},
    "tokenizer": {"regex"},
    "grammar": {"llguidance"},
}


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def module_names() -> set[str]:
    """Return the modules of the package, without ``harmony.`` before them."""
    return {name_of(path) for path in modules()} | {"_native._ffi"}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").removesuffix(".")


def imports(tree: ast.AST) -> set[str]:
    """Return the modules that code imports, wherever in it."""
    names: set[str] = set()
    known = module_names()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports name the whole path"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            submodules = {name for name in inside if name[len("harmony.") :] in known}
            if len(submodules) < len(inside):
                names.add(node.module)
            names |= submodules
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
    """Return the names of our modules, without ``harmony.`` before them."""
    inside = {name for name in names if name.split(".")[0] == "harmony"}
    return {name.removeprefix("harmony").removeprefix(".") for name in inside}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_python_file_is_in_the_table() -> None:
    assert {name_of(path) for path in modules()} == PYTHON.keys()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_python_file_imports_what_the_table_says(path: Path) -> None:
    made, for_types = parts(path)
    assert ours(made) == PYTHON[name_of(path)]
    assert ours(for_types) == FOR_TYPES_ALONE.get(name_of(path), set())


def test_the_python_table_has_no_circle() -> None:
    known = {"_native._ffi"}
    for name, knows in PYTHON.items():
        assert knows <= known, name
        known.add(name)


def test_the_parser_does_not_know_the_encoding_that_makes_parsers() -> None:
    """They imported each other, if for type checkers alone."""
    assert "parser" in PYTHON["encoding"]
    knows = everything_known_to("parser") | FOR_TYPES_ALONE["parser"]
    assert "encoding" not in knows


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_python_file_needs_only_the_standard_library_orjson_and_cffi(
    path: Path,
) -> None:
    made, _ = parts(path)
    outside = {name.split(".")[0] for name in made} - {"harmony"}
    assert outside - sys.stdlib_module_names <= OTHER_PACKAGES.get(name_of(path), set())


def everything_known_to(name: str) -> set[str]:
    """Return all that a Python file knows, at whatever distance."""
    knows = PYTHON.get(name, set())
    return knows.union(*map(everything_known_to, knows))


def test_only_the_binding_imports_the_extension() -> None:
    importers = [name for name, knows in PYTHON.items() if "_native._ffi" in knows]
    assert importers == ["_native"]


def test_requests_and_replies_are_known_only_to_the_command_and_to_rows() -> None:
    doors = {"chat", "responses"}
    for name, knows in PYTHON.items():
        if not name.startswith(("cli", "_training")):
            assert not knows & doors, name
        if not name.startswith(("_openai", "_training")) and name not in doors:
            assert not any(known.startswith("_openai") for known in knows), name


def test_the_command_is_known_by_nothing_but_itself() -> None:
    for name, knows in PYTHON.items():
        if not name.startswith("cli") and name != "__main__":
            assert not any(known.startswith("cli") for known in knows), name


@pytest.mark.parametrize("name", ["messages", "contents", "tools", "typescript"])
def test_what_is_said_knows_nothing_of_how_it_is_written(name: str) -> None:
    forbidden = {"rendering", "parser", "encoding", "vocabulary"}
    binding = {"_native", "_native._ffi", "_native.straight"}
    known = everything_known_to(name)
    assert not known & forbidden
    assert {each for each in known if each.startswith("_native")} <= binding


def test_typescript_is_pure() -> None:
    assert everything_known_to("typescript") == set()
    knows = everything_known_to("complete_typescript")
    assert knows == {"schema_merging", "schema_references", "typescript"}


def test_every_role_has_a_number_in_c() -> None:
    assert {role.value: n for role, n in ROLE_NUMBERS.items()} == _native.ROLES
    assert list(ROLE_NUMBERS) == list(Role)
    assert list(ROLE_NUMBERS.values()) == list(range(_native.CONTINUED))


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
        assert not numbers & set(range(199_998, 201_089)), name_of(path)


# C


def sources() -> list[Path]:
    folders = [CSRC, CSRC / "bindings"]
    return sorted(path for folder in folders for path in folder.glob("*.[ch]"))


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


WRITTEN_IN_C = ("csrc", "csrc/*", "tests/c", "tests/c/*", "tests/benchmarks")


def test_lines_of_c_fit_into_80_columns() -> None:
    files = [path for name in WRITTEN_IN_C for path in ROOT.glob(f"{name}/*.[ch]")]
    assert len(files) > 70
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if len(line) > 80], path


SCRIPTS = ROOT / "js" / "src"
IMPORTED = re.compile(
    r'^(?:import|export) (type )?(?:\{([^}]*)\}|\*) from "([^"]+)";', re.M
)


def run_time_imports(path: Path) -> set[str]:
    """Return the files that a TypeScript file imports more than types of."""
    found = set()
    for types, names, target in IMPORTED.findall(path.read_text(encoding="utf-8")):
        parts = [name.strip() for name in names.split(",") if name.strip()]
        if types or (parts and all(part.startswith("type ") for part in parts)):
            continue
        whole = (path.parent / target).resolve().with_suffix("")
        found.add(whole.relative_to(SCRIPTS).as_posix())
    return found


def test_a_typescript_file_imports_what_the_table_says() -> None:
    files = sorted(SCRIPTS.rglob("*.ts"))
    imported = {
        path.relative_to(SCRIPTS).with_suffix("").as_posix(): run_time_imports(path)
        for path in files
    }
    assert imported == JAVASCRIPT


def test_the_typescript_table_has_no_circle() -> None:
    known: set[str] = set()
    for name, knows in JAVASCRIPT.items():
        assert knows <= known, name
        known.add(name)


def test_only_one_typescript_file_touches_memory() -> None:
    touching = [
        path.stem
        for path in SCRIPTS.rglob("*.ts")
        if "memory.buffer" in path.read_text(encoding="utf-8")
    ]
    assert touching == ["wasm"]


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
