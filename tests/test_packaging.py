"""What setup.py decides by the Python that builds, and what a wheel is tested with."""

from __future__ import annotations

import configparser
import json
import re
import runpy
import subprocess
import sys
import sysconfig
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

import harmony
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
    assert given["version"] == harmony.__version__
    assert [line.partition(">")[0] for line in given["install_requires"]] == names


PACKAGES = {
    "compat/pyproject.toml": r'^version = "(.*)"$',
    "js/package.json": r'^  "version": "(.*)",$',
}
"""Where the version stands again; ``nox -s version`` writes it."""


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_has_the_version_of_the_header(name: str) -> None:
    path = ROOT / name
    found = re.findall(PACKAGES[name], path.read_text(encoding="utf-8"), re.M)
    assert found == [harmony.__version__]


def test_a_wheel_is_tested_with_files_that_exist() -> None:
    tomllib = pytest.importorskip("tomllib")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wheels = tomllib.loads(text)["tool"]["cibuildwheel"]
    for command in (wheels["test-command"], wheels["pyodide"]["test-command"]):
        files = [word for word in command.split() if word.startswith("tests/")]
        assert files and all((ROOT / name).is_file() for name in files)
    assert all((ROOT / name).exists() for name in wheels["test-sources"])


def tracked() -> list[str]:
    """Return the files of the repository, by path."""
    try:
        command = ["git", "ls-files", "-z"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no clone")
    names = [n for n in done.stdout.decode().split("\0") if (ROOT / n).is_file()]
    if not names:
        pytest.skip("this is in somebody else's clone")
    return names


def test_only_what_is_published_has_the_address_of_the_repository() -> None:
    """pyproject.toml; and package.json, which npm compares with where it was built."""
    tomllib = pytest.importorskip("tomllib")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    address = tomllib.loads(text)["project"]["urls"]["Repository"]
    host_and_path = address.partition("://")[2].encode()
    having = [name for name in tracked() if host_and_path in (ROOT / name).read_bytes()]
    assert having == ["js/package.json", "pyproject.toml"]
    package = json.loads((ROOT / "js" / "package.json").read_text(encoding="utf-8"))
    assert package["repository"]["url"] == f"git+{address}.git"


def editor_rules(name: str) -> dict[str, str]:
    """Return what .editorconfig says of a file; later sections win."""
    text = (ROOT / ".editorconfig").read_text(encoding="utf-8")
    config = configparser.ConfigParser(interpolation=None)
    config.read_string("[top]\n" + text)
    rules: dict[str, str] = {}
    for section in config.sections()[1:]:
        found = re.search(r"\{(.*)\}", section)
        words = found[1].split(",") if found else [""]
        patterns = [re.sub(r"\{.*\}", word, section) for word in words]
        subject = name if "/" in section else Path(name).name
        if any(fnmatch(subject, pattern) for pattern in patterns):
            rules |= config[section]
    return rules


def test_files_are_as_editorconfig_has_them() -> None:
    wrong = []
    for name in tracked():
        rules, content = editor_rules(name), (ROOT / name).read_bytes()
        lines = content.split(b"\n")
        if rules["end_of_line"] == "lf" and b"\r" in content:
            wrong.append(f"{name}: a carriage return")
        if rules["insert_final_newline"] == "true" and content and lines[-1]:
            wrong.append(f"{name}: no newline at the end")
        if rules["trim_trailing_whitespace"] == "true":
            ends = [line for line in lines if line != line.rstrip()]
            wrong += [f"{name}: white space behind {line!r}" for line in ends]
        if rules["charset"] == "utf-8":
            content.decode()
            if rules["indent_style"] == "space" and b"\n\t" in content:
                wrong.append(f"{name}: a tab in front")
    assert wrong == []
