"""The page on adding an adapter: its example is installed as a package and does what it says."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from exact_levers import with_every_exact_lever
from matplotlib.text import Text
from readable import made
from small_sam import adapted, small_batch

from samfit import Cell, adapter_names, predict
from samfit.harness.measure.measure import measure
from samfit.harness.report.write import TOPICS, report_tables

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "adding_an_adapter.md").read_text(encoding="utf-8")
(CODE,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
(PACKAGE,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)


def test_the_example_of_a_cache_runs(tmp_path):
    page = (ROOT / "docs" / "levers.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    model, (images, boxes) = adapted("decoder"), small_batch()
    expected = model(images, boxes)
    names = {"folder": tmp_path, "model": model, "images": images, "boxes": boxes}
    exec(code, names)
    torch.testing.assert_close(names["logits"], expected)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder in which the example is installed, as pip installs it."""
    source, site = tmp_path_factory.mktemp("gains"), tmp_path_factory.mktemp("site")
    (source / "gains.py").write_text(CODE, encoding="utf-8")
    (source / "pyproject.toml").write_text(PACKAGE, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", site, source], check=True)
    return site


@pytest.fixture
def gains(site, monkeypatch):
    """The example's name, while its package can be found."""
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    yield "gains"
    sys.modules.pop("gains", None)


def test_the_example_is_short():
    assert len([line for line in CODE.splitlines() if line.strip()]) < 60


def test_the_example_passes_the_conformance_suite(site):
    options = ["-q", "-p", "no:cacheprovider", "-c", "pyproject.toml", "-k", "gains"]
    arguments = [*options, "tests/adapters/test_conformance.py"]
    path = f"import sys; sys.path.insert(0, {str(site)!r}); import pytest; "
    code = f"{path}sys.exit(pytest.main({arguments!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) > 20
    assert "skipped" not in done.stdout


def test_the_example_is_listed_and_its_setting_reaches_it(gains):
    assert gains in adapter_names()
    every, second = (
        predict(Cell(adapter=gains, settings=settings, backbone="vit_tiny"), "trace").params.adapter
        for settings in ({}, {"every": 2})
    )
    assert (every, second) == (6 * 128, 3 * 128)


def test_the_example_appears_in_the_tables_and_in_every_plot(gains):
    small = {"backbone": "vit_tiny", "image_size": 64}
    names = (gains, "cad", "sam_adapter")
    cells = [Cell(adapter=name, **small) for name in names]
    records = [
        predict(one, "trace") for cell in cells for one in (cell, with_every_exact_lever(cell))
    ]
    larger = [Cell(adapter=name, backbone="vit_b", image_size=64) for name in names]
    records += [predict(cell, "trace") for cell in larger]
    records += [measure(Cell(adapter=name, device="cpu", **small)) for name in names]
    assert "Gains" in report_tables(records)[0].to_markdown()
    for plot in (plot for topic in TOPICS[:-1] for plot in topic.plots):  # the last is accuracy
        figure = made(plot, records)
        assert figure is not None, plot.__name__
        texts = [text.get_text() for text in figure.findobj(Text)]
        assert any("Gains" in text for text in texts), plot.__name__


@pytest.mark.parametrize("path", re.findall(r"`((?:adapters|tests)/[\w/.]+)`", PAGE))
def test_files_that_the_page_names_exist(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    ("names", "path"), re.findall(r"((?:`\w+`(?:, )?)+) in `(adapters/[\w/]+)\.py`", PAGE)
)
def test_what_the_page_names_is_in_the_file_that_it_names(names, path):
    module = importlib.import_module(f"samfit.{path.replace('/', '.')}")
    assert all(hasattr(module, name) for name in re.findall(r"\w+", names))


@pytest.mark.parametrize(("names", "package"), re.findall(r"with (.*?) \| `([\w.]+)` \|", PAGE))
def test_modules_have_the_new_names_that_the_page_gives(names, package):
    for name in re.findall(r"\w+", names):
        importlib.import_module(f"{package}.{name}")


@pytest.mark.parametrize("name", re.findall(r"as in `(\w+\.py)`", PAGE))
def test_methods_that_the_page_names_exist(name):
    assert (ROOT / "adapters" / name).exists()
