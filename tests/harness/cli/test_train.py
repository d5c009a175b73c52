"""``samfit train``: what it leaves in its folder, and what it refuses."""

import json
from functools import partial

import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from samfit.harness.miniature import dataset
from samfit.harness.train.run_folder import RunFolder

FILES = {"run.json", "state.pt", "adapter.safetensors", "losses.csv", "validation.csv"}


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def weights_in(run):
    return load_file(run / "adapter.safetensors")


def settings_in(run):
    with safe_open(run / "adapter.safetensors", "pt") as file:
        return json.loads(json.loads(file.metadata()["trained_with"])["settings"])


def test_a_run_leaves_weights_curves_and_what_it_was(photos_run):
    assert names_in(photos_run) >= {*FILES, "curves.png", "curves.svg"}
    description = json.loads((photos_run / "run.json").read_text())
    assert description["cell"]["device"] == "cpu"
    assert description["cell"]["loss"] == "cad"
    assert description["data"]["train_images"] == 5
    assert description["data"]["val_images"] == 1
    assert pd.read_csv(photos_run / "losses.csv")["step"].tolist() == [1, 2, 3, 4]
    assert pd.read_csv(photos_run / "validation.csv")["step"].tolist() == [2, 4]


def test_classes_are_seen_in_the_masks(maps_run):
    description = json.loads((maps_run / "run.json").read_text())
    assert description["cell"]["settings"] == settings_in(maps_run) == {"classes": 3}
    assert description["cell"]["loss"] == "samed"
    assert "miou" in pd.read_csv(maps_run / "validation.csv")


def test_without_validation_there_is_no_curve_of_it(boxes_run):
    assert pd.read_csv(boxes_run / "losses.csv")["loss"].notna().all()
    assert (boxes_run / "validation.csv").read_text().strip() == ""


def test_a_finished_run_is_not_trained_again(samfit, photos, tiny, photos_run):
    before = weights_in(photos_run)
    options = ("--data", photos, *tiny, "--output", photos_run, "--json")
    code, out, err = samfit("train", "decoder", *options)
    answer = json.loads(out)
    assert code == 0
    assert "resuming after step 4 of 4" in err
    assert answer["folder"] == str(photos_run)
    assert len(answer["losses"]) == 4
    assert answer["best_step"] in (2, 4)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_in(photos_run).items())


def test_what_it_says_at_the_end_and_that_the_model_takes_its_prompt(said, photos, tiny, tmp_path):
    run, masks = tmp_path / "run", tmp_path / "masks"
    options = ("--prompt", "points", "--augment", "geometric", "--output", run)
    out = said("train", "lora", "--data", photos, *tiny, *options)
    assert "4 steps" in out
    assert "best validation: IoU" in out
    assert str(run) in out
    said("evaluate", run)
    points = ("--point", "20,30", "--point", "25.5,31")
    said("segment", run, photos / "test" / "images" / "006.png", *points, "--output", masks)
    assert names_in(masks) == {"006.png"}


def test_cached_embeddings_are_in_the_folder_and_change_no_loss(
    answer, photos, tiny, tmp_path, photos_run
):
    options = ("--output", tmp_path, "--cache-embeddings")
    found = answer("train", "decoder", "--data", photos, *tiny, *options)
    assert len(list((tmp_path / "embeddings").rglob("*.safetensors"))) == 6
    plain = pd.read_csv(photos_run / "losses.csv")["loss"].tolist()
    assert found["losses"] == pytest.approx(plain, rel=1e-4)
    assert answer("evaluate", tmp_path)


def test_no_epochs_leave_sam_as_it_is(said, answer, photos, tiny, tmp_path):
    options = ("--epochs", 0, "--output", tmp_path)
    assert "nothing was trained" in said("train", "decoder", "--data", photos, *tiny, *options)
    assert names_in(tmp_path) >= FILES
    assert answer("evaluate", tmp_path)


def test_a_task_that_comes_with_samfit(answer, tiny, tmp_path, monkeypatch):
    fewer = partial(dataset.miniature, train=4, val=2, test=2)
    monkeypatch.setattr(dataset, "miniature", fewer)
    options = ("--data", "miniature:camouflage", *tiny, "--output", tmp_path)
    assert len(answer("train", "decoder", *options)["losses"]) == 4
    found = answer("evaluate", tmp_path)
    data = (found["data"], found["split"], found["images"])
    assert data == ("miniature camouflage", "test", 2)


def test_a_better_score_than_baselines_can_be_required(samfit, photos, tiny, photos_run):
    options = ("--data", photos, *tiny, "--output", photos_run)
    code, out, err = samfit("train", "decoder", *options, "--require", "better-than-baseline")
    assert "to compare: calling everything background" in out
    assert "warning: worse than the best grey threshold" in out
    assert code == 1
    assert err.splitlines()[-1].startswith("samfit: --require better-than-baseline: the score ")
    code, out, _ = samfit("train", "decoder", *options, "--json")
    assert code == 0
    assert json.loads(out)["baselines"]["all_background"] < 0.01


def test_a_training_that_diverges_says_so(mistake, photos, tiny, tmp_path):
    options = ["--data", photos, *tiny, "--output", tmp_path, "--learning-rate", "1e30"]
    assert "training diverged" in mistake("train", "decoder", *options)


def test_a_bad_image_is_named_before_training_starts(mistake, photos, tiny, tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for path in (photos / "train" / kind).iterdir():
            (tmp_path / "data" / kind / path.name).write_bytes(path.read_bytes())
    torn = tmp_path / "data" / "images" / "003.png"
    torn.write_bytes(torn.read_bytes()[:100])
    options = ["--data", tmp_path / "data", *tiny, "--output", tmp_path / "run"]
    assert str(torn) in mistake("train", "decoder", *options)
    assert not (tmp_path / "run").exists()


def test_two_trainings_do_not_share_a_folder(mistake, photos, tiny, tmp_path):
    with RunFolder(tmp_path).writing():
        sentence = mistake("train", "decoder", "--data", photos, *tiny, "--output", tmp_path)
    assert f"another samfit is writing to {tmp_path}" in sentence
