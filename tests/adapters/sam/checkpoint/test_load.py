from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from safetensors.torch import save_file
from small_sam import SIDE, small_sam
from torch.nn import functional as F
from user_error import user_error

from samfit import build_sam
from samfit.adapters.sam.checkpoint.load import read_checkpoint
from samfit.errors import Remark

FORMATS = pytest.mark.parametrize("suffix", [".pth", ".safetensors"])


def write(state, path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def state():
    return small_sam().state_dict()


@pytest.fixture(scope="module")
def contents(state, tmp_path_factory):
    """The bytes of a good checkpoint, by suffix."""
    folder = tmp_path_factory.mktemp("good")
    suffixes = (".pth", ".safetensors")
    return {suffix: write(state, folder / f"sam{suffix}").read_bytes() for suffix in suffixes}


@FORMATS
def test_weights_come_back_exactly(suffix, state, tmp_path):
    path = write(state, tmp_path / f"sam{suffix}")
    loaded = build_sam("vit_tiny", SIDE, path).state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.items())


def test_half_precision_weights_load(state, tmp_path):
    path = write({name: t.half() for name, t in state.items()}, tmp_path / "sam.pth")
    with pytest.warns(Remark, match="128 x 128"):
        sam = build_sam("vit_tiny", 2 * SIDE, path)
    assert sam.image_encoder.pos_embed.dtype is torch.float32


@pytest.mark.parametrize("name", ["sam.pth", "sam.safetensors", ".", "n" * 300, "sam.pth/sam.pth"])
def test_a_missing_file_or_a_folder_is_named(name, tmp_path):
    with user_error(str(tmp_path / name), "--checkpoint"):
        build_sam("vit_tiny", SIDE, tmp_path / name)


@FORMATS
@pytest.mark.parametrize("share", [0, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.3, 0.7, 0.99, 0.999_999])
def test_a_truncated_file_is_named(suffix, share, contents, tmp_path):
    path = tmp_path / f"sam{suffix}"
    content = contents[suffix]
    path.write_bytes(content[: int(share * len(content))])
    with user_error(str(path), "truncated", "download it again"):
        read_checkpoint(path, "vit_tiny")


@FORMATS
@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(garbage=st.binary(max_size=300), head=st.sampled_from([b"", b"\x80\x02", b"PK\x03\x04"]))
def test_garbage_is_a_users_mistake_whatever_it_is(suffix, garbage, head, tmp_path):
    path = tmp_path / f"sam{suffix}"
    path.write_bytes(head + garbage)
    with user_error(str(path)):
        read_checkpoint(path, "vit_tiny")


class Exploit:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_does_not_run(zipped, state, tmp_path):
    path, marker = tmp_path / "sam.pth", tmp_path / "marker"
    content = {**state, "more": Exploit(marker)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with user_error(str(path), "more than tensors", "safetensors"):
        build_sam("vit_tiny", SIDE, path)
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the exploit works where nothing guards against it"


def test_a_foreign_state_dict_is_recognised(tmp_path):
    path = write({"conv1.weight": torch.zeros(3)}, tmp_path / "resnet.pth")
    with user_error(str(path), "not a SAM checkpoint", "'conv1.weight'", "sam_vit_b_01ec64.pth"):
        read_checkpoint(path, "vit_tiny")


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        torch.zeros(1),
        {},
        {"model": {"weight": torch.zeros(1)}},
        {3: torch.zeros(1)},
        {3: torch.zeros(1), "image_encoder.pos_embed": torch.zeros(1)},
    ],
)
def test_what_is_not_a_dictionary_of_named_tensors_is_recognised(content, tmp_path):
    path = write(content, tmp_path / "other.pth")
    with user_error(str(path), "not a SAM checkpoint"):
        read_checkpoint(path, "vit_tiny")


def lookalike(width: int, depth: int) -> dict[str, torch.Tensor]:
    """As much of a checkpoint as its backbone is recognised by."""
    norms = {f"image_encoder.blocks.{i}.norm1.weight": torch.ones(width) for i in range(depth)}
    others = ["prompt_encoder.no_mask_embed.weight", "mask_decoder.iou_token.weight"]
    parts = {name: torch.zeros(1, 64) for name in others}
    return {"image_encoder.pos_embed": torch.zeros(1, 2, 2, width), **norms, **parts}


@pytest.mark.parametrize(
    ("width", "depth", "words"),
    [
        (768, 12, ["vit_b", "--backbone vit_b"]),
        (1024, 24, ["vit_l", "--backbone vit_l"]),
        (1280, 32, ["vit_h", "--backbone vit_h"]),
        (192, 12, ["unknown backbone"]),
    ],
)
def test_a_checkpoint_of_another_backbone_names_both(width, depth, words, tmp_path):
    path = write(lookalike(width, depth), tmp_path / "sam.pth")
    with user_error(str(path), "vit_tiny", *words):
        read_checkpoint(path, "vit_tiny")


def test_a_checkpoint_with_entries_missing_or_too_many_does_not_fit(state, tmp_path):
    path = write({**state, "extra": torch.zeros(1)}, tmp_path / "sam.pth")
    with user_error(str(path), "vit_tiny", "extra"):
        build_sam("vit_tiny", SIDE, path)
    path = write(lookalike(128, 6), tmp_path / "sam.pth")
    with user_error(str(path), "vit_tiny", "lacks", f"{len(state) - 9} tensors"):
        build_sam("vit_tiny", SIDE, path)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("image_encoder.pos_embed", (128,)),
        ("image_encoder.pos_embed", ()),
        ("image_encoder.blocks.2.attn.rel_pos_h", (5,)),
        ("image_encoder.blocks.2.attn.rel_pos_h", ()),
        ("mask_decoder.iou_token.weight", (2, 2)),
    ],
)
def test_an_entry_of_the_wrong_shape_does_not_fit(name, shape, state, tmp_path):
    path = write({**state, name: torch.zeros(shape)}, tmp_path / "sam.pth")
    with user_error(str(path)):
        build_sam("vit_tiny", SIDE, path)


@pytest.mark.parametrize("side", [64, 256])
def test_another_image_size_interpolates_the_position_tables(side, state, tmp_path):
    path = write(state, tmp_path / "sam.pth")
    with pytest.warns(Remark, match=f"interpolated to {side} x {side}"):
        loaded = build_sam("vit_tiny", side, path).state_dict()
    grid, table, windowed = side // 16, "blocks.2.attn.rel_pos_h", "blocks.1.attn.rel_pos_h"

    positions = state["image_encoder.pos_embed"].permute(0, 3, 1, 2)
    expected = F.interpolate(positions, (grid, grid), mode="bilinear").permute(0, 2, 3, 1)
    assert torch.equal(loaded["image_encoder.pos_embed"], expected)

    rows = state[f"image_encoder.{table}"].T[None]
    expected = F.interpolate(rows, 2 * grid - 1, mode="linear")[0].T
    torch.testing.assert_close(loaded[f"image_encoder.{table}"], expected)

    assert torch.equal(loaded[f"image_encoder.{windowed}"], state[f"image_encoder.{windowed}"])
    changed = [name for name in state if not torch.equal(loaded[name], state[name])]
    assert len(changed) == 5  # the position embedding, and two tables in each of two global blocks


def test_a_size_that_was_asked_for_needs_no_remark(tmp_path):
    path = write(build_sam("vit_tiny").state_dict(), tmp_path / "sam.pth")  # its own, 256
    assert build_sam("vit_tiny", SIDE, path).image_encoder.img_size == SIDE
