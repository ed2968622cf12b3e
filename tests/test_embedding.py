"""The C library as programs take it: found, built, linked, and what they rely on."""

from __future__ import annotations

import ctypes
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harmony import (
    Conversation,
    DeveloperContent,
    HarmonyEncoding,
    Message,
    Role,
    SystemContent,
    ToolDescription,
    _native,
)
from support import ROOT
from support.compiling import COMPILER, CSRC, WARNINGS, make, needs_make, run

HEADER = (CSRC / "harmony.h").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
VOCABULARY = ROOT / "harmony" / "data" / "o200k_base.vocabulary"
CONSUMERS = ROOT / "tests" / "c" / "consumers"
ABI = ROOT / "tests" / "c" / "abi" / "harmony.txt"
CXX = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++") or ""
(VERSION,) = re.findall(r'#define HARMONY_VERSION "(.*)"', HEADER)
SAID = f"{VERSION} consumed\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not COMPILER or sys.platform == "win32", reason="there is no C compiler like cc"
    ),
]
needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="shared libraries are otherwise here"
)


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"there is no {missing}")


# The header


def described() -> list[tuple[str, str]]:
    """Return each declared function with the comment that stands above it."""
    pattern = r"/\*((?:(?!\*/).)*)\*/\n(HARMONY_API [^;]*;)"
    return [(found[1], found[0]) for found in re.findall(pattern, HEADER, re.DOTALL)]


def test_every_function_is_described_and_every_failure_has_its_statuses() -> None:
    functions = described()
    assert len(functions) == HEADER.count("\nHARMONY_API ") > 25
    for declaration, comment in functions:
        if declaration.startswith("HARMONY_API harmony_status"):
            assert "Errors" in comment, declaration


def test_the_version_is_that_of_the_header() -> None:
    defined = dict(re.findall(r"^#define HARMONY_VERSION(\w*) (.*)$", HEADER, re.M))
    numbers = [defined[name] for name in ("_MAJOR", "_MINOR", "_PATCH")]
    assert defined[""] == f'"{".".join(numbers)}"'
    linked = _native.ffi.string(_native.lib.harmony_version())
    assert linked == VERSION.encode()


@pytest.mark.parametrize("standard", ["c++98", "c++11", "c++20"])
@pytest.mark.skipif(not CXX, reason="there is no C++ compiler")
def test_the_header_is_cplusplus_too(tmp_path: Path, standard: str) -> None:
    source = tmp_path / "alone.cpp"
    source.write_text('#include "harmony.h"\nint alone;\n')
    flags = [f"-std={standard}", "-Wall", "-Wextra", "-Werror", f"-I{CSRC}"]
    assert run(CXX, *flags, "-c", str(source), cwd=tmp_path) == ""


# What compiled programs rely on


def layout(name: str) -> list[str]:
    """Return what a type is: its size, and its fields by their place."""
    ffi = _native.ffi
    kind = ffi.typeof(name)
    try:
        size = ffi.sizeof(kind)
    except ffi.error:  # nobody but the library knows
        return [f"opaque {name}"]
    if kind.kind == "enum":
        return [f"enum {name}: {size} bytes"]
    fields = [
        f"    {field.offset} {field.type.cname} {word}" for word, field in kind.fields
    ]
    return [f"struct {name}: {size} bytes", *fields]


def abi() -> str:
    """Return all that harmony.h promises: types, numbers and functions.

    What is called scratch is the binding's own.
    """
    lib: Any = _native.lib
    types = [
        name for name in sorted(_native.ffi.list_types()[0]) if "scratch" not in name
    ]
    lines = [line for name in types for line in layout(name)]
    for name in sorted(dir(lib)):
        if "scratch" in name:
            continue
        value = getattr(lib, name)
        if isinstance(value, int):
            lines.append(f"{name} = {value}")
        else:
            lines.append(f"{name}: {_native.ffi.typeof(value).cname}")
    return "\n".join(lines) + "\n"


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="other sizes")
def test_types_values_and_functions_are_those_that_are_stored() -> None:
    """If this fails on purpose: is the soname right? Then store the new one.

    ``cd tests && python test_embedding.py`` does that.
    """
    assert abi() == ABI.read_text(encoding="utf-8")


@needs_make
@needs("abidiff", "abidw")
@pytest.mark.skipif(
    (platform.machine(), sys.platform) != ("x86_64", "linux"), reason="another ABI"
)
def test_abidiff_sees_no_change(tmp_path: Path) -> None:
    make("abi", tmp_path)


# Building and finding it


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make install` makes, with DESTDIR in front of the prefix."""
    folder = tmp_path_factory.mktemp("make")
    destination = folder / "staged"
    arguments = [f"BUILD={folder / 'build'}", f"CC={COMPILER}"]
    prefix = [f"DESTDIR={destination}", f"PREFIX={folder / 'prefix'}"]
    run("make", "-s", "install", *arguments, *prefix)
    staged = Path(f"{destination}{folder}") / "prefix"
    assert not (folder / "prefix").exists()
    return staged.rename(folder / "prefix")


@needs_make
@needs_linux
def test_make_installs_everything(installed: Path) -> None:
    files = [path for path in installed.rglob("*") if not path.is_dir()]
    names = {str(path.relative_to(installed)) for path in files}
    assert names == {
        *{"include/harmony.h", "lib/libharmony.a", "lib/libharmony.so"},
        *{"lib/libharmony.so.0", "lib/libharmony_vocabulary.a"},
        *{"lib/pkgconfig/harmony.pc", "share/harmony/o200k_base.vocabulary"},
        *{"share/doc/harmony/LICENSE", "share/doc/harmony/NOTICE"},
    }
    assert (installed / "lib/libharmony.so").readlink() == Path("libharmony.so.0")
    assert (installed / "share/harmony" / VOCABULARY.name).read_bytes() == (
        VOCABULARY.read_bytes()
    )


@needs_make
@needs_linux
@needs("nm", "readelf")
def test_the_libraries_have_their_names_and_no_others(installed: Path) -> None:
    shared = str(installed / "lib/libharmony.so.0")
    assert "soname: [libharmony.so.0]" in run("readelf", "-d", shared)
    assert "no symbols" in run("nm", shared)
    for library, prefix in [
        ("libharmony.a", r"(harmony|hm)_"),
        ("libharmony_vocabulary.a", r"harmony_builtin_vocabulary$"),
    ]:
        symbols = run("nm", "-g", "--defined-only", str(installed / "lib" / library))
        names = re.findall(r"^\S+ [A-Z] (\w+)$", symbols, re.M)
        assert names
        assert all(re.match(prefix, name) for name in names)


def with_pkg_config(installed: Path, *arguments: str) -> list[str]:
    path = f"--with-path={installed / 'lib' / 'pkgconfig'}"
    return run("pkg-config", path, *arguments, "harmony").split()


@needs_make
@needs_linux
@needs("pkg-config")
def test_a_program_finds_it_with_pkg_config(installed: Path, tmp_path: Path) -> None:
    program, alone = str(tmp_path / "program"), str(tmp_path / "alone")
    source = str(CONSUMERS / "program.c")
    flags = with_pkg_config(installed, "--cflags", "--libs")
    (vocabulary,) = with_pkg_config(installed, "--variable=vocabulary")
    assert with_pkg_config(installed, "--modversion") == [VERSION]
    library = f"-Wl,-rpath,{installed / 'lib'}"
    run(COMPILER, "-std=c99", *WARNINGS, "-o", program, source, *flags, library)
    assert run(program, vocabulary) == SAID
    flags = [*flags, "-lharmony_vocabulary", library]
    run(COMPILER, "-std=c99", *WARNINGS, "-DBUILTIN", "-o", alone, source, *flags)
    assert run(alone) == SAID


def cmake(source: Path, build: Path, *options: str) -> None:
    run("cmake", "-S", str(source), "-B", str(build), *options)
    run("cmake", "--build", str(build), "--parallel", "2")


@needs("cmake")
@pytest.mark.parametrize("shared", ["ON", "OFF"])
def test_a_project_finds_it_with_cmake(tmp_path: Path, shared: str) -> None:
    prefix = tmp_path / "prefix"
    install = [f"-DCMAKE_INSTALL_PREFIX={prefix}", f"-DBUILD_SHARED_LIBS={shared}"]
    cmake(CSRC, tmp_path / "library", *install)
    run("cmake", "--install", str(tmp_path / "library"), "--strip")
    moved = prefix.rename(tmp_path / "moved")
    build = tmp_path / "consumer"
    cmake(CONSUMERS / "installed", build, f"-DCMAKE_PREFIX_PATH={moved}")
    vocabulary = (build / "vocabulary.path").read_text()
    assert Path(vocabulary).read_bytes() == VOCABULARY.read_bytes()
    assert run(str(build / "program"), vocabulary) == SAID
    assert run(str(build / "alone")) == SAID


@needs("cmake")
def test_a_project_has_it_inside_with_cmake(tmp_path: Path) -> None:
    cmake(CONSUMERS / "inside", tmp_path)
    assert run(str(tmp_path / "alone")) == SAID
    vocabulary = (tmp_path / "vocabulary.path").read_text()
    assert Path(vocabulary).read_bytes() == VOCABULARY.read_bytes()


def build_with_sources(program: Path, source: Path, *flags: str) -> None:
    """Build a program from its source and csrc/*.c, in one command."""
    library = [str(path) for path in sorted(CSRC.glob("*.c"))]
    files = [str(source), *library, "-o", str(program)]
    assert run(COMPILER, "-std=c99", "-O1", *flags, f"-I{CSRC}", *files) == ""


def test_a_program_with_the_sources_in_it_needs_no_build_step(tmp_path: Path) -> None:
    build_with_sources(tmp_path / "program", CONSUMERS / "program.c")
    assert run(str(tmp_path / "program"), str(VOCABULARY)) == SAID


# The page, and the example


def page_program() -> tuple[str, str]:
    """Return the program of docs/embedding.md and what the page says it prints."""
    found = re.search(r"```c\n(#include.*?)```.*?```\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1], found[2]


@needs_make
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_program_of_the_page(tmp_path: Path, language: str) -> None:
    compiler, standard = (COMPILER, "c99") if language == "c" else (CXX, "c++11")
    if not compiler:
        pytest.skip("there is no C++ compiler")
    program, output = page_program()
    assert len(program.splitlines()) < 90
    source = tmp_path / "program.source"
    source.write_text(program, encoding="utf-8")
    flags = [f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    files = ["-x", language, str(source), "-x", "none"]
    archive = f"{tmp_path}/libharmony.a"
    make(archive, tmp_path)
    library = [f"-I{CSRC}", archive]
    built = str(tmp_path / "program")
    assert run(compiler, *flags, *files, *library, "-o", built) == ""
    assert run(built, str(VOCABULARY)) == output


def test_the_prompts_of_the_page_are_what_python_writes(
    encoding: HarmonyEncoding,
) -> None:
    tool = ToolDescription.new(
        "get_weather",
        "Get the weather.",
        {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    )
    system = SystemContent.new().with_conversation_start_date("2025-06-28")
    developer = DeveloperContent.new().with_instructions("Be brief.")
    talk = Conversation.from_messages(
        [
            Message.from_role_and_content(Role.SYSTEM, system),
            Message.from_role_and_content(
                Role.DEVELOPER, developer.with_function_tools([tool])
            ),
        ]
    )
    text = encoding.decode(encoding.render_conversation(talk))
    shown = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert shown == re.findall(r"<\|message\|>(.*?)<\|end\|>", text, re.DOTALL)


COMPLETIONS = (
    '<|channel|>analysis<|message|>"Twice"?<|end|><|start|>assistant'
    "<|channel|>final<|message|>It is ☔ 14.<|return|>\n"
    "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>\n"
    "<|channel|>final<|message|>cut o"
)
EXPECTED: list[list[tuple[str, str | None, str]]] = [
    [("analysis", None, '"Twice"?'), ("final", None, "It is ☔ 14.")],
    [("commentary", "functions.f", "{}")],
    [("final", None, "cut o")],
]


def test_the_serving_example_gives_every_stream_its_events(tmp_path: Path) -> None:
    program, lines = tmp_path / "serve", tmp_path / "lines"
    source = CSRC / "examples" / "serve.c"
    build_with_sources(program, source, *WARNINGS, "-Werror", "-pthread")
    lines.write_text(COMPLETIONS, encoding="utf-8")
    command = [str(program), str(VOCABULARY), str(lines), "2", "100"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert re.match(r"300 streams, \d+ tokens, [\d.]+ seconds\n", result.stderr)
    streams: dict[int, dict[str, list[Any]]] = {}
    for kind, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", result.stdout):
        event = json.loads(data)
        streams.setdefault(event["stream"], {}).setdefault(kind, []).append(event)
    assert sorted(streams) == list(range(300))
    for number, events in streams.items():
        messages = [
            (event["channel"], event.get("recipient"), event["text"])
            for event in events["message"]
        ]
        assert messages == EXPECTED[number % 3]
        assert [event["prompt_tokens"] for event in events["begin"]] == [13]
        for channel in ("analysis", "final"):
            parts = [e["text"] for e in events["delta"] if e["channel"] == channel]
            whole = [text for where, _, text in messages if where == channel]
            assert "".join(parts) == "".join(whole)


if __name__ == "__main__":
    ABI.write_text(abi(), encoding="utf-8")
