"""What setup.py decides by the Python that builds, and what a wheel is tested with."""

from __future__ import annotations

import runpy
import sys
import sysconfig
from typing import Any

import pytest

from support import ROOT

setuptools = pytest.importorskip("setuptools")


@pytest.mark.parametrize(
    ("free_threaded", "version", "abi", "names"),
    [
        (0, (3, 10), "cp310", ["cffi", "orjson"]),
        (0, (3, 15), "cp310", ["cffi", "orjson"]),
        (1, (3, 14), None, ["cffi"]),
        (1, (3, 15), "cp315", ["cffi"]),
    ],
)
def test_the_stable_abi_and_the_dependencies_follow_the_python_that_builds(
    monkeypatch: pytest.MonkeyPatch,
    free_threaded: int,
    version: tuple[int, int],
    abi: str | None,
    names: list[str],
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **keywords: given.update(keywords))
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: free_threaded)
    monkeypatch.setattr(sys, "version_info", version)
    runpy.run_path(str(ROOT / "setup.py"))
    options = given["options"].get("bdist_wheel", {})
    assert options.get("py_limited_api") == abi
    assert [line.partition(">")[0] for line in given["install_requires"]] == names


def test_a_wheel_is_tested_with_files_that_exist() -> None:
    tomllib = pytest.importorskip("tomllib")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wheels = tomllib.loads(text)["tool"]["cibuildwheel"]
    for command in (wheels["test-command"], wheels["pyodide"]["test-command"]):
        files = [word for word in command.split() if word.startswith("tests/")]
        assert files and all((ROOT / name).is_file() for name in files)
    assert all((ROOT / name).exists() for name in wheels["test-sources"])
