"""The library compiles without a word, and without a compiler on the computer."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from samfit.harness.standin import build


@pytest.fixture(scope="module")
def compilers_own(tmp_path_factory):
    """What the compiler keeps of glibc, which takes it seconds to make."""
    folder = str(tmp_path_factory.mktemp("zig"))
    return SimpleNamespace(TemporaryDirectory=lambda: nullcontext(folder))


@pytest.fixture
def elsewhere(monkeypatch, tmp_path, compilers_own):
    """Builds into another folder, with nothing on the path."""
    pytest.importorskip("ziglang", reason="the compiler of samfit's test extra is not installed")
    monkeypatch.setattr(build, "tempfile", compilers_own)
    monkeypatch.setattr(build, "BUILT", tmp_path)
    for name in ("LIBRARY", "NVML"):
        monkeypatch.setattr(build, name, tmp_path / getattr(build, name).name)
    monkeypatch.setattr(build, "DRIVERS", [tmp_path / path.name for path in build.DRIVERS])
    monkeypatch.setenv("PATH", "")


def test_no_warnings_and_no_other_compiler(elsewhere):
    assert build.build() == ""
    assert build.digest_of(build.LIBRARY) == build.digest()
    made = build.LIBRARY.stat().st_mtime_ns
    assert build.build() == ""
    assert build.LIBRARY.stat().st_mtime_ns == made  # nothing had changed


def test_an_error_is_told_and_leaves_no_library(elsewhere, monkeypatch, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "nvml.c").write_text("this is no C")
    (source / "symbols.txt").write_text("")
    monkeypatch.setattr(build, "SOURCE", source)
    with pytest.raises(RuntimeError, match=r"does not compile:\n.*nvml.c"):
        build.build()
    assert not build.LIBRARY.exists()
