"""The C tests on other machines, by cross compiling: a table of what happened::

    python tests/c/machines.py
    python tests/c/machines.py s390x wasm

Without names, all machines. A machine is left out if its compiler is not here, and only
compiled if there is nothing to run its programs; what fails is shown, and the exit
status is 1. Compilers: Debian's gcc-aarch64-linux-gnu, gcc-arm-linux-gnueabihf and
gcc-s390x-linux-gnu, with qemu-user; the package ``ziglang`` for the others, and
``wasmtime`` to run wasm.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CSRC = ROOT / "csrc"
VOCABULARY = ROOT / "harmony/data/o200k_base.vocabulary"
FLAGS = [
    *["-std=c99", "-O2", "-Wall", "-Wextra", "-pedantic", "-Wstrict-prototypes"],
    *["-Wmissing-prototypes", "-Werror", f"-I{CSRC}"],
]
REFUSABLE = [f"-D{name}=support_{name}" for name in ("malloc", "calloc", "realloc")]
PROGRAMS = ("test_internals", "test_api")
SECONDS = 900  # for one program; emulation is slow

ZIG = [sys.executable, "-m", "ziglang", "cc", "-target"]
WASM = [sys.executable, str(HERE / "run_wasm.py")]


@dataclass(frozen=True)
class Machine:
    """A machine: how to compile for it, and what runs its programs, if anything."""

    name: str
    compiler: list[str]
    flags: tuple[str, ...] = ()
    runner: tuple[str, ...] | None = ()
    suffix: str = ""

    def is_here(self) -> bool:
        if self.compiler[:3] == ZIG[:3]:
            return importlib.util.find_spec("ziglang") is not None
        return shutil.which(self.compiler[0]) is not None

    def runs_here(self) -> bool:
        if self.runner is None:
            return False
        if self.runner == tuple(WASM):
            return importlib.util.find_spec("wasmtime") is not None
        return not self.runner or shutil.which(self.runner[0]) is not None


STATIC = ("-static", "-pthread")
CLOCKS = ("-D_WASI_EMULATED_PROCESS_CLOCKS", "-lwasi-emulated-process-clocks")
MACHINES = [
    Machine("aarch64", ["aarch64-linux-gnu-gcc"], STATIC, ("qemu-aarch64",)),
    Machine(
        "aarch64, no NEON",
        ["aarch64-linux-gnu-gcc"],
        (*STATIC, "-U__ARM_NEON"),
        ("qemu-aarch64",),
    ),
    Machine("arm, 32 bits", ["arm-linux-gnueabihf-gcc"], STATIC, ("qemu-arm",)),
    Machine("s390x, big-endian", ["s390x-linux-gnu-gcc"], STATIC, ("qemu-s390x",)),
    Machine(
        "aarch64_be, big-endian",
        [*ZIG, "aarch64_be-linux-musl"],
        STATIC,
        ("qemu-aarch64_be",),
    ),
    Machine("x86_64, musl", [*ZIG, "x86_64-linux-musl"], STATIC),
    Machine("x86, 32 bits, musl", [*ZIG, "x86-linux-musl"], STATIC, ("qemu-i386",)),
    Machine("riscv64, musl", [*ZIG, "riscv64-linux-musl"], STATIC, ("qemu-riscv64",)),
    Machine("wasm32-wasi", [*ZIG, "wasm32-wasi"], CLOCKS, tuple(WASM), ".wasm"),
    Machine(
        "wasm32-wasi, SIMD",
        [*ZIG, "wasm32-wasi"],
        (*CLOCKS, "-mcpu=generic+simd128"),
        tuple(WASM),
        ".wasm",
    ),
    Machine("x86_64, Windows", [*ZIG, "x86_64-windows-gnu"], (), ("wine",), ".exe"),
    Machine("aarch64, Windows", [*ZIG, "aarch64-windows-gnu"], (), None, ".exe"),
    Machine("x86_64, macOS", [*ZIG, "x86_64-macos"], (), None),
    Machine("aarch64, macOS", [*ZIG, "aarch64-macos"], (), None),
]


def run(command: list[str], cwd: Path) -> str | None:
    """Run a command. What it says if it fails, or says anything in compiling."""
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {SECONDS} seconds\n"
    return result.stdout if result.returncode else None


def compile_tests(machine: Machine, folder: Path) -> str | None:
    """Compile the library and the test programs; what went wrong, if anything."""
    compiler = [*machine.compiler, *FLAGS, *machine.flags]
    wrong = None
    for source in sorted(CSRC.glob("*.c")):
        output = str(folder / f"{source.stem}.o")
        command = [*compiler, *REFUSABLE, "-c", "-o", output, str(source)]
        wrong = wrong or run(command, folder)
    objects = list(map(str, sorted(folder.glob("*.o"))))
    for program in PROGRAMS:
        part = program.removeprefix("test_")
        files = [f"{program}.c", "support.c", "guarded.c"]
        files += [path.name for path in sorted(HERE.glob(f"{part}_*.c"))]
        tests = [str(HERE / name) for name in files]
        output = str(folder / (program + machine.suffix))
        wrong = wrong or run([*compiler, "-o", output, *tests, *objects], folder)
    return wrong


def run_tests(machine: Machine, folder: Path) -> str | None:
    """Run the test programs; what went wrong, if anything."""
    assert machine.runner is not None
    for program in PROGRAMS:
        path = str(folder / (program + machine.suffix))
        wrong = run([*machine.runner, path, str(VOCABULARY)], folder)
        if wrong is not None:
            return wrong
    return None


def row(machine: Machine) -> tuple[str, str, str]:
    """Return whether a machine's tests compiled, ran and passed."""
    if not machine.is_here():
        return "left out", "-", "-"
    with tempfile.TemporaryDirectory() as name:
        wrong = compile_tests(machine, Path(name))
        if wrong is not None:
            print(wrong[-4000:], file=sys.stderr)
            return "NO", "-", "-"
        if not machine.runs_here():
            return "yes", "-", "-"
        wrong = run_tests(machine, Path(name))
        if wrong is not None:
            print(wrong[-4000:], file=sys.stderr)
            return "yes", "yes", "NO"
    return "yes", "yes", "yes"


def main(names: list[str]) -> int:
    wanted = [
        machine
        for machine in MACHINES
        if not names or any(name in machine.name for name in names)
    ]
    failed = not wanted
    print(f"{'machine':<24}{'compiled':<10}{'run':<6}passed")
    for machine in wanted:
        compiled, ran, passed = row(machine)
        failed |= "NO" in (compiled, passed)
        print(f"{machine.name:<24}{compiled:<10}{ran:<6}{passed}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
