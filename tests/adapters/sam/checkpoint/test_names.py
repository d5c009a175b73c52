"""The table of names against Hugging Face's own class, for every size of SAM."""

import pytest
import torch
from hypothesis import given, strategies as st

from samfit import build_sam
from samfit.adapters.sam.checkpoint.names import TIED, to_hugging_face, to_meta, with_meta_names
from samfit.adapters.sam.export import sam_config
from samfit.adapters.sam.families.segment_anything import VITS

with torch.device("meta"):
    SAMS = {backbone: build_sam(backbone) for backbone in VITS}
OURS = list(SAMS["vit_tiny"].state_dict())


@pytest.mark.parametrize("backbone", VITS)
def test_names_and_shapes_are_those_of_transformers(backbone):
    transformers = pytest.importorskip("transformers", reason="pip install samfit[hf]")
    config = transformers.SamConfig(**sam_config(SAMS[backbone]))
    with torch.device("meta"):
        theirs = transformers.SamModel(config).state_dict()
    theirs.pop(TIED, None)
    ours = {to_hugging_face(n): t.shape for n, t in SAMS[backbone].state_dict().items()}
    assert ours == {name: tensor.shape for name, tensor in theirs.items()}


def test_every_name_comes_back():
    there = [to_hugging_face(name) for name in OURS]
    assert len(set(there)) == len(OURS)
    assert to_meta(there) == dict(zip(there, OURS, strict=True))


def test_metas_own_names_stay():
    assert to_meta(OURS) == {name: name for name in OURS}


@given(st.sets(st.sampled_from(["image_encoder.", "prompt_encoder.", "mask_decoder."])))
def test_parts_may_have_either_name(parts):
    mixed = [to_hugging_face(n) if n.startswith(tuple(parts)) else n for n in OURS]
    if "prompt_encoder." not in parts:
        assert all(name in OURS for name in mixed if name.startswith("prompt_encoder."))
    assert list(to_meta(mixed).values()) == OURS


def test_the_table_of_positions_that_they_have_twice_is_taken_once():
    name = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
    table = torch.ones(1)
    both = {to_hugging_face(name): table, TIED: table, "prompt_encoder.point_embed.0.weight": table}
    assert set(with_meta_names(both)) == {name, "prompt_encoder.point_embeddings.0.weight"}
