"""SAM 2's weights in the files that people have, of Meta and of Hugging Face."""

import pytest
import torch
from golden_case import FOLDER
from safetensors.torch import load_file, save_file
from small_sam import SIDE, small_sam
from small_sam2 import SMALL, small_sam2
from user_error import user_error

import samfit
from samfit.adapters.sam.checkpoint.sam2 import VIDEO, with_hugging_face_names
from samfit.adapters.sam.families.sam2 import HIERAS, VERSIONS, Sam2
from samfit.errors import Remark

pytest.importorskip("transformers", reason="pip install samfit[hf]")

OURS, OTHER = "sam2.1_hiera_mini", "sam2_hiera_mini"
TABLE = "shared_image_embedding.positional_embedding"
# What Meta's files of SAM 2.1 hold beside the image model, a few of each kind.
OF_VIDEOS = [
    "maskmem_tpos_enc", "no_mem_pos_enc", "no_obj_ptr", "mask_downsample.weight",
    "memory_attention.layers.0.self_attn.q_proj.weight", "memory_encoder.fuser.layers.0.gamma",
    "obj_ptr_proj.layers.0.weight", "obj_ptr_tpos_proj.weight", "no_obj_embed_spatial",
]  # fmt: skip


@pytest.fixture(autouse=True)
def mini(monkeypatch):
    """The small one is a backbone."""
    monkeypatch.setitem(HIERAS, "hiera_mini", SMALL)
    for version in VERSIONS:
        monkeypatch.setitem(Sam2.sizes, f"{version}_hiera_mini", SMALL)


@pytest.fixture
def official() -> dict:
    """Of a small image model of Meta's code."""
    golden = load_file(FOLDER / "sam2_image.safetensors")
    named = {n.removeprefix("param."): t for n, t in golden.items() if n.startswith("param.")}
    return {name: tensor.float() for name, tensor in named.items()}


def with_videos(state: dict, *names: str) -> dict:
    return state | dict.fromkeys(names or OF_VIDEOS, torch.zeros(1))


def built(path, backbone: str = OURS) -> dict:
    return samfit.build_sam(backbone, SIDE, path).state_dict()


def test_metas_files_load_exactly(official, tmp_path):
    """As Meta publishes them, and nested and prefixed as training programs do."""
    expected = with_hugging_face_names(official)
    torch.save({"model": with_videos(official)}, tmp_path / "sam2.pt")
    wrapped = {f"module.{name}": tensor for name, tensor in official.items()}
    torch.save({"epoch": 3, "state_dict": wrapped}, tmp_path / "trained.pt")
    save_file(official, tmp_path / "sam2.safetensors")
    for name in ("sam2.pt", "trained.pt", "sam2.safetensors"):
        found = built(tmp_path / name)
        second = found.pop("prompt_encoder.shared_embedding.positional_embedding")
        assert found.keys() == expected.keys()
        assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())
        assert torch.equal(second, expected[TABLE])


def test_each_point_of_metas_has_its_row(official):
    rows = with_hugging_face_names(official)["prompt_encoder.point_embed.weight"]
    for kind in range(4):
        assert torch.equal(
            rows[kind], official[f"sam_prompt_encoder.point_embeddings.{kind}.weight"][0]
        )


def test_what_save_pretrained_writes_loads_exactly(tmp_path):
    sam = small_sam2()
    sam.save_pretrained(tmp_path / "folder")
    for path in (tmp_path / "folder", tmp_path / "folder" / "model.safetensors"):
        found = built(path)
        assert all(torch.equal(t, found[name]) for name, t in sam.state_dict().items())


def test_the_video_model_of_hugging_face_is_one_of_its_version(tmp_path):
    """That is what facebook/sam2.1-hiera-base-plus holds; of SAM 2 it lacks two parts."""
    from transformers import Sam2VideoConfig, Sam2VideoModel

    for version, more in (("sam2.1", True), ("sam2", False)):
        config = Sam2VideoConfig(
            **Sam2.config(SMALL, SIDE), image_size=SIDE, memory_attention_hidden_size=32,
            memory_encoder_hidden_size=32, memory_encoder_output_channels=8,
            memory_attention_num_layers=1, enable_occlusion_spatial_embedding=more,
            enable_temporal_pos_encoding_for_object_pointers=more,
        )  # fmt: skip
        video = Sam2VideoModel(config)
        video.save_pretrained(tmp_path / version)
        found = built(tmp_path / version, f"{version}_hiera_mini")
        theirs = video.state_dict()
        assert all(torch.equal(t, theirs[name]) for name, t in found.items())
        assert all(name.startswith(VIDEO) for name in theirs.keys() - found.keys())
        (other,) = {*VERSIONS} - {version}
        with user_error(f"is a checkpoint of {version}_hiera_mini", f"--backbone {version}_"):
            built(tmp_path / version, f"{other}_hiera_mini")


def test_the_version_is_not_asked_of_a_file_that_does_not_tell_it(official, tmp_path):
    torch.save(official, tmp_path / "sam2.pt")
    assert built(tmp_path / "sam2.pt", OTHER).keys() == built(tmp_path / "sam2.pt").keys()


def test_half_precision_becomes_float32(official, tmp_path):
    torch.save({name: t.half() for name, t in official.items()}, tmp_path / "sam2.pt")
    assert {t.dtype for t in built(tmp_path / "sam2.pt").values()} == {torch.float32}


def test_what_lies_beside_is_left_out_with_a_remark(official, tmp_path):
    state = {f"sam2.{name}": t for name, t in official.items()} | {"head.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "more.pt")
    with pytest.warns(Remark, match="more.pt holds more than a SAM 2, and 1 tensor"):
        built(tmp_path / "more.pt")


def _without(state: dict, part: str) -> dict:
    return {name: tensor for name, tensor in state.items() if part not in name}


WRONG = {
    "another size": (lambda s: s, "sam2.1_hiera_tiny", ["checkpoint of sam2.1_hiera_mini",
                                                        "--backbone sam2.1_hiera_mini"]),
    "version": (with_videos, OTHER, ["checkpoint of sam2.1_hiera_mini"]),
    "missing": (lambda s: _without(s, "obj_score_token"), OURS,
                ["lacks 1 tensor (mask_decoder.obj_score_token.weight)", f"{OURS}.pt"]),
    "extra": (lambda s: s | {"sam_mask_decoder.more": torch.zeros(1)}, OURS,
              ["beyond SAM 2's, 1 tensor (mask_decoder.more)"]),
    "shape": (lambda s: s | {"no_mem_embed": torch.zeros(1, 1, 8)}, OURS,
              ["no_memory_embedding is (1, 1, 8), not (1, 1, 32)"]),
    "quantised": (lambda s: s | {"no_mem_embed": torch.zeros(1, 1, 32, dtype=torch.int8)}, OURS,
                  ["quantised", "int8"]),
    "SAM": (lambda _: small_sam().state_dict(), OURS, ["is one of SAM", "--backbone vit_b"]),
    "part": (lambda s: {n: t for n, t in s.items() if "mask_decoder" in n}, OURS,
             ["holds parts of one only", "pos_embed"]),
    "else": (lambda _: {"conv1.weight": torch.zeros(1)}, OURS, ["conv1.weight", "base_plus.pt"]),
    "nothing": (lambda _: {"epoch": 1}, OURS, ["no tensors"]),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(wrong, official, tmp_path):
    change, backbone, words = WRONG[wrong]
    path = tmp_path / "file.pt"
    torch.save(change(official), path)
    with user_error(str(path), *words):
        samfit.build_sam(backbone, SIDE, path)


def test_a_truncated_file_is_said_to_be_one(official, tmp_path):
    path = tmp_path / "sam2.pt"
    torch.save({"model": official}, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with user_error(str(path), "truncated"):
        built(path)


def test_for_sam_it_is_another_family(official, tmp_path):
    torch.save({"model": official}, tmp_path / "sam2.pt")
    small_sam2().save_pretrained(tmp_path / "folder")
    for name in ("sam2.pt", "folder"):
        with user_error("is a checkpoint of SAM 2: choose --backbone sam2.1_hiera_base_plus"):
            samfit.build_sam("vit_tiny", SIDE, tmp_path / name)
