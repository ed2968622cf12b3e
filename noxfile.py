"""Short commands for what is done again and again: ``nox -s test``, ``nox -l``."""

import gzip
import hashlib
import io
import re
import shutil
import sys
import tarfile
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


RELEASE = Path("build/release").resolve()


@nox.session
def release(session: nox.Session) -> None:
    """Make all that is published, twice, and compare and check it; build/release/.

    It is made of the last commit, in fresh clones. Needs git, make, cc and npm.
    """
    session.install("build", "cyclonedx-bom")
    shutil.rmtree(RELEASE, ignore_errors=True)
    make_release(session, Path.cwd(), RELEASE / "first")
    make_release(session, RELEASE / "first", RELEASE / "second")  # the same commit
    first, second = (
        checksums(RELEASE / name / "files") for name in ("first", "second")
    )
    if first != second:
        session.error(f"two builds differ:\n{first}\n{second}")
    (RELEASE / "first" / "files" / "SHA256SUMS").write_text(first, encoding="utf-8")
    (RELEASE / "first" / "files").rename(RELEASE / "files")
    check_release(session, RELEASE / "files")
    session.log("made twice, the same bytes, and tried:\n" + first)


def make_release(session: nox.Session, source: Path, clone: Path) -> None:
    """Make the files of a release in the folder ``files`` of a new clone."""
    session.run("git", "clone", "-q", str(source), str(clone), external=True)
    epoch = session.run(
        *("git", "-C", str(clone), "log", "-1", "--format=%ct"),
        external=True,
        silent=True,
    )
    session.env["SOURCE_DATE_EPOCH"] = str(epoch).strip()
    files = clone / "files"
    files.mkdir()
    with session.chdir(clone):
        for project in (".", "compat"):
            session.run("python", "-m", "build", "-o", str(files), project, silent=True)
        session.install("-e", ".[docs,js]")
        session.run("python", "js/build.py")
        for command in (["ci", "--silent"], ["run", "build"], ["run", "playground"]):
            session.run("npm", "--prefix", "js", *command, external=True, silent=True)
        pack = ("npm", "pack", "./js", "--pack-destination", str(files))
        session.run(*pack, external=True, silent=True)
        session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "build/site")
        archive(files / "harmony-site.tar.gz", Path("build/site"))
        archive_c(session, files)
        bill(session, files)
    for path in files.glob("*.tar.gz"):
        rewrite(path, int(session.env["SOURCE_DATE_EPOCH"] or 0))


def archive_c(session: nox.Session, files: Path) -> None:
    """Archive what C programs need: the library, its vocabulary, its page."""
    paths = ("csrc", "harmony/data/o200k_base.vocabulary", "LICENSE", "NOTICE")
    target = str(files / "harmony-c.tar.gz")
    command = ("git", "archive", "--prefix=harmony-c/", "-o", target, "HEAD")
    session.run(*command, *paths, "docs/embedding.md", external=True)


def archive(target: Path, folder: Path) -> None:
    """Archive a folder, but for what Sphinx keeps for itself."""
    with tarfile.open(target, "w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and ".doctrees" not in path.parts:
                tar.add(path, Path("harmony-site", path.relative_to(folder)))


def rewrite(path: Path, epoch: int) -> None:
    """Write an archive anew without what differs from machine to machine."""
    with tarfile.open(path) as old:
        members = [(member, old.extractfile(member)) for member in old]
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new:
            for member, file in sorted(members, key=lambda pair: pair[0].name):
                member.mtime, member.uid, member.gid = epoch, 0, 0
                member.uname = member.gname = ""
                member.mode = 0o755 if member.mode & 0o100 else 0o644
                member.pax_headers = {}
                new.addfile(member, file)
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=epoch))


def bill(session: nox.Session, files: Path) -> None:
    """Write the bill of materials: what is installed with the wheel."""
    (wheel,) = files.glob("harmony_format-*.whl")
    environment = files.parent / "environment"
    session.run("python", "-m", "venv", str(environment))
    session.run(
        str(environment / "bin" / "pip"), "install", "-q", str(wheel), external=True
    )
    session.run(
        *("cyclonedx-py", "environment", "--output-reproducible"),
        *("--pyproject", "pyproject.toml", "--of", "JSON"),
        *("-o", str(files / "harmony-sbom.cdx.json"), str(environment)),
    )


def checksums(folder: Path) -> str:
    """Return the SHA-256 of each file, as sha256sum writes them."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
    )


def check_release(session: nox.Session, files: Path) -> None:
    """Use each file in an environment of its own."""
    for number, pattern in enumerate(
        ("harmony_format-*.whl", "harmony_format-*.tar.gz")
    ):
        (found,) = files.glob(pattern)
        environment = RELEASE / f"environment{number}"
        session.run("python", "-m", "venv", str(environment))
        bin = environment / "bin"
        session.run(str(bin / "pip"), "install", "-q", str(found), external=True)
        session.run(str(bin / "harmony"), "doctor", external=True)
    unpacked = RELEASE / "unpacked"
    with tarfile.open(files / "harmony-c.tar.gz") as tar:
        tar.extractall(unpacked, filter="data")
    csrc, installed = str(unpacked / "harmony-c" / "csrc"), str(RELEASE / "installed")
    make = ("make", "-s", "-C", csrc, "install", f"PREFIX={installed}")
    session.run(*make, external=True)
    (package,) = files.glob("harmony-format-*.tgz")
    node = RELEASE / "node"
    node.mkdir()
    with session.chdir(node):
        session.run("npm", "install", "--silent", str(package), external=True)
        session.run("node", "-e", NODE, external=True)


NODE = """
import("harmony-format").then(async ({ loadHarmonyEncoding }) => {
    const encoding = await loadHarmonyEncoding();
    if (encoding.decode(encoding.encode("a b")) !== "a b") process.exit(1);
});
"""
