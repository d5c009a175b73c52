"""Photos with masks, a checkpoint, and runs that were trained on them by the command line."""

import sys

import pytest
from tiny_task import made, write_checkpoint, write_pairs

from samfit.harness.cli import main as cli

SIZES = [(50, 70), (64, 64), (81, 40), (64, 90), (55, 55), (70, 64), (90, 48), (64, 71), (45, 45)]


def examples(classes=1):
    return [made(n, classes, height, width) for n, (height, width) in enumerate(SIZES)]


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Six images to train on and three to test, each of another size."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    write_pairs(folder / "train", examples()[:6])
    write_pairs(folder / "test", examples()[6:])
    return folder


@pytest.fixture(scope="session")
def maps(tmp_path_factory):
    """The same with three classes, all to train on."""
    folder = tmp_path_factory.mktemp("data") / "maps"
    write_pairs(folder, examples(classes=3), scale=1)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("sam") / "vit_tiny.safetensors"
    write_checkpoint(path)
    return path


@pytest.fixture(scope="session")
def tiny(checkpoint):
    """Options that make training take a second."""
    return [
        "--backbone", "vit_tiny", "--image-size", "64", "--checkpoint", str(checkpoint),
        "--batch-size", "2", "--epochs", "2", "--device", "cpu",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def trained(tiny, tmp_path_factory):
    """Trains with the given options; gives the folder of the run."""

    def train(*options):
        folder = tmp_path_factory.mktemp("runs") / "run"
        arguments = ["samfit", "train", *map(str, options), *tiny, "--output", str(folder)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", arguments)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        assert not ended.value.code
        return folder

    return train


@pytest.fixture(scope="session")
def photos_run(trained, photos):
    """A decoder trained on ``photos`` with the box of the whole image."""
    return trained("decoder", "--data", photos)


@pytest.fixture(scope="session")
def maps_run(trained, maps):
    """A decoder trained on ``maps``."""
    return trained("decoder", "--data", maps)


@pytest.fixture(scope="session")
def boxes_run(trained, photos):
    """A decoder trained on ``photos`` with boxes of the masks, and without validation."""
    return trained("decoder", "--data", photos, "--prompt", "mask_box", "--hold-out", "0")


@pytest.fixture
def mistake(samfit):
    """Runs a command line that ends in one sentence, and gives it."""

    def run(*arguments):
        code, out, err = samfit(*arguments)
        assert (code, out) == (1, "")
        assert "Traceback" not in err
        *progress, sentence = err.strip().splitlines()
        assert not progress or arguments[0] in ("train", "evaluate", "segment")
        assert sentence.startswith("samfit: ") and sentence.endswith((".", "?"))
        return sentence

    return run
