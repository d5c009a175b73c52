"""``samfit merge`` and ``samfit export``; and remarks on checkpoints, which are sentences alone."""

import json

import pytest
import torch
from safetensors.torch import load_file

from samfit import build_sam


def test_a_run_is_merged_and_it_is_said_how_to_use_it(said, answer, photos_run, tmp_path):
    file = tmp_path / "merged.pth"
    out = said("merge", photos_run, "--output", file)
    assert out == (
        f"{file} holds a merged SAM (vit_tiny, images of 64 x 64 pixels); it is read by "
        f'samfit.build_sam("vit_tiny", 64, "{file}")\n'
    )
    assert build_sam("vit_tiny", 64, file).image_encoder.img_size == 64
    found = answer("merge", photos_run, "--output", file)
    assert found.keys() == {"path", "what", "use"}


def test_a_run_is_exported(said, photos_run, tmp_path):
    assert "SamModel.from_pretrained" in said("export", photos_run, "--output", tmp_path / "hf")
    names = {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert {path.name for path in (tmp_path / "hf").iterdir()} == names
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    assert config["vision_config"]["image_size"] == 64
    assert "vision_encoder.pos_embed" in load_file(tmp_path / "hf" / "model.safetensors")


def test_a_merged_run_is_a_base_again(said, photos_run, photos, tmp_path):
    """Of the same frozen weights: the decoder alone was trained."""
    said("merge", photos_run, "--output", tmp_path / "merged.safetensors")
    with_it = ("--checkpoint", tmp_path / "merged.safetensors", "--output", tmp_path / "masks")
    said("segment", photos_run, photos / "test" / "images", *with_it)


@pytest.mark.filterwarnings("default::samfit.errors.Remark")
def test_a_remark_on_a_checkpoint_is_a_sentence(samfit, photos, tiny, checkpoint, tmp_path):
    weights = {f"sam.{name}": tensor for name, tensor in load_file(checkpoint).items()}
    path = tmp_path / "sam.ckpt"
    torch.save({"state_dict": weights | {"head.weight": torch.zeros(2)}}, path)
    code, _, err = samfit(
        "train",
        "decoder",
        "--data",
        photos,
        *tiny,
        "--checkpoint",
        path,
        "--output",
        tmp_path / "r",
    )
    assert code == 0
    sentence = f"{path} holds more than a SAM, and 1 tensor (head.weight) beside it left out."
    assert sentence in err.splitlines()
