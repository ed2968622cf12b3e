"""What depends on the Python that builds; all else is in pyproject.toml."""

import sys
from sysconfig import get_config_var

from setuptools import setup

FREE_THREADED = bool(get_config_var("Py_GIL_DISABLED"))


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
    cffi_modules=["build_ffi.py:ffi"],
    install_requires=dependencies(),
    options={"bdist_wheel": {"py_limited_api": stable_abi()}} if stable_abi() else {},
)
