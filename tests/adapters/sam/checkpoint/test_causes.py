"""What is not a SAM is named by its cause, whatever wrapping it comes in."""

import warnings

import pytest
import torch
from safetensors.torch import save_file
from small_sam import SIDE, adapted, small_sam
from torch import nn
from user_error import user_error

from samfit import build_sam

STATE = small_sam().state_dict()
ONE = torch.zeros(1)


def only(part):
    return {name: tensor for name, tensor in STATE.items() if part in name}


def within(part):
    return {name.removeprefix(f"{part}."): tensor for name, tensor in only(part).items()}


def with_more(*names):
    return STATE | dict.fromkeys(names, ONE)


ADAPTERS = [f"image_encoder.blocks.{i}.Adapter.channel.0.weight" for i in range(6)]
LACKING = {name: t for name, t in STATE.items() if "output_hypernetworks_mlps.3" not in name}

FOREIGN = {
    "sam2": (["image_encoder.trunk.pos_embed", "sam_mask_decoder.iou_token.weight"], "SAM 2"),
    "sam3": (["detector.backbone.vision_backbone.trunk.pos_embed"], "SAM 3"),
    "mobile": (["image_encoder.patch_embed.seq.0.c.weight", "mask_decoder.x"], "MobileSAM"),
    "edge": (["image_encoder.stages.0.0.token_mixer.weight"], "EdgeSAM"),
    "efficientvit": (["image_encoder.backbone.input_stem.weight"], "EfficientViT-SAM"),
    "peft": (["base_model.model.vision_encoder.layers.0.attn.qkv.lora_A.weight"], "PEFT"),
    "samed": (["w_a_000", "w_b_000"], "SAMed"),
}
FILES = {
    **{kind: (dict.fromkeys(names, ONE), [cause]) for kind, (names, cause) in FOREIGN.items()},
    "efficient": (with_more("prompt_encoder.invalid_points.weight"), ["EfficientSAM"]),
    "hq": (with_more("mask_decoder.hf_token.weight"), ["HQ-SAM", "mask_decoder.hf_token.weight"]),
    "med2d": (with_more(*ADAPTERS), ["SAM-Med2D", "6 tensors", ADAPTERS[0]]),
    "lora": (with_more("image_encoder.blocks.0.attn.qkv.lora_A.weight"), ["LoRA"]),
    "lora_beside": (
        {f"sam.{name}": t for name, t in STATE.items()} | {"w_a_000.weight": ONE},
        ["SAMed"],
    ),
    "missing": (LACKING, ["lacks 6 tensors", "output_hypernetworks_mlps.3.layers.0.weight"]),
    "more": (with_more("extra"), ["beyond SAM's", "1 tensor (extra)"]),
    "decoder": (only("mask_decoder"), ["mask decoder only"]),
    "encoder": (only("image_encoder"), ["image encoder only"]),
    "encoder_alone": (within("image_encoder"), ["image encoder only"]),
    "optimizer": ({"state": {0: {"exp_avg": ONE}}, "param_groups": []}, ["optimizer"]),
    "no_tensors": ({"epoch": 3, "optimizer": {"param_groups": [{"lr": 0.1}]}}, ["no tensors"]),
    "resnet": ({"conv1.weight": ONE}, ["conv1.weight'", "sam_vit_b_01ec64.pth"]),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("wrap", [False, True])
def test_a_file_of_something_else_is_named_by_its_cause(kind, wrap, tmp_path):
    content, words = FILES[kind]
    path = tmp_path / "file.pth"
    torch.save({"model": content, "epoch": 3} if wrap else content, path)
    with user_error(str(path), *words):
        build_sam("vit_tiny", SIDE, path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html><title>Virus scan warning</title></html>", "web page"),
        (b"<html><body>Sign in</body></html>", "web page"),
        (b"\x1f\x8b\x08\x00rest", "packed archive"),
        (b"Rar!\x1a\x07rest", "packed archive"),
        (b"", "is empty"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_no_file_of_weights_is_named(content, words, suffix, tmp_path):
    path = tmp_path / f"sam{suffix}"
    path.write_bytes(content)
    with user_error(str(path), words):
        build_sam("vit_tiny", SIDE, path)


def test_a_whole_pickled_model_says_how_to_save_its_weights(tmp_path):
    torch.save(small_sam(), tmp_path / "sam.pth")
    with user_error("segment_anything.modeling.sam.Sam", "torch.save(model.state_dict(), path)"):
        build_sam("vit_tiny", SIDE, tmp_path / "sam.pth")


def test_a_torchscript_program_is_named(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of torch advise against it
        torch.jit.script(nn.Linear(1, 1)).save(tmp_path / "sam.pt")
    with user_error("TorchScript"):
        build_sam("vit_tiny", SIDE, tmp_path / "sam.pt")


@pytest.mark.parametrize("method", ["lora", "decoder", "bitfit", "full"])
def test_an_adapter_file_is_no_checkpoint(method, tmp_path):
    adapted(method).save(tmp_path / "adapter.safetensors")
    with user_error("an adapter file of samfit"):
        build_sam("vit_tiny", SIDE, tmp_path / "adapter.safetensors")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("adapter_config.json", "PEFT"),
        ("run.json", "samfit merge"),
        ("readme.txt", "without weights"),
    ],
)
def test_a_folder_that_is_no_sam_is_named(file, words, tmp_path):
    (tmp_path / file).write_text("{}")
    save_file({"weight": ONE}, tmp_path / "adapter_model.safetensors")
    with user_error(str(tmp_path), words):
        build_sam("vit_tiny", SIDE, tmp_path)


def test_shards_that_hold_something_else_are_no_sam(tmp_path):
    for number, content in enumerate(([1, 2], {"weight": ONE})):
        torch.save(content, tmp_path / f"pytorch_model-{number}.bin")
    with user_error(str(tmp_path), "'weight'"):
        build_sam("vit_tiny", SIDE, tmp_path)


@pytest.mark.parametrize("path", ["a\0b", "no.pth", "n" * 300])
def test_a_path_that_leads_nowhere_is_named(path):
    with user_error("there is no checkpoint file"):
        build_sam("vit_tiny", SIDE, path)


def test_a_tiny_vit_is_not_taken_for_a_misspelt_backbone():
    with user_error("'vit_t'", "MobileSAM", "vit_tiny"):
        build_sam("vit_t")
