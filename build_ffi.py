"""Build ``harmony._native._ffi``: csrc/*.c behind the declarations of csrc/harmony.h.

setuptools calls it through setup.py. The header is the only copy of the
declarations: cffi gets its text without the lines for the C preprocessor.
"""

import re
import sys
from pathlib import Path

from cffi import FFI

CSRC = Path(__file__).parent / "csrc"


def declarations(header: str) -> str:
    """Return the declarations of a C header in the form that cffi reads.

    These are the types and what is exported: a function without ``HARMONY_API`` is
    not in csrc/*.c.
    """
    header = re.sub(r"#ifdef __cplusplus.*?#endif", "", header, flags=re.DOTALL)
    header = re.sub(r"^#.*$", "", header, flags=re.MULTILINE)
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    header = re.sub(r"^const [^;{}]*\([^;{}]*\);", "", header, flags=re.MULTILINE)
    return header.replace("HARMONY_API ", "")


def relative(paths: list[Path]) -> list[str]:
    """Return paths from the folder of this file, as setuptools wants them."""
    return [path.relative_to(CSRC.parent).as_posix() for path in sorted(paths)]


# What Python does most often, with as few arguments and results as can be, for each
# of them costs time: everything but the text is in one struct.
SCRATCH = """
typedef struct harmony_scratch {
    const harmony_encoding *encoding;
    harmony_cache *cache;
    int32_t *tokens;
    size_t capacity;
    harmony_error error;
} harmony_scratch;
"""
SCRATCH_DECLARATIONS = """
int64_t harmony_scratch_encode(harmony_scratch *, const char *, size_t);
"""
SCRATCH_FUNCTIONS = """
/* The number of tokens, or -1 and an error. */
static int64_t harmony_scratch_encode(
    harmony_scratch *scratch, const char *text, size_t length)
{
    size_t count;

    return harmony_encode(scratch->encoding, scratch->cache, text, length, NULL, 0,
                          scratch->tokens, scratch->capacity, &count,
                          &scratch->error) ? -1 : (int64_t)count;
}
"""

MSVC = sys.platform == "win32"
OPTIONS = [] if MSVC else ["-std=c99", "-O3", "-g0", "-fvisibility=hidden"]

ffi = FFI()
ffi.cdef(declarations((CSRC / "harmony.h").read_text(encoding="utf-8")))
ffi.cdef(SCRATCH + SCRATCH_DECLARATIONS)
ffi.set_source(
    "harmony._native._ffi",
    f'#include "harmony.h"\n{SCRATCH}{SCRATCH_FUNCTIONS}',
    sources=relative([*CSRC.glob("*.c")]),
    depends=relative([*CSRC.glob("*.h"), *CSRC.glob("*.inc")]),
    include_dirs=["csrc"],
    define_macros=[("HARMONY_API", "")],
    extra_compile_args=OPTIONS,
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
