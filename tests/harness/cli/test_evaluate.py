"""``samfit evaluate``: the scores of a trained model."""

import json

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from samfit.harness.metrics import METRICS


def test_the_test_images_are_scored_as_they_were_given_to_training(answer, photos_run, tmp_path):
    table = tmp_path / "scores.csv"
    found = answer("evaluate", photos_run, "--output", table)
    assert (found["data"], found["split"], found["images"]) == ("photos", "test", 3)
    scores = found["scores"]
    assert {"iou", "dice", "mae", "ber_pooled"} <= scores.keys() <= METRICS.keys()
    assert all(score["low"] <= score["value"] <= score["high"] for score in scores.values())
    frame = pd.read_csv(table, dtype={"image": str})
    assert frame["image"].tolist() == found["per_image"]["image"] == ["006", "007", "008"]
    assert frame["iou"].mean() == pytest.approx(scores["iou"]["value"])


def test_a_table_for_people(said, photos_run):
    out = said("evaluate", photos_run)
    assert "photos, test: 3 images" in out
    assert all(title in out for title in ("IoU", "Dice", "S-measure", "95% interval"))


def test_the_worst_masks_are_drawn(said, photos_run, maps_run, mistake, tmp_path):
    for run, name in ((photos_run, "a.png"), (maps_run, "b.svg")):
        said("evaluate", run, "--worst", tmp_path / "new" / name, "--worst-count", 2)
        assert (tmp_path / "new" / name).stat().st_size > 2000
    sentence = mistake("evaluate", photos_run, "--worst", tmp_path / "a.jpg")
    assert sentence.startswith("samfit: --worst must end in .png or .svg")


def test_classes_are_scored_each(answer, maps_run):
    found = answer("evaluate", maps_run)
    assert (found["split"], found["images"]) == ("val", 1)
    assert found["scores"].keys() >= {"miou", "pixel_accuracy", "iou_class_0"}


def test_other_images_and_another_split(answer, photos_run, photos):
    assert answer("evaluate", photos_run, "--split", "train")["images"] == 5
    assert answer("evaluate", photos_run, "--split", "val")["images"] == 1
    other = answer("evaluate", photos_run, "--data", photos / "test")
    assert (other["data"], other["split"], other["images"]) == ("test", "train", 3)
    assert other["per_image"]["iou"] == answer("evaluate", photos_run)["per_image"]["iou"]


def test_a_checkpoint_may_have_moved(answer, photos_run, checkpoint, tmp_path):
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(checkpoint.read_bytes())
    there = answer("evaluate", photos_run, "--checkpoint", moved)["scores"]
    assert there == answer("evaluate", photos_run)["scores"]


@pytest.mark.parametrize("place", ["/dev/null/x.csv", ""])
def test_scores_are_said_even_if_their_table_cannot_be_written(place, samfit, photos_run):
    code, out, err = samfit("evaluate", photos_run, "--json", "--output", place)
    assert code == 1
    assert "cannot write to" in err and "Traceback" not in err
    assert json.loads(out)["images"] == 3


def test_a_run_that_is_not_finished_has_no_scores(mistake, photos_run, tmp_path):
    (tmp_path / "run.json").write_bytes((photos_run / "run.json").read_bytes())
    assert "is not finished" in mistake("evaluate", tmp_path)


def test_a_score_that_no_baseline_has_can_be_required(samfit, photos_run, said):
    found = json.loads(said("evaluate", photos_run, "--json"))
    assert found["baselines"].keys() == {"all_background", "all_foreground", "grey_threshold"}
    out = said("evaluate", photos_run)
    assert "to compare: the best grey threshold" in out
    code, out, err = samfit("evaluate", photos_run, "--require", "better-than-baseline", "--json")
    assert json.loads(out) == found
    is_better = found["scores"]["iou"]["value"] > max(found["baselines"].values())
    assert not is_better, "a decoder of random weights after four steps"
    assert code == 1
    assert err.splitlines()[-2:] == [
        f"warning: {found['problem']}",
        f"samfit: --require better-than-baseline: the score "
        f"{found['scores']['iou']['value']:.4f} is {found['problem'].split('; ')[-1]}.",
    ]


def test_weights_of_another_sam_are_refused(mistake, photos_run, checkpoint, tmp_path):
    other = tmp_path / "other.safetensors"
    save_file({"image_encoder.pos_embed": next(iter(load_file(checkpoint).values()))}, other)
    assert str(other) in mistake("evaluate", photos_run, "--checkpoint", other)
