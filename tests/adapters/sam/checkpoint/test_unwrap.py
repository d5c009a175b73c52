"""A SAM in every wrapping that training programs give it comes back exactly."""

import argparse

import pytest
import torch
from hypothesis import given, settings, strategies as st
from safetensors.torch import save_file
from small_sam import SIDE, small_sam
from user_error import user_error

from samfit import build_sam
from samfit.adapters.sam.checkpoint.names import to_hugging_face
from samfit.adapters.sam.checkpoint.unwrap import unwrap
from samfit.errors import Remark

STATE = small_sam().state_dict()
OPTIMIZER = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}


def prefixed(prefix, state=STATE):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def encoder_renamed():
    """The encoder's blocks under Hugging Face's names, all else under Meta's."""
    words = {"image_encoder.blocks": "vision_encoder.layers", "image_encoder": "vision_encoder"}
    words |= {".norm1.": ".layer_norm1.", ".norm2.": ".layer_norm2."}
    renamed = {}
    for name, tensor in STATE.items():
        for old, new in words.items():
            name = name.replace(old, new) if "_encoder" in name and "prompt" not in name else name
        renamed[name] = tensor
    return renamed


WRAPPED = {
    "an optimizer beside it": {"model": STATE, "optimizer": OPTIMIZER, "epoch": 3},
    "DistributedDataParallel": prefixed("module."),
    "both": {"model": prefixed("module."), "epoch": 3},
    "Lightning": {"state_dict": prefixed("model."), "pytorch-lightning_version": "2.0"},
    "a name for SAM": {"model_state_dict": prefixed("sam.")},
    "compiled": {"model": prefixed("_orig_mod.")},
    "compiled within Lightning": {"state_dict": prefixed("model._orig_mod.")},
    "a compiled encoder": {
        name.replace("image_encoder.", "image_encoder._orig_mod."): tensor
        for name, tensor in STATE.items()
    },
    "deeper": {"checkpoint": {"state": {"net": STATE}}},
    "options beside it": {"model": STATE, "args": argparse.Namespace(lr=1e-4)},
    "the normalisation stored, too": STATE
    | {"pixel_mean": torch.tensor([123.675, 116.28, 103.53])},
    "Hugging Face": {to_hugging_face(name): tensor for name, tensor in STATE.items()},
    "Hugging Face within a model": prefixed(
        "model.", {to_hugging_face(name): tensor for name, tensor in STATE.items()}
    ),
    "an encoder renamed": encoder_renamed(),
}


def check(path, expected=STATE):
    loaded = build_sam("vit_tiny", SIDE, path).state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.items())


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_a_wrapped_sam_is_unwrapped(wrapping, tmp_path):
    torch.save(WRAPPED[wrapping], tmp_path / "sam.ckpt")
    check(tmp_path / "sam.ckpt")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_as_float32(dtype, tmp_path):
    torch.save({name: tensor.to(dtype) for name, tensor in STATE.items()}, tmp_path / "sam.pth")
    check(tmp_path / "sam.pth", {name: t.to(dtype).float() for name, t in STATE.items()})


def test_what_a_file_is_counts_and_not_how_it_is_called(tmp_path):
    save_file(STATE, tmp_path / "sam.pth")
    check(tmp_path / "sam.pth")
    torch.save(STATE, tmp_path / "sam.safetensors")
    check(tmp_path / "sam.safetensors")


@pytest.mark.parametrize("kind", ["safetensors", "bin", "shards"])
def test_a_folder_of_save_pretrained_is_read(kind, tmp_path):
    state = {to_hugging_face(name): tensor for name, tensor in STATE.items()}
    first = {name: tensor for name, tensor in state.items() if "decoder" in name}
    parts = {
        "safetensors": {"model.safetensors": state},
        "bin": {"pytorch_model.bin": state},
        "shards": {
            "model-00001-of-00002.safetensors": first,
            "model-00002-of-00002.safetensors": {n: t for n, t in state.items() if n not in first},
        },
    }
    for name, part in parts[kind].items():
        (torch.save if kind == "bin" else save_file)(part, tmp_path / name)
    (tmp_path / "config.json").write_text("{}")
    check(tmp_path)


def test_a_head_beside_sam_is_left_out_with_a_remark(tmp_path):
    head = {"head.weight": torch.zeros(2), "head.bias": torch.zeros(2)}
    torch.save({"state_dict": prefixed("sam.") | head}, tmp_path / "sam.pth")
    with pytest.warns(Remark, match=r"2 tensors \(head.weight first\) beside it left out\."):
        check(tmp_path / "sam.pth")


def test_of_several_sams_the_one_that_is_used_is_named(tmp_path):
    other = {name: tensor + 1 for name, tensor in STATE.items()}
    torch.save({"model": STATE, "model_ema": other}, tmp_path / "sam.pth")
    with pytest.warns(Remark, match="model is used, not model_ema"):
        check(tmp_path / "sam.pth")


def test_another_normalisation_is_refused(tmp_path):
    torch.save(STATE | {"pixel_mean": torch.zeros(3)}, tmp_path / "sam.pth")
    with user_error("pixel_mean", str(tmp_path)):
        build_sam("vit_tiny", SIDE, tmp_path / "sam.pth")


def test_quantised_weights_are_refused(tmp_path):
    name = "image_encoder.neck.0.weight"
    torch.save(STATE | {name: STATE[name].to(torch.int8)}, tmp_path / "sam.pth")
    with user_error("quantised", name, "int8"):
        build_sam("vit_tiny", SIDE, tmp_path / "sam.pth")


WORDS = st.sampled_from(["model", "state_dict", "net", "sam", "module", "_orig_mod", "a.b"])


@settings(max_examples=30, deadline=None)
@given(
    places=st.lists(WORDS, max_size=4), prefixes=st.lists(WORDS, max_size=4), theirs=st.booleans()
)
def test_any_nesting_and_any_prefix_is_unwrapped(places, prefixes, theirs):
    names = {name: to_hugging_face(name) if theirs else name for name in STATE}
    prefix = "".join(f"{word}." for word in prefixes)
    content = {f"{prefix}{names[name]}": tensor for name, tensor in STATE.items()}
    for place in places:
        content = {"epoch": 3, place: content, "optimizer": OPTIMIZER}
    found = unwrap(content)
    state = found.state
    assert state.keys() == STATE.keys()
    assert all(state[name] is tensor for name, tensor in STATE.items())
    assert not found.beside and not found.others


def test_a_part_of_another_sam_beside_it_is_no_cause(tmp_path):
    teacher = {f"teacher.{name}": t for name, t in STATE.items() if "mask_decoder" in name}
    torch.save(prefixed("student.") | teacher, tmp_path / "sam.pth")
    with pytest.warns(Remark, match="teacher.mask_decoder"):
        check(tmp_path / "sam.pth")
