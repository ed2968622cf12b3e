"""The C half by itself: its own build, its own tests, what it exports."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

from support.compiling import COMPILER, CSRC, WARNINGS, make, needs_make, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not COMPILER or sys.platform == "win32", reason="there is no C compiler like cc"
    ),
]


@needs_make
def test_check(tmp_path: Path) -> None:
    output = make("check", tmp_path)
    assert re.search(r"^test_api: \d+ checks passed$", output, re.MULTILINE)
    assert re.search(r"^test_internals: \d+ checks passed$", output, re.MULTILINE)


@needs_make
@pytest.mark.skipif(
    not shutil.which("nm") or sys.platform != "linux", reason="there is no nm -D"
)
def test_only_the_public_names_are_exported(tmp_path: Path) -> None:
    make("all", tmp_path)
    names = set()
    for line in run("nm", "-D", str(tmp_path / "libharmony.so")).splitlines():
        kind, name = line.split()[-2:]
        if kind not in "Uwv":  # not what it takes from elsewhere
            names.add(name)
    header = (CSRC / "harmony.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"^HARMONY_API [^;]*?\b(harmony_\w+)\(", header, re.M))
    assert names == declared
    assert len(names) >= 16


def test_one_command_builds_it_without_a_word(tmp_path: Path) -> None:
    sources = [str(path) for path in sorted(CSRC.glob("*.c"))]
    output = run(COMPILER, "-std=c99", "-O2", *WARNINGS, "-c", *sources, cwd=tmp_path)
    assert output == ""
    assert len(list(tmp_path.glob("*.o"))) == len(sources)


@needs_make
def test_the_bindings_compile_without_a_word_and_are_no_part_of_it(
    tmp_path: Path,
) -> None:
    output = make("bindings", tmp_path)
    assert "warning" not in output
    for name in ("python.o", "cpython.o"):
        assert (tmp_path / "bindings" / name).exists()
    make(f"{tmp_path}/libharmony.a", tmp_path)
    members = run("ar", "t", f"{tmp_path}/libharmony.a").split()
    assert "encoding.o" in members
    assert "python.o" not in members


@pytest.mark.skipif(
    not shutil.which("nm") or sys.platform != "linux", reason="there is no nm"
)
def test_the_extension_carries_no_symbols() -> None:
    extension = importlib.util.find_spec("harmony._native._ffi")
    assert extension and extension.origin
    assert "no symbols" in run("nm", extension.origin)


def test_the_header_stands_alone(tmp_path: Path) -> None:
    source = tmp_path / "alone.c"
    source.write_text('#include "harmony.h"\nint alone;\n')
    flags = ["-std=c99", "-Werror", *WARNINGS, f"-I{CSRC}"]
    assert run(COMPILER, *flags, "-c", str(source), cwd=tmp_path) == ""


@pytest.mark.skipif(
    not shutil.which("cmake") or not shutil.which("ctest"), reason="there is no CMake"
)
def test_cmake_makes_the_tests_only_when_asked(tmp_path: Path) -> None:
    count = r"Total Tests: (\d+)"
    for options, tests in (([], 0), (["-DHARMONY_TESTS=ON"], 10)):
        compiler = f"-DCMAKE_C_COMPILER={COMPILER}"
        run("cmake", "-S", str(CSRC), "-B", str(tmp_path), compiler, *options)
        found = re.search(count, run("ctest", "-N", cwd=tmp_path))
        assert found and int(found[1]) == tests
