"""Stands in for modules that other people's code imports and that is not needed of it."""
import importlib.abc
import importlib.machinery
import sys
from unittest.mock import MagicMock


class Mocks(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules of these names, and all below them, where there are none; install it after what must see the true ones."""

    def __init__(self, *names):
        self.names = names
        sys.meta_path.append(self)

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        mock = MagicMock(name=spec.name)
        mock.__path__, mock.__spec__ = [], spec
        return mock

    def exec_module(self, module):
        pass
