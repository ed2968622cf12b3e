"""A plugin for pytest: a torchvision that says nothing, for SGLang's imports.

The one of the package index is not imported without a GPU's libraries. None of the
tests that are run looks at an image.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

NAME = "torchvision"


class StandIn(ModuleType):
    """A module or a package that has every name."""

    __version__ = "0.0"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for torchvision and for all that is in it."""

    def find_spec(
        self, name: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] != NAME:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, _module: ModuleType) -> None:
        pass


def pytest_configure() -> None:
    """Put the finder before all others."""
    sys.meta_path.insert(0, Finder())
