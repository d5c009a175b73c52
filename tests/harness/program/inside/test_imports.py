"""Acting after imports."""

import importlib
import sys

import pytest

from samfit.harness.program.inside.imports import AfterImport


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "brought.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield "brought"
    sys.modules.pop("brought", None)


def test_an_action_comes_after_the_module_and_before_who_imports_it(module):
    seen = []
    AfterImport({module: lambda: seen.append(sys.modules[module].value)})
    importlib.import_module(module)
    assert seen == [1]


def test_it_comes_once(module):
    seen = []
    AfterImport({module: lambda: seen.append(1)})
    importlib.import_module(module)
    del sys.modules[module]
    importlib.import_module(module)
    assert seen == [1]


def test_a_module_that_is_not_there_is_missing_as_ever_and_may_come_later(module, tmp_path):
    seen = []
    AfterImport({"later": lambda: seen.append(1)})
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("later")
    (tmp_path / "later.py").touch()
    importlib.invalidate_caches()
    importlib.import_module("later")
    del sys.modules["later"]
    assert seen == [1]
