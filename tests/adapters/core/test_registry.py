import sys
from pathlib import Path

import pytest
from small_sam import adapted, small_batch
from user_error import user_error

import samfit
from samfit import adapters
from samfit.adapters.core.registry import adapter_class, broken_adapters
from samfit.adapters.lora import Lora

METHOD = """
from samfit import Adapter

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
    assert samfit.adapter_names() == sorted(files)
    assert {"cad", "decoder", "full", "lora", "sam_adapter"} <= files


@pytest.mark.parametrize("name", samfit.adapter_names())
def test_every_method_describes_itself(name):
    assert adapter_class(name).__doc__ != samfit.Adapter.__doc__


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("lroa", "'lora'"),
        ("sam-adapter", "'sam_adapter'"),
        ("qqqq", ", ".join(samfit.adapter_names())),
        ("core", ""),
        ("core.base", ""),
        ("__init__", ""),
        ("", ""),
    ],
)
def test_an_unknown_name_suggests_the_nearest_or_lists_all(wrong, hint):
    with user_error(repr(wrong), hint):
        adapter_class(wrong)


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """The file of an installed distribution with two entry points, one named like our LoRA."""
    file, info = tmp_path / "nudge_package.py", tmp_path / "nudge_package-1.0.dist-info"
    file.write_text(METHOD)
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nudge-package\nVersion: 1.0\n")
    entries = "[samfit.adapters]\nnudge = nudge_package:Nudge\nlora = nudge_package:Nudge\n"
    (info / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(tmp_path)
    yield file
    for name in ("nudge_package", "adapters"):
        sys.modules.pop(name, None)


def test_methods_of_other_packages_are_found_by_entry_point(package):
    assert samfit.adapter_names()[-1] == "nudge"
    assert adapter_class("nudge").title == "nudge"
    images, _ = small_batch()
    nudged = adapted("nudge").encode(images).image - adapted("decoder").encode(images).image
    assert (nudged == 1).float().mean() > 0.5
    with user_error("'ndge'", "'nudge'"):
        adapter_class("ndge")


def test_no_other_package_can_replace_a_method(package):
    assert adapter_class("lora") is Lora
    assert samfit.adapter_names().count("lora") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module", "no_such_module"),
        ("raise ValueError('two\\nlines.')", "fails to load: two."),
        ("raise ValueError", "fails to load: ValueError."),
        ("Nudge = 3", "samfit.Adapter"),
        (METHOD + "    Settings = int", "samfit.Settings"),
    ],
)
def test_a_broken_package_is_named(package, code, words):
    package.write_text(code)
    with user_error("'nudge'", "nudge_package:Nudge", words):
        samfit.attach(None, "nudge")


def test_a_broken_package_leaves_the_other_methods_usable(package):
    assert broken_adapters() == {}
    sys.modules.pop("nudge_package", None)
    package.write_text("import no_such_module")
    (sentence,) = broken_adapters().values()
    assert "nudge_package:Nudge" in sentence
    names = [entry["name"] for entry in samfit.catalogue()]
    assert names == samfit.adapter_names()[:-1]


@pytest.mark.parametrize("another", [True, False], ids=["another library adapters", "no adapters"])
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from adapters.core.base import Adapter", "samfit.adapters"),
        ("from adapters import core", "samfit.adapters"),
        ("import harness.sam.build", "samfit.harness"),
    ],
)
def test_imports_by_the_old_names_are_told_the_new_ones(package, another, line, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "harness", None)
    if another:
        (package.parent / "adapters").mkdir()
        (package.parent / "adapters" / "__init__.py").touch()
    else:
        monkeypatch.setitem(sys.modules, "adapters", None)
    package.write_text(line)
    with user_error("nudge_package:Nudge", f"import it from {name}", "docs/adding_an_adapter.md"):
        samfit.attach(None, "nudge")
