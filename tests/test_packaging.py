"""One import name: what is installed lies below ``samfit``, wherever it is installed from."""

import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import samfit
from samfit.harness.standin.build import DRIVERS, LIBRARY, MACHINES, NVML

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "torchvision", "segment_anything", "numpy", "pandas", "matplotlib", "pydantic"}

# A user's script, beside folders that are called as ours were: this process and another one.
SCRIPT = """
import sys
import samfit
cell = samfit.Cell(adapter="cad", backbone="vit_tiny", image_size=64, device="cpu")
if __name__ == "__main__":
    assert samfit.predict(cell).status == "ok"
    record = samfit.measure(cell)
    assert record.status == "ok", record.message
"""


def run(*arguments: str | Path, **options) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> list[tuple[str, set[str]]]:
    """Name and files of a wheel that is built from the checkout, and of one from its archive."""
    folder = tmp_path_factory.mktemp("dist")
    build = ("-m", "hatchling", "build", "-d", folder)
    run(*build, "-t", "sdist", cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    found = []
    for source in (ROOT, unpacked):
        run(*build, "-t", "wheel", cwd=source)
        (wheel,) = folder.glob("*.whl")
        found.append((wheel.name, set(zipfile.ZipFile(wheel).namelist())))
        wheel.unlink()
    return found


def test_a_wheel_is_the_same_from_the_source_archive_and_holds_only_its_own_folder(wheels):
    from_checkout, from_archive = wheels
    assert from_checkout == from_archive
    tops = {name.partition("/")[0] for name in from_checkout[1]}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"samfit"}


def test_a_wheel_holds_every_file_of_the_rooms_and_no_benchmark(wheels):
    tracked = subprocess.run(
        ["git", "ls-files", "adapters", "harness"], cwd=ROOT, capture_output=True, text=True
    )
    expected = {f"samfit/{name}" for name in tracked.stdout.split()}
    if not expected:
        pytest.skip("this is no checkout: git names no files")
    _, files = wheels[0]
    assert expected <= files
    assert not any(name.startswith("samfit/bench") for name in files)


def test_a_wheel_brings_the_stand_in_compiled_and_says_for_which_computers(wheels):
    built = {f"samfit/harness/standin/built/{path.name}" for path in (LIBRARY, NVML, *DRIVERS)}
    for name, files in wheels:
        there = {file for file in files if file.startswith("samfit/harness/standin/built/")}
        if sys.platform == "linux" and platform.machine() in MACHINES:
            assert there == built
            assert name.endswith(f"-py3-none-manylinux_2_17_{platform.machine()}.whl")
        else:
            assert not there
            assert name.endswith("-py3-none-any.whl")


def test_folders_of_a_user_with_our_old_names_are_not_in_the_way(tmp_path):
    for name in ("adapters", "harness", "bench"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('this is the user\\'s')")
    (tmp_path / "script.py").write_text(SCRIPT)
    run("script.py", cwd=tmp_path)


def test_a_checkout_without_symbolic_links_works(tmp_path):
    """As git makes it on Windows: a link is a text file that holds its target."""
    package = tmp_path / "src" / "samfit"
    shutil.copytree(ROOT / "src" / "samfit", package, symlinks=True)
    for link in [path for path in package.iterdir() if path.is_symlink()]:
        target = link.readlink()
        link.unlink()
        link.write_text(str(target))
    for name in ("adapters", "harness", "noxfile.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    code = f"import sys; sys.path.insert(0, {str(package.parent)!r}); import samfit; "
    code += "print(samfit.__file__, samfit.Cell(adapter='cad').key, len(samfit.catalogue()))"
    answer = run("-c", code, cwd=tmp_path)
    assert answer.startswith(str(package))


def test_importing_samfit_loads_nothing_heavy():
    loaded = run("-c", "import sys, samfit; print(*sys.modules)").split()
    assert not HEAVY.intersection(loaded)


@pytest.mark.parametrize("name", samfit.__all__)
def test_every_name_of_the_front_door_opens(name):
    assert getattr(samfit, name).__doc__
