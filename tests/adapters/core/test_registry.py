import sys
from pathlib import Path

import pytest
from small_sam import small_batch, small_sam
from user_error import user_error

from samfit import adapters
from samfit.adapters.core.adapted import attach
from samfit.adapters.core.base import Adapter
from samfit.adapters.core.registry import adapter_class, adapter_names
from samfit.adapters.lora import Lora

METHOD = """
from samfit.adapters.core.base import Adapter

class Nudge(Adapter):
    title = "nudge"
    source = "this test"
    encoder_gradients = False
    starts_as_identity = False

    def correct(self, embedding, images):
        return embedding + 1
"""


def test_a_method_is_named_like_its_file():
    files = {path.stem for path in Path(adapters.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(adapter_names()) == files
    assert adapter_names() == sorted(adapter_names())
    assert {"cad", "decoder", "full", "lora", "sam_adapter"} <= files


@pytest.mark.parametrize("name", adapter_names())
def test_every_method_describes_itself(name):
    method = adapter_class(name)
    assert issubclass(method, Adapter)
    assert method.title and method.source
    assert method.__doc__ and method.__doc__ != Adapter.__doc__
    assert {type(method.encoder_gradients), type(method.starts_as_identity)} == {bool}


@pytest.mark.parametrize(("typo", "meant"), [("lroa", "lora"), ("sam-adapter", "sam_adapter")])
def test_an_unknown_name_suggests_the_nearest(typo, meant):
    with user_error(repr(typo), repr(meant)):
        adapter_class(typo)


def test_a_name_near_nothing_lists_all():
    with user_error("'qqqq'", *adapter_names()):
        adapter_class("qqqq")


@pytest.mark.parametrize("name", ["core", "core.base", "__init__", ""])
def test_what_is_not_a_method_has_no_name(name):
    with user_error(repr(name)):
        adapter_class(name)


@pytest.fixture
def other_package(tmp_path, monkeypatch):
    """An installed distribution with two entry points, one of which is named like our LoRA."""
    (tmp_path / "nudge_package.py").write_text(METHOD)
    info = tmp_path / "nudge_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nudge-package\nVersion: 1.0\n")
    entries = "[samfit.adapters]\nnudge = nudge_package:Nudge\nlora = nudge_package:Nudge\n"
    (info / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("nudge_package", None)


def test_methods_of_other_packages_are_found_by_entry_point(other_package):
    assert adapter_names()[-1] == "nudge"
    assert adapter_class("nudge").title == "nudge"
    images, _ = small_batch()
    base = attach(small_sam(), "decoder").encode(images)
    nudged = attach(small_sam(), "nudge").encode(images)
    assert ((nudged - base) == 1).float().mean() > 0.5
    with user_error("'ndge'", "'nudge'"):
        adapter_class("ndge")


def test_no_other_package_can_replace_a_method(other_package):
    assert adapter_class("lora") is Lora
    assert adapter_names().count("lora") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module", "no_such_module"),
        ("Nudge = 3", "not an Adapter"),
        (METHOD + "    Settings = int", "core.base.Settings"),
    ],
)
def test_a_broken_package_is_named(tmp_path, other_package, code, words):
    (tmp_path / "nudge_package.py").write_text(code)
    with user_error("'nudge'", "nudge_package:Nudge", words):
        adapter_class("nudge")
