"""A run's model outside of samfit, from Python and by the commands' own functions."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tiny_task import SIDE, tiny_cell, tiny_data, write_checkpoint
from user_error import user_error

import samfit

DATA = tiny_data(train=3)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("sam") / "base.safetensors"
    write_checkpoint(path)
    return path


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    """Trains for a few steps; gives the run."""

    def train(adapter, **fields):
        cell = tiny_cell(adapter, checkpoint=str(base), **fields)
        folder = tmp_path_factory.mktemp("runs") / "run"
        classes = cell.classes
        cell = replace(cell, loss="samed" if classes > 1 else "cad")
        data = tiny_data(train=3, classes=classes)
        return samfit.train(cell, samfit.Recipe(epochs=2, learning_rate=1e-2), data, folder)

    return train


@pytest.fixture(scope="module")
def lora(trained):
    return trained("lora")


@torch.no_grad()
def logits(model):
    image = torch.from_numpy(DATA.train[0].image).permute(2, 0, 1)
    boxes = torch.tensor([[0.0, 0, SIDE, SIDE]])
    if isinstance(model, samfit.AdaptedSam):
        return model(image[None], boxes[None])
    request = {"image": image, "original_size": (SIDE, SIDE), "boxes": boxes}
    return model([request], multimask_output=False)[0]["low_res_logits"]


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_merged_weights_are_a_checkpoint_with_the_same_masks(suffix, lora, base, tmp_path):
    written = samfit.merge(lora, tmp_path / "new" / f"merged{suffix}")
    merged = samfit.build_sam("vit_tiny", SIDE, written.path)
    torch.testing.assert_close(logits(merged), logits(lora.model), rtol=0, atol=1e-5)
    plain = samfit.build_sam("vit_tiny", SIDE, base)
    assert (logits(merged) - logits(plain)).abs().max() > 1e-2


@pytest.mark.parametrize("precision", ["fp16", "bf16", "bf16-pure"])
def test_a_run_in_16_bits_is_merged_in_float32(precision, trained, base, tmp_path):
    run = trained("lora", precision=precision)
    samfit.merge(run.folder, tmp_path / "merged.safetensors")
    merged, before = load_file(tmp_path / "merged.safetensors"), load_file(base)
    assert {tensor.dtype for tensor in merged.values()} == {torch.float32}
    untouched = "image_encoder.blocks.0.mlp.lin1.weight"
    assert torch.equal(merged[untouched], before[untouched])
    model = run.build(precision="fp32")
    torch.testing.assert_close(
        logits(samfit.build_sam("vit_tiny", SIDE, tmp_path / "merged.safetensors")),
        logits(model), rtol=0, atol=1e-5,
    )  # fmt: skip


def test_what_is_said_of_a_file_reads_it(lora, tmp_path):
    written = samfit.merge(lora, tmp_path / "merged.pth")
    assert str(written).startswith(
        f"{written.path} holds a merged SAM (vit_tiny, images of 64 x 64"
    )
    assert isinstance(eval(written.use), torch.nn.Module)


def test_export_says_how_its_folders_are_read(lora, tmp_path):
    transformers = pytest.importorskip("transformers", reason="pip install samfit[hf]")
    pytest.importorskip("peft", reason="pip install samfit[hf]")
    written = samfit.export(lora, tmp_path / "hf")
    assert written.use == f'transformers.SamModel.from_pretrained("{tmp_path}/hf")'
    assert isinstance(transformers.SamModel.from_pretrained(written.path), torch.nn.Module)
    samfit.export(lora, tmp_path / "peft", "peft")
    config = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (8, 8)


@pytest.mark.parametrize(
    ("adapter", "settings", "words"),
    [
        ("cad", {}, ["CAD", "cannot be merged"]),
        ("decoder", {"classes": 3}, ["each of 3 classes"]),
        ("lora", {"decoder": "single_token"}, ["one mask token"]),
    ],
)
def test_what_cannot_be_merged_says_why_and_writes_nothing(
    adapter, settings, words, trained, tmp_path
):
    run = trained(adapter, settings=settings)
    for leave in (samfit.merge, samfit.export):
        with user_error(*words):
            leave(run, tmp_path / "merged.pth")
    assert not [*tmp_path.iterdir()]


def test_nothing_that_is_needed_is_overwritten(lora, base, tmp_path):
    for file in (base, lora.folder / "adapter.safetensors"):
        before = file.read_bytes()
        with user_error(str(file), "--output"):
            samfit.merge(lora, file)
        assert file.read_bytes() == before
    with user_error(str(lora.folder), "--output"):
        samfit.export(lora, lora.folder)


def test_mistakes_are_named(lora, tmp_path):
    with user_error("merged.bin", ".pth"):
        samfit.merge(lora, tmp_path / "merged.bin")
    with user_error("--format", "'onnx'"):
        samfit.export(lora, tmp_path, "onnx")
    with user_error("cannot write to /dev/null/x"):
        samfit.export(lora, "/dev/null/x")


def test_a_run_on_a_sam_of_transformers_leaves_as_one(trained, tmp_path):
    run = trained("lora", backbone="hf_vit_tiny")
    samfit.merge(run, tmp_path / "merged.safetensors")
    written = samfit.export(run, tmp_path / "hf")
    assert written.use == f'transformers.SamModel.from_pretrained("{tmp_path / "hf"}")'
    expected = logits(run.model)
    for checkpoint in (tmp_path / "merged.safetensors", tmp_path / "hf"):
        plain = samfit.attach(samfit.build_sam("hf_vit_tiny", SIDE, checkpoint), "decoder")
        torch.testing.assert_close(logits(plain.eval()), expected, rtol=0, atol=1e-5)
    with user_error("hf_vit_tiny", "--format peft", "samfit merge"):
        samfit.export(run, tmp_path / "peft", "peft")
    assert not (tmp_path / "peft").exists()
