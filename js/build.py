"""Put into the package what is no JavaScript: the module, the vocabulary, the licence.

Needs the package ``ziglang``, in the version of the extra ``js`` in pyproject.toml; any
clang with wasi-libc does too: ``python js/build.py clang --target=wasm32-wasi``.
"""

import shutil
import subprocess
import sys
from pathlib import Path

JS = Path(__file__).resolve().parent
CSRC = JS.parent / "csrc"
VOCABULARY = JS.parent / "harmony" / "data" / "o200k_base.vocabulary"
ZIG = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi"]

FLAGS = [
    *("-mcpu=generic+simd128", "-O2", "-std=c99", "-DNDEBUG", "-fvisibility=hidden"),
    *("-DHARMONY_API=", "-mexec-model=reactor", "-Wl,--no-entry"),
    *("-Wl,--strip-debug", "-Wl,-z,stack-size=262144"),
]
EXPORTS = [
    *("malloc", "free"),
    *("harmony_layout", "harmony_version"),
    *("harmony_encoding_new", "harmony_cache_new", "harmony_token_bytes"),
    *("harmony_encode", "harmony_decode"),
    *("harmony_is_special_token", "harmony_find_special_token"),
    *("harmony_render", "harmony_render_bound"),
    *("harmony_parser_new", "harmony_parser_after", "harmony_parser_free"),
    *("harmony_parser_view", "harmony_parser_process", "harmony_parser_append"),
    *("harmony_parser_feed", "harmony_parser_finish"),
]
"""What ``src/wasm.ts`` calls; a test compares the two."""


def main(compiler: list[str]) -> None:
    """Compile the module; copy the other files."""
    dist = JS / "dist"
    dist.mkdir(exist_ok=True)
    command = [*(compiler or ZIG), *FLAGS, f"-I{CSRC}"]
    command += [f"-Wl,--export={name}" for name in EXPORTS]
    command += map(str, sorted(CSRC.glob("*.c")))
    command += [str(CSRC / "bindings" / "wasm.c"), "-o", str(dist / "harmony.wasm")]
    subprocess.run(command, check=True)
    shutil.copyfile(VOCABULARY, dist / VOCABULARY.name)
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(JS.parent / name, JS / name)


if __name__ == "__main__":
    main(sys.argv[1:])
