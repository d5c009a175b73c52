"""A symbol of CUDA or NCCL that torch needs, and the stand-in lacks, is named."""

import subprocess
import sys

import pytest

from samfit.harness.standin.library import is_loaded

LOOK = """
{load}
from samfit.harness.standin.library import is_loaded
from samfit.harness.standin.process import lacking, missing_symbols
told = [is_loaded(), missing_symbols(), lacking()]
"""


def test_the_installed_torch_finds_all_that_it_needs(card, run_on):
    told, _ = run_on(card(), LOOK.format(load="import torch"))
    assert told == [True, [], None]


def test_this_process_is_on_no_stand_in():
    assert not is_loaded()


@pytest.fixture
def newer_torch(tmp_path):
    """A library that needs functions of the runtime and of NCCL that nobody has heard of."""
    pytest.importorskip("ziglang", reason="the compiler of samfit's test extra is not installed")

    def compile_(name, source, *options):
        (tmp_path / f"{name}.c").write_text(source)
        command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-o"]
        command += [str(tmp_path / name), str(tmp_path / f"{name}.c"), *options]
        subprocess.run(command, check=True)

    (tmp_path / "versions").write_text("libcudart.so.13 { global: *; };")
    compile_(
        "libcudart.so.13",
        "int cudaMalloc(void) { return 0; } int cudaTeleport(void) { return 0; }",
        f"-Wl,--version-script={tmp_path / 'versions'},-soname,libcudart.so.13",
    )
    compile_("libnccl.so.2", "int ncclTeleport(void) { return 0; } int ncclGetVersion(void);")
    compile_(
        "libtorch_newer.so",
        "int cudaMalloc(void), cudaTeleport(void), ncclTeleport(void), ncclSend(void);"
        "int use(void) { return cudaMalloc() + cudaTeleport() + ncclTeleport() + ncclSend(); }",
        str(tmp_path / "libcudart.so.13"),
        str(tmp_path / "libnccl.so.2"),
        f"-Wl,-rpath,{tmp_path}",
    )
    return tmp_path / "libtorch_newer.so"


def test_missing_symbols_are_named(card, run_anew_on, newer_torch):
    load = f"import ctypes; ctypes.CDLL({str(newer_torch)!r})"
    told, _ = run_anew_on(card(), LOOK.format(load=load))
    assert told[:2] == [True, ["cudaTeleport", "ncclTeleport"]]
    named = (
        "torch needs functions of CUDA that samfit's stand-in lacks: cudaTeleport, ncclTeleport."
    )
    assert named in told[2]
