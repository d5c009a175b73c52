"""The embedding cache: what it returns, for which methods, and what its key is made of."""

from contextlib import nullcontext
from functools import partial

import pytest
import torch
from hypothesis import given, settings, strategies as st
from pooling_encoder import files, pictures, pool, refuse, sam_with
from small_sam import SIDE, adapted, small_batch, small_sam
from torch import nn
from user_error import user_error

from samfit.adapters.core.registry import adapter_names
from samfit.adapters.sam.build import build_sam
from samfit.adapters.sam.find import view
from samfit.adapters.sam.precision import autocast
from samfit.harness.train.embeddings import EmbeddingCache, content_sha256, identity

CPU = torch.device("cpu")


def cache_of(folder, encode=pool, **sizes):
    """A cache of what ``encode`` gives."""
    return EmbeddingCache(folder, sam_with(encode, **sizes), "fp32")


def runs_of(sam):
    """What is seen of each run of the encoder: whether it trains, and builds a graph."""
    seen = []
    sam.image_encoder.register_forward_hook(
        lambda module, *_: seen.append((module.training, torch.is_grad_enabled()))
    )
    return seen


@torch.no_grad()
def directly(sam, images):
    return torch.cat([sam.image_encoder(sam.preprocess(image)) for image in images.split(1)])


# What is returned


def test_what_is_returned_is_what_the_encoder_computes_bit_by_bit(tmp_path):
    sam, (images, _) = small_sam(), small_batch(3)
    expected, seen = directly(sam, images), runs_of(sam)
    cache = EmbeddingCache(tmp_path, view(sam), "fp32")
    for _ in range(2):
        found = cache.get(images)
        assert torch.equal(found, expected)
        assert not found.requires_grad
    assert len(seen) == 3


def test_epochs_in_random_order_read_what_the_first_computed(tmp_path):
    images = pictures(12)
    cache_of(tmp_path).get(images)
    cache = cache_of(tmp_path, refuse)
    for epoch in range(3):
        order = torch.randperm(12, generator=torch.Generator().manual_seed(epoch))
        for batch in order.split(5):
            assert torch.equal(cache.get(images[batch]), pool(images[batch]))


def test_only_what_is_missing_is_encoded(tmp_path):
    images, seen = pictures(4), []
    cache = cache_of(tmp_path, lambda missing: seen.append(missing) or pool(missing))
    cache.get(images[1::2])
    assert torch.equal(cache.get(images), pool(images))
    assert torch.equal(torch.cat(seen), images[[1, 3, 0, 2]])


def test_a_batch_may_be_empty_or_hold_an_image_twice(tmp_path):
    cache = cache_of(tmp_path)
    assert cache.get(pictures(0)).shape == (0, 3, 2, 2)
    twice = pictures(2)[[1, 1, 0]]
    for _ in range(2):
        assert torch.equal(cache.get(twice), pool(twice))


@pytest.mark.parametrize("surroundings", [nullcontext, partial(autocast, CPU, torch.bfloat16)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_encoder_runs_in_the_precision_of_the_key_whatever_is_around(
    precision, surroundings, tmp_path
):
    sam, (images, _) = small_sam(), small_batch()
    with surroundings():
        found = EmbeddingCache(tmp_path, view(sam), precision).get(images)
    with nullcontext() if precision == "fp32" else autocast(CPU, torch.bfloat16):
        expected = directly(sam, images)
    assert torch.equal(found, expected.float())
    assert torch.equal(found, directly(sam, images)) == (precision == "fp32")


def test_a_sam_may_part_from_its_encoder(tmp_path):
    sam, (images, _) = small_sam(), small_batch()
    backbone = view(sam)
    cache = EmbeddingCache(tmp_path, backbone, "fp32")
    expected = directly(sam, images)
    sam.image_encoder = nn.Module()
    sam.image_encoder.img_size = SIDE
    for _ in range(2):
        assert torch.equal(cache.get(images), expected)
    with pytest.raises(ValueError, match="parted"):
        EmbeddingCache(tmp_path, backbone, "fp32")


def test_the_encoder_runs_in_eval_mode_without_a_graph_and_stays_as_it_was(tmp_path):
    sam, (images, _) = small_sam().train(), small_batch()
    seen = runs_of(sam)
    EmbeddingCache(tmp_path, view(sam), "fp32").get(images)
    assert seen == [(False, False)] * 2
    assert all(module.training for module in sam.modules())
    failing = sam_with(refuse)
    with pytest.raises(AssertionError):
        EmbeddingCache(tmp_path, failing, "fp32").get(pictures())
    assert failing.image_encoder.training


@pytest.mark.parametrize(
    "images",
    [
        pictures(2).float(),
        pictures(2)[0],
        pictures(2, side=16),
        pictures(2)[:, :2],
        torch.zeros((), dtype=torch.uint8),
    ],
)
def test_other_images_are_refused(images, tmp_path):
    with user_error("uint8 images (B, 3, 32, 32)", str(tuple(images.shape)), "resize"):
        cache_of(tmp_path, refuse).get(images)


# Which methods


@pytest.mark.parametrize("name", adapter_names())
def test_a_method_that_may_use_the_cache_computes_the_same_with_it(name, tmp_path):
    model, (images, _) = adapted(name), small_batch()
    if model.adapter.encoder_gradients or model.adapter.reads_blocks:
        with user_error(model.adapter.title, "keep the encoder"):
            model.without_encoder()
        return
    model.encoder_micro_batch = 1
    cache = EmbeddingCache(tmp_path, model.backbone, "fp32")
    with torch.no_grad():
        for _ in range(2):
            embedding = model.adapter.correct(cache.get(images), images)
            assert torch.equal(embedding, model.encode(images).image)


# The key


def with_other_weights(sam):
    sam.image_encoder.neck[2].weight.data[0, 0, 0, 0] += 1e-4


def with_other_mean(sam):
    sam.pixel_mean[0] += 1e-6


def with_other_deviation(sam):
    sam.pixel_std[2] += 1


@pytest.mark.parametrize(
    "change", [with_other_weights, with_other_mean, with_other_deviation], ids=lambda f: f.__name__
)
def test_another_encoder_never_gets_the_old_embeddings(change, tmp_path):
    sam, (images, _) = small_sam(), small_batch()
    EmbeddingCache(tmp_path, view(sam), "fp32").get(images)
    change(sam)
    seen = runs_of(sam)
    assert torch.equal(
        EmbeddingCache(tmp_path, view(sam), "fp32").get(images), directly(sam, images)
    )
    assert len(seen) >= 2


def test_image_size_and_precision_are_part_of_the_encoders_identity():
    small, large = (view(build_sam("vit_tiny", side)) for side in (SIDE, 2 * SIDE))
    found = [identity(small, "fp32"), identity(small, "bf16"), identity(large, "fp32")]
    assert all(one not in found[:place] for place, one in enumerate(found))
    assert {each["image_size"] for each in found} == {SIDE, 2 * SIDE}


def test_every_part_of_the_encoders_identity_counts(tmp_path, monkeypatch):
    cache, folders = cache_of(tmp_path), {cache_of(tmp_path).folder}
    parts = cache._identity
    for name in parts:
        monkeypatch.setattr(
            "samfit.harness.train.embeddings.identity", lambda *_, n=name: {**parts, n: [1, 2]}
        )
        folders.add(cache_of(tmp_path).folder)
    assert len(folders) == 1 + len(parts) == 9


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_the_precision_of_products_is_noticed(precision):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        assert identity(view(small_sam()), "fp32")["float32_matmul_precision"] == precision
    finally:
        torch.set_float32_matmul_precision(before)


@settings(deadline=None, max_examples=20)
@given(place=st.integers(0, 3 * 32 * 32 - 1), step=st.integers(1, 255))
def test_every_pixel_counts(tmp_path_factory, place, step):
    cache, images = cache_of(tmp_path_factory.mktemp("cache")), pictures()
    cache.get(images)
    images.view(-1)[place] += step
    assert torch.equal(cache.get(images), pool(images))
    assert len(files(cache.folder)) == 2


def test_what_does_not_change_the_embedding_is_not_in_the_key(tmp_path):
    images, _ = small_batch(3)
    EmbeddingCache(tmp_path, view(small_sam()), "fp32").get(images)
    again = small_sam().train().requires_grad_(False)
    seen, cache = runs_of(again), EmbeddingCache(tmp_path, view(again), "fp32")
    cache.get(images.flip(0)[:2])
    cache.get(images.contiguous(memory_format=torch.channels_last))
    assert seen == []


@pytest.mark.parametrize(
    "other",
    [torch.zeros(3, 2), torch.zeros(6), torch.zeros(2, 3).int(), torch.zeros(2, 3).bfloat16()],
)
def test_shape_and_type_are_content(other):
    assert content_sha256(other) != content_sha256(torch.zeros(2, 3))


def test_content_does_not_depend_on_the_layout():
    tensor = torch.randn(4, 6)
    assert content_sha256(tensor) == content_sha256(tensor.T.contiguous().T)
