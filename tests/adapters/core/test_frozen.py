"""An adapter belongs to the frozen weights that it was trained on."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_sam import SIDE, adapted, small_sam
from user_error import user_error

import samfit
from samfit.adapters.core.frozen import frozen_digest
from samfit.errors import Remark


def on(sam, name="lora", **settings):
    return samfit.attach(sam, name, **settings)


@pytest.fixture
def lora_file(tmp_path):
    adapted("lora").save(tmp_path / "lora.safetensors")
    return tmp_path / "lora.safetensors"


def test_another_base_is_refused_unless_any_will_do(lora_file):
    adapted("lora").load(lora_file)
    other = on(small_sam(seed=1))
    before = {name: tensor.clone() for name, tensor in other.trained_state().items()}
    with user_error(str(lora_file), "other weights of SAM", "--checkpoint", "--any-base"):
        other.load(lora_file)
    assert all(torch.equal(t, before[name]) for name, t in other.trained_state().items())
    other.load(lora_file, any_base=True)
    assert not all(torch.equal(t, before[name]) for name, t in other.trained_state().items())


def test_both_bases_are_named_by_their_files(tmp_path):
    bases = [tmp_path / "medsam.pth", tmp_path / "sam.pth"]
    for seed, path in enumerate(bases):
        torch.save(small_sam(seed).state_dict(), path)
    sams = [samfit.build_sam("vit_tiny", SIDE, path) for path in bases]
    on(sams[0]).save(tmp_path / "lora")
    with user_error("(medsam.pth) than these (sam.pth)"):
        on(sams[1]).load(tmp_path / "lora")


def changed(name):
    """A SAM of which one value differs in the last bit."""
    sam = small_sam()
    with torch.no_grad():
        values = sam.state_dict()[name].view(-1)
        values[-1] = torch.nextafter(values[-1], torch.tensor(9.0))
    return sam


@pytest.mark.parametrize(
    ("name", "method", "counts"),
    [
        ("image_encoder.blocks.5.mlp.lin2.bias", "lora", True),
        ("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", "lora", True),
        ("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", "full", True),
        ("mask_decoder.iou_token.weight", "lora", False),
        ("image_encoder.blocks.5.mlp.lin2.bias", "full", False),
        ("image_encoder.blocks.5.mlp.lin2.bias", "bitfit", False),
        ("image_encoder.blocks.5.mlp.lin2.weight", "bitfit", True),
        ("image_encoder.pos_embed", "lora", False),
    ],
)
def test_every_weight_that_is_frozen_counts_and_no_other(name, method, counts):
    digests = [frozen_digest(on(sam, method).backbone) for sam in (small_sam(), changed(name))]
    assert (digests[0] != digests[1]) is counts


def test_another_image_size_is_the_same_base(tmp_path):
    torch.save(small_sam().state_dict(), tmp_path / "sam.pth")
    with pytest.warns(Remark, match="interpolated"):
        other = samfit.build_sam("vit_tiny", 2 * SIDE, tmp_path / "sam.pth")
    assert frozen_digest(on(other).backbone) == frozen_digest(adapted("lora").backbone)


def test_a_base_that_was_remembered_may_be_converted(lora_file):
    for seed in (0, 1):
        model = on(small_sam(seed))
        model.remember_base()
        model.to(torch.bfloat16)
        if seed == 0:
            model.load(lora_file)
        else:
            with user_error("other weights of SAM"):
                model.load(lora_file)


@pytest.mark.parametrize("way", ["converted", "no_encoder", "older"])
def test_where_it_cannot_be_checked_that_is_said(way, lora_file):
    model = on(small_sam(seed=1), "decoder" if way == "no_encoder" else "lora")
    model.save(lora_file)
    if way == "converted":
        model.to(torch.bfloat16)
    elif way == "no_encoder":
        model.without_encoder()
    else:
        with safe_open(lora_file, "pt") as file:
            entries = json.loads(file.metadata()["trained_with"])
        entries = {name: text for name, text in entries.items() if "base" not in name}
        save_file(load_file(lora_file), lora_file, {"trained_with": json.dumps(entries)})
    with pytest.warns(Remark, match="is not checked"):
        model.load(lora_file)
