"""The folder of a run: whole or not there, for one run at a time, and safe to read."""

import errno
import json
import pickle
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny_task import made, tiny_cell, tiny_data
from user_error import user_error

from samfit.files import PARTIAL
from samfit.harness.data.dataset import Origin
from samfit.harness.record.history import History
from samfit.harness.record.recipe import Recipe
from samfit.harness.train import run_folder as room
from samfit.harness.train.description import Description
from samfit.harness.train.inference import score_masks
from samfit.harness.train.run import Run
from samfit.harness.train.run_folder import RunFolder
from samfit.harness.train.training import Training

CELL = tiny_cell()
RECIPE = Recipe(epochs=2, learning_rate=1e-3)
DATA = replace(tiny_data(4, val=1), origin=Origin(path="photos"))


def describe(cell=CELL, recipe=RECIPE, data=DATA, hold_out=0.1, pretrained=None):
    return Description.of(cell, recipe, data, hold_out, pretrained)


def started(path, steps=1):
    """A folder with a run that was saved after ``steps``, and the training."""
    path.mkdir(exist_ok=True)
    folder, training = RunFolder(path), Training(CELL, RECIPE, DATA)
    folder.start(describe())
    for _, _ in zip(range(steps), training.run(), strict=False):
        pass
    folder.save_state(training.state())
    return folder, training


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run, and what was trained."""
    folder, training = started(tmp_path_factory.mktemp("runs"), steps=4)
    folder.save_results(training)
    return folder, training


# Descriptions


def test_a_description_comes_back_from_its_file(tmp_path):
    description = describe(
        tiny_cell("conv_lora", settings={"scales": [1, 2]}), pretrained=Path("resnet18.pth")
    )
    RunFolder(tmp_path).start(description)
    assert RunFolder(tmp_path).description() == description


@pytest.mark.parametrize("value", ["a", None, [], {}, -1, 10**9])
def test_a_setting_that_cannot_be_right_is_named(value, tmp_path):
    document = describe().to_json()
    document["cell"]["settings"] = {"classes": value}
    (tmp_path / "run.json").write_text(json.dumps(document))
    with user_error(str(tmp_path / "run.json"), "classes"):
        RunFolder(tmp_path).description()


def test_a_description_says_which_images_there_are():
    assert describe().data.train_images == 4
    renamed = replace(DATA, train=(*DATA.train[:3], made(9)))
    assert describe(data=renamed) != describe()
    assert describe(data=replace(DATA, test=(made(9),))) == describe()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cell": replace(CELL, adapter="cad")}, ["holds a decoder run:"]),
        ({"cell": replace(CELL, batch_size=4)}, ["holds a run with --batch-size 2, not 4:"]),
        ({"cell": replace(CELL, settings={"depth": 2})}, ["--set depth None, not 2"]),
        ({"recipe": replace(RECIPE, augment="flip")}, ["--augment none, not flip"]),
        ({"data": replace(DATA, origin=Origin(path="others"))}, ["--data photos, not others"]),
        ({"data": replace(DATA, train=DATA.train[:3])}, ["holds a run on other images:"]),
        ({"hold_out": 0.2}, ["--hold-out 0.1, not 0.2"]),
        ({"pretrained": Path("a.pth")}, ["--pretrained None, not a.pth"]),
    ],
)
def test_another_run_does_not_resume_this_one(changed, words, tmp_path):
    folder, _ = started(tmp_path)
    with user_error(str(tmp_path), *words, "use the same options to resume it"):
        folder.start(describe(**changed))
    assert folder.start(describe()) is not None


def test_a_run_without_a_state_starts_again(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.start(describe()) is None
    other = describe(recipe=replace(RECIPE, epochs=5))
    assert folder.start(other) is None
    assert folder.description() == other


@pytest.mark.parametrize(
    "content", ["", "garbage", "[1]", "{}", '{"cell": {"adapter": 3}}', b"\xff\xfe\x00"]
)
def test_what_is_no_run_is_named(content, tmp_path):
    content = content.encode() if isinstance(content, str) else content
    (tmp_path / "run.json").write_bytes(content)
    with user_error(str(tmp_path / "run.json")):
        RunFolder(tmp_path).description()


@pytest.mark.parametrize("place", ["", "missing", "a file/below"])
def test_a_folder_without_a_run_is_named(place, tmp_path):
    (tmp_path / "a file").touch()
    with user_error(str(tmp_path / place)):
        RunFolder(tmp_path / place).description()


# The state


def test_a_state_comes_back_bit_by_bit(tmp_path):
    folder, training = started(tmp_path, steps=3)
    state = folder.start(describe())
    assert History(**state["history"]) == training.history
    assert training.history.best_step == 2
    for name, tensor in training.model.trained_state().items():
        assert torch.equal(state["model"][name], tensor)
    assert state["best"].keys() == state["model"].keys()


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_run_may_be_given_other_epochs_and_its_history_says_so(epochs, tmp_path):
    folder, training = started(tmp_path, steps=3)
    folder.save_results(training)
    longer = describe(recipe=replace(RECIPE, epochs=epochs))
    assert folder.start(longer)["history"]["prolonged"] == {3: 2}
    assert folder.description() == longer
    assert not folder.is_finished
    assert folder.start(longer)["history"]["prolonged"] == {3: 2}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_torn_state_is_named(share, tmp_path):
    folder, _ = started(tmp_path)
    kept = tmp_path / "state.pt"
    content = kept.read_bytes()
    kept.write_bytes(content[: int(share * len(content))])
    with user_error(f"cannot read {kept}", "remove it"):
        folder.start(describe())


class Trap:
    """What a pickle would call when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("save", [torch.save, lambda trap, file: pickle.dump(trap, file)])
def test_a_state_that_would_run_code_is_refused(save, tmp_path):
    folder, _ = started(tmp_path / "run")
    trodden, kept = tmp_path / "trodden", tmp_path / "run" / "state.pt"
    with kept.open("wb") as file:
        save({"history": Trap(trodden)}, file)
    with user_error(f"cannot read {kept}"):
        folder.start(describe())
    assert not trodden.exists()


# Writing


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_a_folder_that_cannot_be_made_is_named(place, tmp_path):
    (tmp_path / "a file").touch()
    with user_error(f"cannot write to {tmp_path / place}"), RunFolder(tmp_path / place).writing():
        pass


def test_a_full_disk_is_named_and_the_state_before_stays(tmp_path, monkeypatch):
    folder, training = started(tmp_path)
    before = (tmp_path / "state.pt").read_bytes()

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(room, "write_whole", full)
    with user_error(f"cannot write to {tmp_path}", "No space left on device", "resumes from"):
        folder.save_state(training.state())
    assert (tmp_path / "state.pt").read_bytes() == before


def test_weights_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    folder, training = started(tmp_path, steps=4)

    def full(path):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(training.model, "save", full)
    with user_error(f"cannot write to {tmp_path}: no space;"):
        folder.save_results(training)
    assert not folder.weights.exists()
    assert len(folder.start(describe())["history"]["losses"]) == 4


def test_what_is_in_a_finished_folder(finished):
    folder, training = finished
    names = {path.name for path in folder.path.iterdir()}
    assert names == {
        "run.json", "state.pt", "adapter.safetensors", "losses.csv", "validation.csv",
    }  # fmt: skip
    assert len({path.stat().st_mode for path in folder.path.iterdir()}) == 1
    assert not any(name.endswith(PARTIAL) for name in names)
    losses = pd.read_csv(folder.path / "losses.csv")
    assert losses["step"].tolist() == [1, 2, 3, 4]
    assert losses["loss"].tolist() == training.history.losses
    validation = pd.read_csv(folder.path / "validation.csv")
    assert validation["step"].tolist() == [2, 4]
    assert validation["iou"].tolist() == [v["iou"] for v in training.history.validations]
    assert json.loads((folder.path / "run.json").read_text())["cell"]["adapter"] == "decoder"


# Reading the model


def test_the_model_comes_back_as_it_was_trained(finished):
    folder, training = finished
    run = Run(folder.path, device="cpu")
    cell, model = run.cell, run.model
    assert (cell.phase, cell.batch_size, cell.cache_embeddings) == ("infer", 1, False)
    assert not model.training
    for name, tensor in training.model.trained_state().items():
        assert torch.equal(model.trained_state()[name], tensor)
    ours, _ = score_masks(cell, model, DATA.train)
    theirs, _ = score_masks(replace(CELL, batch_size=1), training.model, DATA.train)
    assert ours.per_image == theirs.per_image


@pytest.mark.parametrize(("steps", "weights_of"), [(1, 1), (2, 2), (3, 2)])
def test_a_run_that_is_not_finished_has_its_best_weights_else_its_last(steps, weights_of, tmp_path):
    _, training = started(tmp_path, steps=steps)
    run = Run(tmp_path, device="cpu")
    state = training.state()
    expected = state["best"] if steps > 1 else state["model"]
    for name, tensor in run.model.trained_state().items():
        assert torch.equal(expected[name], tensor)
    assert f"not finished ({steps} of 4 steps)" in run.remark
    assert run.remark.endswith(f"of step {weights_of}")
    assert "not finished: 4 steps were planned" in str(run)


def test_a_finished_run_has_no_remark(finished):
    assert Run(finished[0].path).remark == ""


def test_levers_of_training_are_left_behind(tmp_path):
    cell = replace(CELL, batch_size=4, gradient_accumulation=2)
    cell = replace(cell, checkpointing=True, cache_embeddings=True)
    folder, training = RunFolder(tmp_path), Training(cell, RECIPE, DATA)
    folder.start(describe(cell))
    folder.save_results(training)
    assert list(Run(tmp_path).model.sam.image_encoder.parameters())


def test_a_checkpoint_that_is_not_there_is_named(finished):
    with user_error("there is no checkpoint file", "moved.pth"):
        _ = Run(finished[0].path, "moved.pth").model
