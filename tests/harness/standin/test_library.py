"""Where no card can be stood in for, a sentence says why; else only the stand-in is found."""

import importlib.metadata
import importlib.util
import platform
import sys
from types import SimpleNamespace

import pytest

from samfit.harness.standin import build, library
from samfit.harness.standin.library import environment, standing, torch_cuda, unavailable


@pytest.fixture
def other_torch(tmp_path, monkeypatch):
    """Makes torch be found in a folder that says it is built for this CUDA."""

    def make(cuda):
        text = f"__version__ = '9'\ncuda: Optional[str] = {cuda!r}\nhip = None\n"
        (tmp_path / "version.py").write_text(text)
        spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
        torch_cuda.cache_clear()

    yield make
    torch_cuda.cache_clear()


def test_other_systems_and_computers(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert unavailable() == "a card is stood in for on Linux only, on x86_64 and aarch64."
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert "x86_64 and aarch64" in unavailable()


def test_a_torch_without_cuda(other_torch):
    other_torch(None)
    assert "torch here is built without CUDA" in unavailable()


def test_a_torch_for_a_cuda_that_is_too_old(other_torch):
    other_torch("11.8")
    assert "torch here is built for CUDA 11.8: install one for CUDA 12 or 13." in unavailable()


def test_no_torch_at_all(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    torch_cuda.cache_clear()
    assert "without CUDA" in unavailable()
    torch_cuda.cache_clear()


def test_a_cudnn_that_is_too_old(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "9.1.0.70")
    assert unavailable().startswith("cuDNN 9.1.0.70 cannot choose for a card that is not there")


def test_a_library_that_was_not_built(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "LIBRARY", tmp_path / "none.so")
    assert "was not built: install samfit again" in unavailable()


def test_a_library_that_is_older_than_its_sources(monkeypatch, card):
    monkeypatch.setattr(library, "digest", lambda: "0" * 64)
    assert "is older than its sources: install samfit again" in unavailable()
    with pytest.raises(RuntimeError, match="older than its sources"):
        environment(card())


def test_what_the_user_gives_the_loader_comes_behind(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "libjemalloc.so")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/one::/opt/two")
    given = standing()
    assert given["LD_PRELOAD"] == f"{library.LIBRARY.name} libjemalloc.so"
    assert given["LD_LIBRARY_PATH"] == f"{library.BUILT}:/opt/one:/opt/two"
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert standing() == given  # a child's child


def test_no_other_driver_is_opened(card, run_anew_on, monkeypatch, tmp_path):
    """Nor another NVML: those that come first in the user's own folder are not even looked at."""
    for name in ("libcuda.so.1", "libcuda.so", "libnvidia-ml.so.1"):
        (tmp_path / name).write_text("no library: who opens this, fails")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    program = """
import ctypes, pathlib, pynvml, torch
torch.nn.Conv2d(3, 3, 3).cuda()(torch.ones(1, 3, 9, 9, device="cuda"))
ctypes.CDLL("libcuda.so.1").cuInit(0)
pynvml.nvmlInit()
mapped = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
told = sorted(path for path in mapped for name in ("libcuda.so", "libnvidia-ml", "libsamfit")
              if pathlib.Path(path).name.startswith(name))
"""
    told, said = run_anew_on(card(), program)
    assert said == ""
    assert told == sorted(str(path.resolve()) for path in (build.LIBRARY, build.NVML))
