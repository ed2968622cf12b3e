"""Build ``harmony._ffi``: csrc/*.c behind the declarations of csrc/harmony.h.

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


MSVC = sys.platform == "win32"

ffi = FFI()
ffi.cdef(declarations((CSRC / "harmony.h").read_text(encoding="utf-8")))
ffi.set_source(
    "harmony._ffi",
    '#include "harmony.h"',
    sources=relative([*CSRC.glob("*.c")]),
    depends=relative([*CSRC.glob("*.h"), *CSRC.glob("*.inc")]),
    include_dirs=["csrc"],
    define_macros=[("HARMONY_API", "")],
    extra_compile_args=[] if MSVC else ["-std=c99", "-O2", "-fvisibility=hidden"],
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
