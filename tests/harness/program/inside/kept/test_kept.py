"""A program may try what it likes: no file that holds weights changes, and it goes on."""
# ruff: noqa: PTH101, PTH103, PTH104, PTH105, PTH106, PTH107, PTH108, PTH110, PTH123, PTH202, PTH211, SIM115

import contextlib
import gzip
import hashlib
import io
import os
import pickle
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
import torch.distributed.checkpoint as distributed

from samfit.harness.program.inside.kept.kept import Kept
from samfit.harness.rehearse.fork import in_a_fork

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.distributed is disabled"),
    pytest.mark.filterwarnings("ignore:Detected an existing checkpoint"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
]

WEIGHTS = {"weight": torch.arange(4.0)}
ZEROS = {"weight": torch.zeros(4)}


def fill(folder):
    """A folder as programs leave it: weights of several kinds, and what lies beside them."""
    for name in ("real.pt", "real.pth.tar", "checkpoint-1/optimizer.pt", "no_suffix"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        torch.save(WEIGHTS, folder / name)
    torch.save(WEIGHTS, folder / "old", _use_new_zipfile_serialization=False)
    safetensors.torch.save_file(WEIGHTS, folder / "checkpoint-1/model.safetensors")
    (folder / "checkpoint-1/state.json").write_text("{}")
    distributed.save(dict(WEIGHTS), checkpoint_id=folder / "sharded", no_dist=True)
    (folder / "last.ckpt").symlink_to("real.pt")
    (folder / "script.pt").write_bytes(b"known by its name alone")
    (folder / "best").symlink_to("script.pt")
    (folder / "log.txt").write_text("before")


def contents(folder):
    """The bytes of every file below a folder, and every folder and link."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }


def kept_from(program, folder):
    """What was not written and not removed when a program ran in a folder, and what it returns."""
    os.chdir(folder)
    kept = Kept()
    kept.install()
    torch.cuda.is_initialized = lambda: True
    answer = program()
    names = (kept.not_written, kept.not_removed)
    return *([os.path.relpath(name, folder) for name in each] for each in names), answer


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled") / "runs"
    fill(folder)
    return folder


@pytest.fixture
def run(filled, tmp_path):
    """Runs a program in a filled folder; gives what it left, returned, and changed after all."""
    folder = shutil.copytree(filled, tmp_path / "runs", symlinks=True)
    before = contents(folder)

    def ran(program):
        *kept, answer = in_a_fork(kept_from, program, folder)
        after = contents(folder)
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        return kept, answer, sorted(changed)

    return ran


def opened(path, mode="wb", **how):
    with open(path, mode, **how) as file:
        torch.save(ZEROS, file)


def opened_by_number(path):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(file, "wb") as stream:
        torch.save(ZEROS, stream)
        os.fsync(stream.fileno())


def written_and_flushed(path):
    with Path(path).open("wb") as file:
        file.write(b"zeros")
        file.flush()
        os.fsync(file.fileno())
        assert file.name == path


def packed(path):
    with gzip.open(path, "wb") as file:
        torch.save(ZEROS, file)


def opened_without_suffix(path):
    opened(path + "_")
    moved = Path(path + "_")
    assert not moved.exists()
    moved.replace(path)


def pickled(path):
    with Path(path).open("wb") as file:
        pickle.dump(ZEROS, file)


def moved_there(path):
    """As programs do that never leave half a file."""
    torch.save(ZEROS, f"{path}.new")
    os.replace(f"{path}.new", path)


def moved_from_a_temporary_file(path):
    with tempfile.NamedTemporaryFile(delete=False) as file:
        torch.save(ZEROS, file)
    shutil.move(file.name, path)
    assert not Path(file.name).exists()


def moved_from_beside(path):
    with tempfile.NamedTemporaryFile(dir=".", suffix=".pt", delete=False) as file:
        torch.save(ZEROS, file)
    os.replace(file.name, path)


def as_script(path):
    torch.jit.script(torch.nn.Identity()).save(path)


def exported(path):
    torch.export.save(torch.export.export(torch.nn.Identity(), (torch.zeros(1),)), path)


WRITERS = {
    "torch.save": lambda path: torch.save(ZEROS, path),
    "torch.save to a path object": lambda path: torch.save(obj=ZEROS, f=Path(path)),
    "torch.save as before 1.6": lambda path: torch.save(
        ZEROS, path, _use_new_zipfile_serialization=False
    ),
    "torch.save to an open file": opened,
    "appending": lambda path: opened(path, "ab"),
    "write and read": lambda path: opened(path, mode="w+b", buffering=0),
    "os.open": opened_by_number,
    "write and fsync": written_and_flushed,
    "gzip": packed,
    "without suffix": opened_without_suffix,
    "pickle": pickled,
    "write_bytes": lambda path: Path(path).write_bytes(b"zeros"),
    "rename": moved_there,
    "from a temporary file": moved_from_a_temporary_file,
    "from a temporary file beside": moved_from_beside,
    "torch.jit": as_script,
    "torch.export": exported,
    "safetensors.torch.save_file": lambda path: safetensors.torch.save_file(ZEROS, path),
    "safetensors.torch.save_model": lambda path: safetensors.torch.save_model(
        torch.nn.Linear(1, 1), str(path)
    ),
    "safetensors.numpy": lambda path: safetensors.numpy.save_file(
        {"weight": ZEROS["weight"].numpy()}, path
    ),
    "safetensors.serialize_file": lambda path: safetensors.serialize_file({}, path),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_weights_are_not_written(run, writer):
    paths = ["real.pt", "last.ckpt", "new.pt", "checkpoint-1/model.safetensors"]
    (not_written, _), answers, changed = run(lambda: [WRITERS[writer](path) for path in paths])
    assert set(paths) <= set(not_written)
    assert changed == []
    assert answers == [None] * 4 or writer == "write_bytes"


def test_what_describes_weights_stays_with_them(run):
    def program():
        Path("checkpoint-1/state.json").write_text('{"step": 1}')
        Path("checkpoint-1/state.json").unlink()

    kept, _, changed = run(program)
    assert kept == [["checkpoint-1/state.json"]] * 2
    assert changed == []


REMOVERS = {
    "os.remove": lambda path: os.remove(path),
    "os.unlink": lambda path: os.unlink(path),
    "Path.unlink": lambda path: Path(path).unlink(),
    "rename": lambda path: os.rename(path, "elsewhere"),
    "Path.rename": lambda path: Path(path).rename("elsewhere.txt"),
    "shutil.move": lambda path: shutil.move(path, "checkpoint-1"),
}


@pytest.mark.parametrize("remover", REMOVERS)
def test_weights_are_not_removed(run, remover):
    paths = ["real.pt", "real.pth.tar", "last.ckpt", "no_suffix", "old", "best"]
    (_, not_removed), _, changed = run(lambda: [REMOVERS[remover](path) for path in paths] and None)
    assert not_removed == paths
    assert changed == []


def emptied(folder):
    """As programs do that know what they wrote."""
    for name in ("optimizer.pt", "model.safetensors"):
        os.remove(f"{folder}/{name}")
    os.rmdir(folder)


@pytest.mark.parametrize(
    ("remover", "left"),
    [
        (lambda folder: shutil.rmtree(folder), ["checkpoint-1"]),
        (lambda folder: shutil.rmtree(folder, ignore_errors=True), ["checkpoint-1"]),
        (lambda folder: os.rename(folder, "checkpoint-best"), ["checkpoint-1"]),
        (lambda folder: shutil.move(folder, "sharded"), ["checkpoint-1"]),
        (emptied, ["checkpoint-1/optimizer.pt", "checkpoint-1/model.safetensors"]),
    ],
)
def test_a_folder_that_holds_weights_stays_whole(run, remover, left):
    (_, not_removed), _, changed = run(lambda: remover("checkpoint-1"))
    assert not_removed == left
    assert changed == []


def test_a_folder_that_was_to_be_removed_can_be_made_again(run):
    def program():
        shutil.rmtree("checkpoint-1")
        told = [os.path.exists("checkpoint-1"), os.path.exists("checkpoint-1/state.json")]
        os.makedirs("checkpoint-1")
        return [*told, os.path.exists("checkpoint-1")]

    assert run(program)[1:] == ([False, False, True], [])


def test_copies_and_links_change_no_weights(run):
    def program():
        torch.save(ZEROS, "epoch.pt")
        for copy in (shutil.copyfile, shutil.copy, shutil.copy2):
            assert copy("epoch.pt", "real.pt") == "real.pt"
            copy("epoch.pt", "best.pt")
        shutil.copy("epoch.pt", "checkpoint-1")
        shutil.copy("checkpoint-1/optimizer.pt", "real.pth.tar")
        os.remove("last.ckpt")
        os.symlink("epoch.pt", "last.ckpt")
        os.truncate("real.pt", 0)
        os.chmod("epoch.pt", 0o600)
        assert os.path.getsize("epoch.pt") == 0

    (not_written, not_removed), _, changed = run(program)
    new = ["epoch.pt", "real.pt", "best.pt", "checkpoint-1/epoch.pt", "real.pth.tar", "last.ckpt"]
    assert not_written == new
    assert not_removed == ["last.ckpt"]
    assert changed == []


def test_shards_of_a_distributed_checkpoint_are_not_written(run):
    def program():
        for folder in ("sharded", "new"):
            distributed.save(dict(ZEROS), checkpoint_id=folder, no_dist=True)

    (not_written, _), _, changed = run(program)
    assert {"sharded/.metadata", "new/.metadata"} <= set(not_written)
    assert [name for name in not_written if name.endswith(".distcp")]
    assert changed == ["new"]  # an empty folder


def test_what_is_not_weights_is_written_and_removed_as_always(run):
    def program():
        Path("log.txt").write_text("after")
        Path("checkpoint-1/new.json").write_text("{}")
        Path("new").mkdir()
        with open("new/cache.pkl", "wb") as file:
            pickle.dump([1], file)
        with zipfile.ZipFile("new/a.npz", "w") as archive:
            archive.writestr("a", "b")
        Path("new").rename("renamed")
        Path("renamed/a.npz").unlink()
        Path("of_no_use").mkdir()
        Path("of_no_use/config.json").touch()
        shutil.rmtree("of_no_use")
        Path("x.pt").mkdir()
        os.rmdir("x.pt")

    kept, _, changed = run(program)
    assert kept == [[], []]
    assert changed == ["checkpoint-1/new.json", "log.txt", "renamed", "renamed/cache.pkl"]


def test_saving_in_memory_works_quietly(run):
    quiet = []

    @contextlib.contextmanager
    def quietly():
        quiet.append(True)
        yield

    def program():
        Kept(quietly).install_saves("torch")
        buffer = io.BytesIO()
        torch.save(WEIGHTS, buffer)
        torch.save(WEIGHTS, "new.pt")
        buffer.seek(0)
        return torch.load(buffer)["weight"].tolist(), len(quiet)

    assert run(program)[1] == ([0, 1, 2, 3], 1)


def test_a_program_loads_what_it_saved_in_temporary_files(run):
    def program():
        loaded = []
        with tempfile.TemporaryDirectory() as folder:
            torch.save(WEIGHTS, Path(folder, "best.pt"))
            safetensors.torch.save_file(WEIGHTS, Path(folder, "best.safetensors"))
            os.replace(f"{folder}/best.pt", f"{folder}/last.pt")
            loaded.append(torch.load(Path(folder, "last.pt")))
            loaded.append(safetensors.torch.load_file(Path(folder, "best.safetensors")))
        assert not Path(folder).exists()
        for file in (
            tempfile.NamedTemporaryFile(suffix=".pt"),
            tempfile.TemporaryFile(),
            tempfile.SpooledTemporaryFile(),
        ):
            with file:
                torch.save(WEIGHTS, file)
                file.seek(0)
                loaded.append(torch.load(file))
        return [each["weight"].tolist() for each in loaded]

    kept, loaded, changed = run(program)
    assert loaded == [[0, 1, 2, 3]] * 5
    assert (kept, changed) == ([[], []], [])


def test_a_temporary_folder_does_not_become_a_checkpoint(run):
    def program():
        folder = tempfile.mkdtemp(dir=".")
        torch.save(ZEROS, Path(folder, "model.pt"))
        os.rename(folder, "checkpoint-2")
        return os.path.exists(folder)

    (not_written, _), still_there, changed = run(program)
    assert (not_written, still_there, changed) == (["checkpoint-2"], False, [])


def test_a_program_in_a_folder_that_is_gone_harms_nothing(run):
    def program():
        where = Path("real.pt").absolute()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
        torch.save(ZEROS, where)
        where.unlink()

    assert run(program)[1:] == (None, [])


def test_real_weights_may_come_from_elsewhere(run):
    """By download, out of an archive, or as a copy or link to other weights; they replace none."""
    new = ["copy.pt", "link.pt", "new.pth", "unpacked.pt"]

    def program():
        url = Path("real.pt").absolute().as_uri()
        torch.hub.download_url_to_file(url, "new.pth", progress=False)
        torch.hub.download_url_to_file(url, "real.pth.tar", progress=False)
        with zipfile.ZipFile("all.zip", "w") as archive:
            archive.write("real.pt", "unpacked.pt")
        with zipfile.ZipFile("all.zip") as archive:
            archive.extractall()
        shutil.copy("real.pt", "copy.pt")
        Path("link.pt").symlink_to("copy.pt")
        return [torch.load(f"{name}")["weight"].tolist() for name in new]

    (not_written, _), loaded, changed = run(program)
    assert not_written == ["real.pth.tar"]
    assert loaded == [[0, 1, 2, 3]] * 4
    assert changed == ["all.zip", *new]


def test_until_cuda_is_used_new_weights_are_real(run):
    """As where a program downloads them itself."""

    def program():
        torch.cuda.is_initialized = lambda: False
        for path in ("new.pt", "real.pt", "part"):
            Path(path).write_bytes(b"downloaded")
        os.replace("part", "other.pt")
        torch.save(ZEROS, "saved.pt")
        opened("opened.pt")

    (not_written, _), _, changed = run(program)
    assert not_written == ["real.pt", "saved.pt", "opened.pt"]
    assert changed == ["new.pt", "other.pt"]


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda: torch.load("new.pt"), "FileNotFoundError"),
        (lambda: torch.save(ZEROS), "TypeError"),
        (lambda: os.remove("new.pt"), "FileNotFoundError"),
        (lambda: os.rename("new.pt", "real.pt"), "FileNotFoundError"),
        (lambda: shutil.copy("new.pt", "real.pt"), "FileNotFoundError"),
        (lambda: shutil.rmtree("new"), "FileNotFoundError"),
        (lambda: Path("nowhere/new.pt").open("wb"), "FileNotFoundError"),
        (lambda: Path("real.pt").open("xb"), "FileExistsError"),
        (lambda: os.open("real.pt", os.O_WRONLY | os.O_CREAT | os.O_EXCL), "FileExistsError"),
        (lambda: Path("checkpoint-1").open("wb"), "IsADirectoryError"),
        (lambda: os.remove(None), "TypeError"),
        (lambda: open("real.pt", "wz"), "ValueError"),
    ],
)
def test_mistakes_of_the_program_are_told_as_always(run, mistake, error):
    def program():
        with pytest.raises(Exception) as caught:
            mistake()
        return type(caught.value).__name__

    assert run(program)[1:] == (error, [])


def test_replaced_functions_stay_functions(run):
    def program():
        class Files:
            opens, removes = open, os.remove

        assert Files().opens("log.txt").read() == "before"
        assert open is io.open
        assert pickle.loads(pickle.dumps((open, os.remove))) == (open, os.remove)
        assert os.unlink in os.supports_dir_fd
        assert open.__name__ == "open"
        return shutil.rmtree.avoids_symlink_attacks

    assert run(program)[1] is True
