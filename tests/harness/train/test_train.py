"""Training, evaluating and segmenting from Python: what the commands do, without them."""

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tiny_task import Told, made, tiny_cell, tiny_data, write_checkpoint, write_pairs
from user_error import user_error

import samfit
from samfit.harness.step import step as room
from samfit.harness.train import train as loop

RECIPE = samfit.Recipe(epochs=2, learning_rate=1e-3)
SIZES = [(50, 70), (64, 64), (81, 40), (64, 90), (55, 55), (70, 64), (90, 48)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Five images to train on and two to test, each of another size."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    examples = [made(n, height=height, width=width) for n, (height, width) in enumerate(SIZES)]
    write_pairs(folder / "train", examples[:5])
    write_pairs(folder / "test", examples[5:])
    return folder


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    path = tmp_path_factory.mktemp("sam") / "tiny.safetensors"
    write_checkpoint(path)
    return tiny_cell(checkpoint=str(path))


@pytest.fixture(scope="module")
def run(cell, photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return samfit.train(cell, RECIPE, str(photos), str(folder), device="cpu")


def weights(run):
    return {name: tensor.clone() for name, tensor in run.model.trained_state().items()}


def assert_same(ours, theirs):
    assert ours.history.losses == theirs.history.losses
    trained = weights(theirs)
    assert all(torch.equal(tensor, trained[name]) for name, tensor in weights(ours).items())


def test_the_example_of_the_documentation(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(photos / "train")
    (tmp_path / "more photos").symlink_to(photos / "test" / "images")
    (tmp_path / "photo.jpg").symlink_to(photos / "test" / "images" / "005.png")
    example = loop.__doc__.partition("Example::")[2].replace("epochs=5", "epochs=1")
    assert example.count("\n") < 15
    names = {}
    exec("\n".join(line[4:] for line in example.splitlines()), names)
    assert "best validation: IoU" in capsys.readouterr().out
    assert names["mask"].shape == SIZES[5]
    assert set(np.unique(names["mask"])) <= {0, 1}
    assert sorted(path.name for path in Path("masks").iterdir()) == ["005.png", "006.png"]


def test_a_run_comes_back_from_its_folder(run):
    again = samfit.Run(run.folder, device="cpu")
    assert_same(again, run)
    assert again.history == run.history
    assert again.scores == run.scores
    assert run.scores["iou"] == max(scores["iou"] for scores in run.history.validations)
    assert str(again) == str(run)


def test_training_and_evaluation_tell_how_far_they_are(cell, photos, tmp_path):
    told = Told()
    data = samfit.open_data(photos, classes=1)
    run = samfit.train(cell, RECIPE, data, tmp_path, device="cpu", progress=told)
    assert told.tracked[0] == ("checking images", 5, 5)
    assert told.tracked[1] == ("scoring baselines", 5, 5)
    (what, total, done), *_ = told.tracked[2:]
    assert what.startswith("epoch 2 of 2, loss ")
    assert total == done == len(run.history.losses) == 4
    assert told.said == []
    told = Told()
    assert samfit.evaluate(run, split="train", progress=told).data == "photos"
    assert told.tracked[-2] == ("scoring photos, train", 4, 4)
    assert told.tracked[-1] == ("scoring baselines", 8, 8)
    assert told.said == ["these are the training images: expect lower scores on others"]


def test_what_is_remarkable_about_data_is_said(cell, tmp_path, capsys):
    folder = tmp_path / "maps"
    write_pairs(folder, [made(index, classes=3) for index in range(4)], scale=1)
    cell = tiny_cell(checkpoint=cell.checkpoint, loss="samed")
    run = samfit.train(cell, RECIPE, folder, tmp_path / "run", device="cpu")
    assert "found 3" in capsys.readouterr().err
    assert run.cell.classes == 3
    assert samfit.evaluate(run).scores.keys() >= {"miou", "iou_class_2"}


@pytest.fixture(scope="module")
def other_base(cell, tmp_path_factory):
    """A checkpoint of another SAM than that of ``cell``."""
    path = tmp_path_factory.mktemp("other") / "other.safetensors"
    torch.manual_seed(1)
    save_file(samfit.build_sam("vit_tiny", cell.image_size).state_dict(), path)
    return path


@pytest.mark.parametrize(
    "levers",
    [
        {"adapter": "lora"},
        {"precision": "fp16"},
        {"precision": "bf16"},
        {"precision": "bf16-pure"},
        {"cache_embeddings": True, "precision": "bf16"},
    ],
)
def test_a_run_is_for_the_base_that_it_was_trained_on(levers, cell, other_base, tmp_path):
    data = tiny_data(train=3)
    recipe = samfit.Recipe(epochs=0)
    run = samfit.train(replace(cell, **levers), recipe, data, tmp_path / "run", device="cpu")
    image = data.train[0].image
    assert run.mask(image).shape == image.shape[:2]
    again = samfit.Run(run.folder, other_base, "cpu")
    with user_error("tiny.safetensors", "other.safetensors", "--any-base"):
        again.mask(image)
    assert samfit.Run(run.folder, other_base, "cpu", any_base=True).mask(image).size
    (run.folder / "adapter.safetensors").unlink()  # as if it was not finished
    assert samfit.Run(run.folder, device="cpu").mask(image).shape == image.shape[:2]
    with user_error("other weights of SAM"):
        samfit.Run(run.folder, other_base, "cpu").mask(image)


def test_a_training_resumes_on_the_same_base_only(cell, other_base, tmp_path):
    path = tmp_path / "sam.safetensors"
    path.write_bytes(Path(cell.checkpoint).read_bytes())
    start = replace(cell, checkpoint=str(path)), RECIPE, tiny_data(train=3), tmp_path / "run"
    samfit.train(*start, device="cpu")
    samfit.train(*start, device="cpu")
    path.write_bytes(other_base.read_bytes())
    with user_error(str(path), "no longer holds", "--output"):
        samfit.train(*start, device="cpu")


def test_data_that_were_made_in_python_are_given_again(cell, tmp_path):
    data = tiny_data(4, val=1, test=2)
    run = samfit.train(cell, RECIPE, data, tmp_path, device="cpu")
    found = samfit.evaluate(run, data)
    assert (found.data, found.split, len(found.metrics.names)) == ("tiny", "test", 2)
    with user_error(str(tmp_path), "give data"):
        samfit.evaluate(run)
    with user_error("tiny has masks of 3 classes"):
        samfit.evaluate(run, tiny_data(0, test=2, classes=3))


def test_a_mask_of_pixels_is_that_of_the_file(run, photos, tmp_path):
    path = photos / "test" / "images" / "006.png"
    pixels = np.asarray(Image.open(path))
    mask = run.mask(path)
    assert mask.shape == pixels.shape[:2]
    for same in (pixels, pixels[..., ::-1].copy()[..., ::-1]):
        assert (run.mask(same) == mask).all()
    (file,) = samfit.segment(run, path, tmp_path)
    assert (np.asarray(Image.open(file)) == 255 * mask).all()
    for wrong in (pixels[..., 0], pixels / 255):
        with user_error("an image is (H, W, 3) of uint8"):
            run.mask(wrong)


@pytest.mark.parametrize("missing", ["missing.png", "torn.png"])
def test_no_mask_is_written_before_all_images_were_read(missing, run, photos, tmp_path):
    (tmp_path / "torn.png").write_bytes(b"no picture")
    images = [photos / "test" / "images", tmp_path / missing]
    with user_error(str(tmp_path / missing)):
        samfit.segment(run, images, tmp_path / "masks")
    assert not (tmp_path / "masks").exists()


def test_running_out_of_memory_is_one_sentence(run, photos, monkeypatch):
    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(run.model, "forward", exhausted)
    with user_error(
        "out of memory with --batch-size 2: use a smaller one, or levers", "samfit fit"
    ):
        samfit.evaluate(run, batch_size=2)
    with user_error("out of memory with --batch-size 1: use levers"):
        run.mask(photos / "test" / "images" / "005.png")


def test_a_device_that_there_is_not_is_named(cell, photos, tmp_path):
    with user_error("--device must be cuda or cpu, got 'gpu'"):
        samfit.train(cell, RECIPE, photos, tmp_path, device="gpu")


def test_a_process_of_several_is_refused(cell, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with user_error("in one process, on one GPU, and 2 were started: run it without torchrun"):
        samfit.train(cell, RECIPE, photos, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv("WORLD_SIZE", "1")
    recipe = replace(RECIPE, epochs=0)
    assert samfit.train(cell, recipe, photos, tmp_path / "run", device="cpu").folder


# Interruptions


class Interrupting(samfit.Progress):
    """Does what Ctrl-C does in the first training step."""

    def track(self, items, total, what):
        for item in items:
            if str(what).startswith("epoch"):
                os.kill(os.getpid(), signal.SIGINT)
            yield item


def test_an_interrupted_training_resumes_to_the_same_weights(run, cell, photos, tmp_path):
    def train(progress):
        return samfit.train(cell, RECIPE, photos, tmp_path, device="cpu", progress=progress)

    before = signal.getsignal(signal.SIGINT)
    with user_error("interrupted after step 1 of 4", str(tmp_path)):
        train(Interrupting())
    assert signal.getsignal(signal.SIGINT) is before
    told = Told()
    assert samfit.evaluate(tmp_path, progress=told).scores
    assert told.said == [samfit.Run(tmp_path).remark]
    told = Told()
    assert_same(train(told), run)
    assert told.said == ["resuming after step 1 of 4"]


def test_a_run_is_prolonged_or_ended_by_other_epochs(cell, photos, tmp_path):
    def train(epochs):
        told = Told()
        recipe = replace(RECIPE, epochs=epochs)
        run = samfit.train(cell, recipe, photos, tmp_path, device="cpu", progress=told)
        return told.said, run

    train(1)
    said, run = train(3)
    assert len(run.history.losses) == run.total == 6
    assert said[0] == "resuming after step 2 of 6"
    assert said[1].startswith("--epochs is 3 now and was 1: the cosine schedule spans all of them")
    assert f"goes on at {RECIPE.learning_rate_at(2, 6):.2g}" in said[1]
    assert run.history.prolonged == {2: 1}
    said, run = train(2)
    words = "--epochs is 2 now and was 3: the training ends where it is, after step 6"
    assert said == [words]
    assert len(run.history.losses) == 6 > run.total
    assert "stopped early" not in str(run)
    assert samfit.Run(tmp_path).remark == ""


def test_scores_stand_beside_baselines(run, photos):
    found = samfit.evaluate(run, split="train")
    assert found.baselines.keys() == run.history.baselines.keys()
    assert "to compare: calling everything background 0.0" in str(run)
    assert 0 < found.baselines["all_foreground"] < found.baselines["grey_threshold"]


def test_a_run_that_is_no_better_than_a_baseline_says_so(run, monkeypatch):
    best = run.history.best_step
    monkeypatch.setitem(run.history.baselines, "all_foreground", 2.0)
    monkeypatch.setitem(run.history.collapsed, best, 0)
    words = "every mask is empty: the training collapsed; worse than calling everything foreground"
    assert f"warning: {words} (2.0000)" in str(run)
    with user_error("--require better-than-baseline", "worse than calling everything foreground"):
        run.require_better_than_baseline()


def test_training_works_in_a_thread_where_there_are_no_signals(run, cell, photos, tmp_path):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(samfit.train(cell, RECIPE, photos, tmp_path, device="cpu"))
    )
    thread.start()
    thread.join()
    assert_same(found[0], run)


# Nothing is optimised but in training


def test_no_optimizer_is_built_to_evaluate_or_segment(run, photos, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("an optimizer was built")

    monkeypatch.setattr(room, "build_optimizer", refuse)
    again = samfit.Run(run.folder, device="cpu")
    assert samfit.evaluate(again).scores
    assert samfit.segment(again, photos / "test" / "images", tmp_path)


def test_a_run_with_8_bit_states_needs_their_library_only_to_train(
    run, photos, tmp_path, monkeypatch
):
    for name in ("bitsandbytes", "bitsandbytes.optim"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    description = (run.folder / "run.json").read_text()
    assert '"adamw"' in description
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(description.replace('"adamw"', '"adamw_8bit"'))
    (folder / "adapter.safetensors").symlink_to(run.folder / "adapter.safetensors")
    ours = samfit.evaluate(samfit.Run(folder, device="cpu")).metrics.per_image
    assert ours == samfit.evaluate(run).metrics.per_image
    assert samfit.segment(folder, photos / "test" / "images", tmp_path / "masks")
    cell = tiny_cell(optimizer="adamw_8bit", phase="infer")
    assert samfit.predict(cell).status == "ok"
    with user_error("--optimizer adamw_8bit", "pip install bitsandbytes"):
        cell = replace(run.description.cell, optimizer="adamw_8bit")
        samfit.train(cell, RECIPE, photos, tmp_path, device="cpu")
