"""Build ``harmony._native._ffi``: csrc/*.c and csrc/bindings/*.c for Python.

setuptools calls it through setup.py. csrc/harmony.h and csrc/bindings/python.h are the
only copies of the declarations: cffi gets their texts without the lines for the C
preprocessor.
"""

import re
import sys
from pathlib import Path
from sysconfig import get_platform

from cffi import FFI

CSRC = Path(__file__).parent / "csrc"
HEADERS = ("harmony.h", "bindings/python.h")


def declarations(header: str) -> str:
    """Return the declarations of a C header in the form that cffi reads.

    These are the types and what is exported: a function without ``HARMONY_API`` is
    not in csrc/*.c.
    """
    header = re.sub(r"#ifdef __cplusplus.*?#endif", "", header, flags=re.DOTALL)
    header = re.sub(r"^#(.*\\\n)*.*$", "", header, flags=re.MULTILINE)
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    header = re.sub(r"^const [^;{}]*\([^;{}]*\);", "", header, flags=re.MULTILINE)
    return header.replace("HARMONY_API ", "")


def relative(paths: list[Path]) -> list[str]:
    """Return paths from the folder of this file, as setuptools wants them."""
    return [path.relative_to(CSRC.parent).as_posix() for path in sorted(paths)]


def link_options(platform: str) -> list[str]:
    """Return what leaves out of the module the symbols that nobody looks up."""
    if platform.startswith("linux"):
        return ["-Wl,-s"]
    return ["-Wl,-x"] if platform.startswith("macosx") else []


# The regular expression that "*python*.c" becomes finds nothing in PyPy 3.11.
BINDING = [path for path in CSRC.glob("bindings/*.c") if "python" in path.name]

MSVC = sys.platform == "win32"
OPTIONS = [] if MSVC else ["-std=c99", "-O3", "-g0", "-fvisibility=hidden"]

ffi = FFI()
for name in HEADERS:
    ffi.cdef(declarations((CSRC / name).read_text(encoding="utf-8")))
ffi.set_source(
    "harmony._native._ffi",
    "".join(f'#include "{name}"\n' for name in (*HEADERS, "bindings/cpython.h")),
    sources=relative([*CSRC.glob("*.c"), *BINDING]),
    depends=relative([*CSRC.glob("*.h"), *CSRC.glob("*.inc"), *CSRC.glob("*/*.h")]),
    include_dirs=["csrc"],
    define_macros=[("HARMONY_API", "")],
    extra_compile_args=OPTIONS,
    extra_link_args=link_options(get_platform()),
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
