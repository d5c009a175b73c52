"""SAM-HQ: its masks from segment-anything's decoder, and the layouts of its files."""

import pytest
import torch
from small_hugging_face import small_hugging_face
from small_sam import SIDE, small_batch, small_sam
from torch import nn
from user_error import user_error

import samfit
from samfit import Cell, attach
from samfit.adapters.sam.checkpoint.names import renamed, with_meta_names
from samfit.adapters.sam.decoding import decode_masks, encode_prompts
from samfit.adapters.sam.families.sam_hq import OFFICIAL_AND_HUGGING_FACE
from samfit.adapters.sam.find import view
from samfit.harness.step.levers import run_with_levers

pytest.importorskip("transformers", reason="pip install samfit[hf]")
BACKWARDS = [(theirs, official) for official, theirs in OFFICIAL_AND_HUGGING_FACE]


@pytest.fixture
def sam():
    return small_hugging_face("sam_hq_vit_tiny")


@torch.no_grad()
def test_the_mask_is_sams_plus_that_of_the_further_token(sam):
    """By segment-anything's decoder, which is given the further token in front of the prompt."""
    images, boxes = small_batch(2, 3)
    metas, hq, seen = small_sam(), sam.mask_decoder, {}
    tokens = []
    encoder, decoder = metas.image_encoder, metas.mask_decoder
    encoder.blocks[2].register_forward_hook(lambda _, x, y: seen.update(early=y))
    decoder.transformer.register_forward_hook(lambda _, x, y: tokens.append(y[0]))
    decoder.output_upscaling.register_forward_hook(lambda _, x, y: seen.update(upscaled=y))
    embedding = encoder(metas.preprocess(images))
    sparse, dense = encode_prompts(metas.prompt_encoder, boxes, 2)
    sparse = torch.cat([hq.hq_token.weight.expand(6, -1, -1), sparse], dim=1)
    image_pe = metas.prompt_encoder.get_dense_pe()
    masks, _ = decode_masks(decoder, embedding, image_pe, sparse, dense)

    def layers(*names: str) -> nn.Sequential:
        first, norm, last = (getattr(hq, name) for name in names)
        return nn.Sequential(first, norm, nn.GELU(), last)

    early = layers("compress_vit_conv1", "compress_vit_norm", "compress_vit_conv2")
    late = layers("encoder_conv1", "encoder_norm", "encoder_conv2")
    own = layers("mask_conv1", "mask_norm", "mask_conv2")
    features = late(embedding) + early(seen["early"].permute(0, 3, 1, 2))
    features = own(seen["upscaled"]) + features.repeat_interleave(3, 0)
    weights = hq.hq_mask_mlp(tokens[0][:, 5])  # behind the token of the IoU and four of masks
    of_hq = torch.einsum("nc,nchw->nhw", weights, features)[:, None]

    ours = view(sam).decode(view(sam).encode(view(sam).preprocess(images)), boxes, None)
    torch.testing.assert_close(ours, masks[:, :1] + of_hq, rtol=0, atol=1e-5)
    assert of_hq.std() > 1e-3 and masks[:, 0].std() > 1e-3


def test_the_official_layout_loads_as_well(sam, tmp_path):
    state = {renamed(n, BACKWARDS): t for n, t in with_meta_names(sam.state_dict()).items()}
    assert {"mask_decoder.hf_token.weight", "mask_decoder.compress_vit_feat.3.bias"} < state.keys()
    torch.save(state, tmp_path / "sam_hq.pth")
    loaded = samfit.build_sam("sam_hq_vit_tiny", SIDE, tmp_path / "sam_hq.pth").state_dict()
    assert all(torch.equal(t, loaded[name]) for name, t in sam.state_dict().items())
    with user_error("HQ-SAM", "--backbone sam_hq_vit_b"):
        samfit.build_sam("vit_tiny", SIDE, tmp_path / "sam_hq.pth")


def test_transformers_layout_is_no_plain_sam(sam, tmp_path):
    sam.save_pretrained(tmp_path / "folder")
    with user_error("HQ-SAM", "--backbone sam_hq_vit_b"):
        samfit.build_sam("hf_vit_tiny", SIDE, tmp_path / "folder")


def test_a_plain_sam_is_refused(tmp_path):
    torch.save(small_sam().state_dict(), tmp_path / "sam.pth")
    with user_error("sam.pth is a SAM without", "sam_hq_vit_tiny.pth", "--backbone hf_vit_tiny"):
        samfit.build_sam("sam_hq_vit_tiny", SIDE, tmp_path / "sam.pth")


def test_an_embedding_alone_is_refused(sam):
    images, boxes = small_batch()
    model = attach(sam, "decoder")
    with torch.no_grad():
        embedding = model.embed(images)
        assert embedding.beside[0].shape == (2, 8, 8, 128)
    with user_error("an embedding alone is not enough", "give images"):
        model(images, boxes, embedding.image)
    cell = Cell(
        adapter="decoder", backbone="sam_hq_vit_tiny", image_size=SIDE, cache_embeddings=True
    )
    with user_error("decoder cannot use --cache-embeddings"):
        run_with_levers(model, cell)


@torch.no_grad()
def test_images_that_are_encoded_in_parts_keep_what_lies_beside(sam):
    model = attach(sam, "decoder").eval()
    together = model(*small_batch(3))
    model.encoder_micro_batch = 2
    torch.testing.assert_close(model(*small_batch(3)), together, rtol=0, atol=1e-5)
