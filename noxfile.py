"""Short commands for what is done again and again: ``nox -s test``, ``nox -l``."""

import re
import shutil
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "test", "docs"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests; arguments behind ``--`` go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Run agents that people use, against the example server; needs npm."""
    session.install("-e", ".[test,clients]", "openai-agents")
    session.run("pytest", "-s", "tests/examples/agents.py", *session.posargs)


@nox.session
def xgrammar(session: nox.Session) -> None:
    """Judge structural tags by xgrammar, with PyTorch for the CPU."""
    cpu = "https://download.pytorch.org/whl/cpu"
    session.install("torch", "--index-url", cpu)
    session.install("-e", ".[test]", "xgrammar==0.2.8")
    session.run("pytest", "-m", "slow", "tests/test_structural_tag.py")


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff on Python, clang-format and the C compiler, warnings being errors."""
    session.install("-e", ".[test]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    listed = session.run("git", "ls-files", "*.c", "*.h", external=True, silent=True)
    files = str(listed).split()
    session.run("clang-format", "--dry-run", "--Werror", *files)
    strict = "CFLAGS=-O2 -g -Werror"
    session.run(
        "make", "-s", "-C", "csrc", "clean", "all", "bindings", strict, external=True
    )


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy."""
    session.install("-e", ".[test,clients]")
    session.run("mypy")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Run the C tests under the sanitizers, and each fuzzer for a minute."""
    targets = ["check", "damage", "headers", "mutate"]
    session.run("make", "-s", "-C", "csrc", *targets, external=True)
    if shutil.which("clang"):
        session.run("make", "-s", "-C", "csrc", "fuzz", external=True)
    else:
        session.warn("libFuzzer is left out: it needs clang")
    if not sys.platform.startswith("linux"):
        session.warn("atheris is left out: it has wheels for Linux")
        return
    session.install("-e", ".[test]", "atheris")
    session.chdir("tests")
    for target in ("replies", "parser", "border"):
        folders = [f"../build/fuzz/{target}", f"fuzz/corpus/{target}"]
        options = ["-max_total_time=60", "-artifact_prefix=../build/fuzz/"]
        session.run("python", "-m", "fuzz", target, *options, *folders)


@nox.session
def mutants(session: nox.Session) -> None:
    """See which small errors in harmony/ no test notices; ``--`` names files."""
    session.install("-e", ".[test]", "coverage>=7.10", "mutmut==3.8.1")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def cmake(session: nox.Session) -> None:
    """Build the C tests by CMake and run them, as CI does with MSVC."""
    session.install("cmake>=3.20")
    build, shown = "build/cmake", "--output-on-failure"
    session.run("cmake", "-S", "csrc", "-B", build, "-DHARMONY_TESTS=ON")
    session.run("cmake", "--build", build, "--config", "Release", "--parallel")
    session.run("ctest", "--test-dir", build, "--build-config", "Release", shown)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure beside other libraries; without arguments, in two minutes."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "tests.benchmarks", *(session.posargs or ["--quick"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site in build/site, warnings being errors."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "build/site")


@nox.session(python=False)
def version(session: nox.Session) -> None:
    """Set the version everywhere: ``nox -s version -- 1.2.3``."""
    (new,) = session.posargs
    major, minor, patch = new.split(".")
    numbers = {"_MAJOR": major, "_MINOR": minor, "_PATCH": patch, "": f'"{new}"'}
    for name, number in numbers.items():
        replace("csrc/harmony.h", rf"(#define HARMONY_VERSION{name}) .*", number)
    replace("compat/pyproject.toml", r"(?m)^(version =) .*", f'"{new}"')
    replace("js/package.json", r'(?m)^(  "version":) .*', f'"{new}",')
    session.run(
        "npm", "install", "--package-lock-only", "--prefix", "js", external=True
    )


def replace(name: str, pattern: str, text: str) -> None:
    """Put text behind what a pattern finds first in a file."""
    path = Path(name)
    old = path.read_text(encoding="utf-8")
    new, count = re.subn(pattern, lambda found: f"{found[1]} {text}", old, count=1)
    if count != 1:
        raise SystemExit(f"{name}: nothing is like {pattern}")
    path.write_text(new, encoding="utf-8", newline="\n")


@nox.session
def dist(session: nox.Session) -> None:
    """Build the source distribution and from it a wheel, in dist/, and check both."""
    session.install("build", "twine", "abi3audit")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")
    files = sorted(str(path) for path in Path("dist").iterdir())
    session.run("twine", "check", "--strict", *files)
    session.run("abi3audit", "--strict", *(f for f in files if f.endswith(".whl")))
