"""What depends on the Python that builds; all else is in pyproject.toml."""

import re
import sys
from pathlib import Path
from sysconfig import get_config_var

from setuptools import setup

FREE_THREADED = bool(get_config_var("Py_GIL_DISABLED"))


def version() -> str:
    """Return the version, which csrc/harmony.h says."""
    header = Path(__file__).parent / "csrc" / "harmony.h"
    found = re.search(r'#define HARMONY_VERSION "(.+)"', header.read_text("utf-8"))
    if found is None:
        raise SystemExit(f"{header} says no version")
    return found[1]


def stable_abi() -> str | None:
    """Return the oldest CPython that the wheel is for; None: just the one that builds.

    Free-threaded Python has a stable ABI since 3.15 (PEP 803).
    """
    if not FREE_THREADED:
        return "cp310"
    return "cp315" if sys.version_info >= (3, 15) else None


def dependencies() -> list[str]:
    """Return what to install: cffi is part of PyPy; orjson is not made for them all."""
    cffi = "cffi>=1.17; implementation_name != 'pypy'"
    orjson = (
        "orjson>=3.10; implementation_name == 'cpython' and platform_machine in "
        "'x86_64 AMD64 x86 aarch64 arm64 ARM64'"
    )
    return [cffi] if FREE_THREADED else [cffi, orjson]


setup(
    version=version(),
    cffi_modules=["build_ffi.py:ffi"],
    install_requires=dependencies(),
    options={"bdist_wheel": {"py_limited_api": stable_abi()}} if stable_abi() else {},
)
