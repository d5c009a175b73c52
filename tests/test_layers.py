"""Imports run one way: bench -> harness -> adapters -> torch and segment_anything."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(harness.__file__).parent.parent
HEAVY = {"torch", "torchvision", "segment_anything", "numpy", "pandas", "matplotlib", "safetensors"}
FREE_OF_TORCH = [
    "samfit.adapters.core.registry",
    "samfit.harness.record.cell",
    "samfit.harness.data.check",
    "samfit.harness.data.dataset",
    "samfit.harness.record.record",
    "samfit.adapters.sam.sizes",
    "samfit.harness.record.store",
]


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported_by(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, at its head or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module.partition(".")[0])
    return names


def loaded_by(*modules: str) -> set[str]:
    """Top-level names of everything that a fresh interpreter has loaded after these imports."""
    code = f"import sys, json, {', '.join(modules)}; print(json.dumps(list(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(answer.stdout)}


def test_the_rooms_are_where_they_are_expected():
    assert len(sources("adapters")) > 10
    assert len(sources("harness")) > 10
    assert Path(adapters.__file__).parent.parent == ROOT


@pytest.mark.parametrize("path", sources("adapters"), ids=lambda path: str(path.relative_to(ROOT)))
def test_adapters_know_neither_harness_nor_bench(path):
    assert not imported_by(path) & {"harness", "bench", "tests"}


@pytest.mark.parametrize("path", sources("harness"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_harness_does_not_know_bench(path):
    assert not imported_by(path) & {"bench", "tests"}


def test_importing_the_packages_loads_nothing_heavy():
    assert not loaded_by("adapters", "harness") & HEAVY


def reports() -> list[str]:
    paths = [path for path in sources("harness/report") if path.stem != "__init__"]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]


def test_what_works_on_records_needs_no_torch():
    """They are imported one after another in one interpreter; the first that loads it is named."""
    modules = [*FREE_OF_TORCH, *reports()]
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    code += "    if 'torch' in sys.modules: sys.exit(f'{name} imports torch')"
    command = [sys.executable, "-W", "error", "-c", code, *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
