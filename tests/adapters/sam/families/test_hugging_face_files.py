"""How transformers' SAMs are built, and what files they are loaded from."""

import sys
import warnings

import pytest
import torch
from safetensors.torch import save_file
from small_hugging_face import small_hugging_face
from small_sam import SIDE, small_sam
from user_error import user_error

import samfit
from samfit.adapters.sam.checkpoint.names import with_meta_names
from samfit.adapters.sam.export import write_hugging_face
from samfit.adapters.sam.families.hugging_face import HuggingFace
from samfit.adapters.sam.families.segment_anything import VITS
from samfit.adapters.sam.find import backbone_sizes, view
from samfit.errors import Remark

pytest.importorskip("transformers", reason="pip install samfit[hf]")

BOTH = pytest.mark.parametrize("backbone", ["hf_vit_tiny", "sam_hq_vit_tiny"])


@pytest.fixture
def sam():
    return small_hugging_face("hf_vit_tiny")


def test_sizes_are_those_of_segment_anything():
    for name, sizes in VITS.items():
        assert backbone_sizes(f"hf_{name}") == sizes
    with torch.device("meta"):
        for name in ("vit_b", "vit_l", "vit_h"):
            counts = [
                sum(t.numel() for t in samfit.build_sam(each).parameters())
                for each in (name, f"hf_{name}")
            ]
            assert counts[0] + 256 == counts[1]  # of coordinates, no parameters in Meta's


def test_without_transformers_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with user_error("transformers", "pip install 'samfit[hf]'"):
        samfit.build_sam("hf_vit_b")


def test_metas_files_and_folders_of_hugging_face_load_exactly(sam, tmp_path):
    torch.save(small_sam().state_dict(), tmp_path / "sam.pth")
    write_hugging_face(small_sam(), tmp_path / "folder")
    for place in ("sam.pth", "folder"):
        loaded = samfit.build_sam("hf_vit_tiny", SIDE, tmp_path / place).state_dict()
        assert loaded.keys() == sam.state_dict().keys()
        assert all(torch.equal(t, loaded[name]) for name, t in sam.state_dict().items())


@BOTH
def test_what_save_pretrained_writes_loads_exactly(backbone, tmp_path):
    sam = small_hugging_face(backbone)
    sam.save_pretrained(tmp_path / "folder")
    loaded = samfit.build_sam(backbone, SIDE, tmp_path / "folder").state_dict()
    assert all(torch.equal(t, loaded[name]) for name, t in sam.state_dict().items())


@BOTH
def test_the_weights_of_a_view_make_a_file_that_loads(backbone, tmp_path):
    sam, path = small_hugging_face(backbone), tmp_path / "merged.safetensors"
    save_file(view(sam).weights(), path)
    loaded = samfit.build_sam(backbone, SIDE, path).state_dict()
    assert all(torch.equal(t, loaded[name]) for name, t in sam.state_dict().items())


def test_another_image_size_interpolates_as_it_does_for_segment_anything(tmp_path):
    path = tmp_path / "sam.pth"
    torch.save(small_sam().state_dict(), path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Remark)
        metas, theirs = (samfit.build_sam(n, 64, path) for n in ("vit_tiny", "hf_vit_tiny"))
    ours = metas.state_dict()
    assert all(torch.equal(t, ours[n]) for n, t in with_meta_names(theirs.state_dict()).items())


def test_a_checkpoint_of_another_backbone_is_named_with_this_familys_names(tmp_path):
    path = tmp_path / "sam.pth"
    torch.save(small_sam().state_dict(), path)
    with user_error(str(path), "hf_vit_tiny, not hf_vit_b", "--backbone hf_vit_tiny"):
        HuggingFace.read(path, "hf_vit_b")
