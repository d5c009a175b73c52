"""Every command of the README and of the pages in docs/ is run, on something small."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from synthetic_records import measured, predicted, stored

from samfit import Cell, Task
from samfit.harness.cli.main import app
from samfit.harness.run import profiles, published, trace_validation, validation
from samfit.harness.standin.library import unavailable_to_programs

ROOT = Path(__file__).parents[3]
TINY = ROOT / "tests" / "programs" / "misbehaving" / "tiny.py"
PAGES = [ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# What is added to a command, so that it takes seconds.
SMALLER = {
    "fit": "decoder --backbone vit_tiny --batch-size 1 --up-to 2",
    "measure": "--backbone vit_tiny --image-size 64 --device cpu",
    "validate": "--device cpu",
    "train": "--backbone vit_tiny --image-size 64 --epochs 1 --batch-size 2 --device cpu",
    "evaluate": "--device cpu",
    "segment": "--device cpu",
}


def commands(page: Path) -> list[str]:
    """The lines of its blocks of code that begin with samfit, without remarks."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    shell = [block for language, block in blocks if not language]
    lines = [line.partition(" #")[0].strip() for block in shell for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if part.startswith("samfit ")]


@pytest.fixture
def here(tmp_path, monkeypatch, photos, checkpoint, workers_here):
    """A folder in which the files are that the pages speak of, and in which sweeps are short."""
    monkeypatch.chdir(tmp_path)
    for name in ("DIR", "leaves"):
        for split in ("images", "masks"):
            shutil.copytree(photos / "train" / split, tmp_path / name / split)
    shutil.copytree(photos / "test" / "images", tmp_path / "PHOTOS")
    program = TINY.read_text(encoding="utf-8") + "\n\ntrain()\n"
    (tmp_path / "train.py").write_text(program, encoding="utf-8")
    for name in ("FILE.safetensors", "sam_vit_b_01ec64.safetensors"):
        shutil.copy(checkpoint, tmp_path / name)
    for name in ("OLD", "NEW", "OLD.jsonl", "NEW.jsonl"):
        stored(tmp_path / name, [predicted("cad"), measured("lora")])
    short = dict.fromkeys(profiles.PROFILES, one_prediction)
    monkeypatch.setattr(profiles, "PROFILES", short)
    figures = published.published()[:1]
    monkeypatch.setattr(published, "published", lambda: figures)
    everything = validation.validation_tasks
    monkeypatch.setattr(validation, "validation_tasks", lambda *given: everything(*given)[:2])
    exact = trace_validation.trace_tasks("vit_tiny")[:2]
    monkeypatch.setattr(trace_validation, "trace_tasks", lambda *given: exact)
    return tmp_path


def one_prediction(machine):
    return [Task("predict", Cell(adapter="cad", backbone="vit_tiny"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_run_in_their_order(page, samfit, here):
    """Checkpoints have the name of the page but the suffix of a file that tests can make."""
    for line in commands(page):
        line = line.replace("FILE", "FILE.safetensors").replace("64.pth", "64.safetensors")
        _, command, *options = shlex.split(line.replace(" -- python ", f" -- {sys.executable} "))
        if "gains" in options:
            continue  # the example of a package, which test_docs.py installs and runs
        if command == "run" and unavailable_to_programs():
            continue
        smaller = "" if "--trace" in options else SMALLER.get(command, "")
        code, _, err = samfit(command, *options, *smaller.split())
        assert code == 0, f"{line}: {err}"


def test_each_page_with_commands_is_among_them():
    assert [page.name for page in PAGES if commands(page)] == [
        "README.md", "README.md", "accuracy.md", "adding_an_adapter.md", "data.md",
        "leaving_samfit.md", "memory.md", "published.md", "results.md", "tour.md",
        "your_program.md",
    ]  # fmt: skip


def test_every_command_of_samfit_is_documented():
    named = {shlex.split(line)[1] for line in commands(ROOT / "README.md")}
    assert named == {c.name or c.callback.__name__ for c in app.registered_commands}
