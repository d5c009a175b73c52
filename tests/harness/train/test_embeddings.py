"""The embedding cache: what it returns, for which methods, and what its key is made of."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings, strategies as st
from pooling_encoder import POOLING, files, pictures, pool, refuse
from small_sam import SIDE, adapted, small_batch, small_sam
from torch import nn
from user_error import user_error

from samfit.adapters.core.registry import adapter_names
from samfit.adapters.sam.build import build_sam
from samfit.adapters.sam.precision import autocast
from samfit.harness.train.embeddings import (
    EmbeddingCache,
    Statistics,
    content_sha256,
    encoder_id,
    frozen_encoder,
)

CPU = torch.device("cpu")


def cache_of(sam, folder, precision="fp32", dtype=torch.float32, micro_batch=1):
    return EmbeddingCache(
        folder, encoder_id(sam, precision, dtype), frozen_encoder(sam, precision, micro_batch)
    )


@torch.no_grad()
def directly(sam, images, micro_batch=1):
    parts = images.split(micro_batch)
    return torch.cat([sam.image_encoder(sam.preprocess(part)) for part in parts])


# What is returned


@pytest.mark.parametrize("micro_batch", [1, 2, 3])
def test_what_is_returned_is_what_the_encoder_computes_bit_by_bit(micro_batch, tmp_path):
    sam, (images, _) = small_sam(), small_batch(3)
    cache = cache_of(sam, tmp_path, micro_batch=micro_batch)
    expected = directly(sam, images, micro_batch)
    for _ in range(2):
        found = cache.get(images)
        assert torch.equal(found, expected)
        assert not found.requires_grad
    assert cache.statistics == Statistics(hits=3, computed=3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_first_epoch_sees_what_later_ones_see(dtype, tmp_path):
    sam, (images, _) = small_sam(), small_batch(2)
    cache = cache_of(sam, tmp_path, dtype=dtype)
    first = cache.get(images)
    assert first.dtype is dtype
    assert torch.equal(first, directly(sam, images).to(dtype))
    assert torch.equal(cache.get(images), first)
    assert cache.statistics.hits == 2


def test_epochs_in_random_order_read_what_the_first_computed(tmp_path):
    images = pictures(12)
    EmbeddingCache(tmp_path, POOLING, pool).get(images)
    cache = EmbeddingCache(tmp_path, POOLING, refuse)
    for epoch in range(3):
        order = torch.randperm(12, generator=torch.Generator().manual_seed(epoch))
        for batch in order.split(5):
            assert torch.equal(cache.get(images[batch]), pool(images[batch]))
    assert cache.statistics == Statistics(hits=36)


def test_only_what_is_missing_is_encoded(tmp_path):
    images, seen = pictures(4), []
    cache = EmbeddingCache(tmp_path, POOLING, lambda missing: seen.append(missing) or pool(missing))
    cache.get(images[1::2])
    assert torch.equal(cache.get(images), pool(images))
    assert torch.equal(torch.cat(seen), images[[1, 3, 0, 2]])
    assert cache.statistics == Statistics(hits=2, computed=4)


def test_a_batch_may_be_empty_or_hold_an_image_twice(tmp_path):
    cache = EmbeddingCache(tmp_path, POOLING, pool)
    assert cache.get(pictures(0)).shape == (0, 3, 2, 2)
    twice = pictures(2)[[1, 1, 0]]
    for _ in range(2):
        assert torch.equal(cache.get(twice), pool(twice))


@pytest.mark.parametrize("surroundings", [nullcontext, partial(autocast, CPU)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_encoder_runs_in_the_precision_of_the_key_whatever_is_around(
    precision, surroundings, tmp_path
):
    sam, (images, _) = small_sam(), small_batch()
    with surroundings():
        found = cache_of(sam, tmp_path, precision).get(images)
    with nullcontext() if precision == "fp32" else autocast(CPU):
        expected = directly(sam, images)
    assert torch.equal(found, expected.float())
    assert torch.equal(found, directly(sam, images)) == (precision == "fp32")


def test_a_sam_may_part_from_its_encoder(tmp_path):
    sam, (images, _) = small_sam(), small_batch()
    cache = cache_of(sam, tmp_path)
    expected = directly(sam, images)
    sam.image_encoder = nn.Module()
    sam.image_encoder.img_size = SIDE
    for _ in range(2):
        assert torch.equal(cache.get(images), expected)
    with pytest.raises(ValueError, match="parted"):
        encoder_id(sam, "fp32")


def test_the_encoder_runs_in_eval_mode_without_a_graph_and_stays_as_it_was(tmp_path):
    sam, (images, _), seen = small_sam().train(), small_batch(), []
    block = sam.image_encoder.blocks[0]
    block.register_forward_hook(
        lambda module, *_: seen.append((module.training, torch.is_grad_enabled()))
    )
    cache_of(sam, tmp_path).get(images)
    assert seen == [(False, False)] * 2
    assert all(module.training for module in sam.modules())
    with pytest.raises(RuntimeError):
        frozen_encoder(sam, "fp32")(torch.zeros(1, 4, SIDE, SIDE))
    assert sam.image_encoder.training


def test_an_image_takes_what_is_said(tmp_path):
    cache = cache_of(small_sam(), tmp_path)
    cache.get(small_batch(1)[0])
    (path,) = files(tmp_path)
    assert 0 < path.stat().st_size - cache.encoder.embedding_bytes < 1024
    with torch.device("meta"):
        shape = (256, *build_sam("vit_b").prompt_encoder.image_embedding_size)
    assert replace(POOLING, shape=shape).embedding_bytes == 4 * 2**20


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
        EmbeddingCache(tmp_path, POOLING, refuse).get(images)


def test_an_encoder_of_another_shape_is_a_bug_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="not"):
        EmbeddingCache(tmp_path, POOLING, lambda images: pool(images)[:, :1]).get(pictures())
    assert not files(tmp_path)


# Which methods


@pytest.mark.parametrize("name", adapter_names())
def test_a_method_that_may_use_the_cache_computes_the_same_with_it(name, tmp_path):
    model, (images, _) = adapted(name), small_batch()
    if model.adapter.encoder_gradients or model.adapter.reads_blocks:
        with user_error(model.adapter.title, "keep the encoder"):
            model.without_encoder()
        return
    model.encoder_micro_batch = 1
    cache = cache_of(model.sam, tmp_path)
    with torch.no_grad():
        for _ in range(2):
            embedding = model.adapter.correct(cache.get(images), images)
            assert torch.equal(embedding, model.encode(images))
    assert cache.statistics.hits == len(images)


# The key


def with_other_weights(sam):
    sam.image_encoder.neck[2].weight.data[0, 0, 0, 0] += 1e-4


def with_other_mean(sam):
    sam.pixel_mean[0] += 1


def with_other_deviation(sam):
    sam.pixel_std[2] += 1


@pytest.mark.parametrize(
    "change", [with_other_weights, with_other_mean, with_other_deviation], ids=lambda f: f.__name__
)
def test_another_encoder_never_gets_the_old_embeddings(change, tmp_path):
    sam, (images, _) = small_sam(), small_batch()
    cache_of(sam, tmp_path).get(images)
    change(sam)
    cache = cache_of(sam, tmp_path)
    assert torch.equal(cache.get(images), directly(sam, images))
    assert cache.statistics == Statistics(computed=2)


def test_another_image_size_is_another_encoder():
    small, large = (build_sam("vit_tiny", side) for side in (SIDE, 2 * SIDE))
    assert encoder_id(small, "fp32").key() != encoder_id(large, "fp32").key()


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "other"},
        {"pixel_mean": (0.0, 1e-6, 0.0)},
        {"pixel_std": (1.0, 1.0, 2.0)},
        {"precision": "bf16"},
        {"float32_matmul_precision": "high"},
        {"dtype": torch.bfloat16},
        {"shape": (3, 4, 1)},
        {"image_size": 48, "shape": (3, 3, 3)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_the_encoders_identity_counts(change, tmp_path):
    EmbeddingCache(tmp_path, POOLING, pool).get(pictures())
    other = replace(POOLING, **change)
    cache = EmbeddingCache(tmp_path, other, lambda images: torch.zeros(1, *other.shape))
    assert not cache.get(pictures(side=other.image_size)).any()
    assert cache.statistics == Statistics(computed=1)


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_the_precision_of_products_is_noticed(precision):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        assert encoder_id(small_sam(), "fp32").float32_matmul_precision == precision
    finally:
        torch.set_float32_matmul_precision(before)


@settings(deadline=None, max_examples=20)
@given(place=st.integers(0, 3 * 32 * 32 - 1), step=st.integers(1, 255))
def test_every_pixel_counts(tmp_path_factory, place, step):
    cache = EmbeddingCache(tmp_path_factory.mktemp("cache"), POOLING, pool)
    images = pictures()
    cache.get(images)
    images.view(-1)[place] += step
    assert torch.equal(cache.get(images), pool(images))
    assert cache.statistics == Statistics(computed=2)


def test_what_does_not_change_the_embedding_is_not_in_the_key(tmp_path):
    sam, (images, _) = small_sam(), small_batch(3)
    cache_of(sam, tmp_path, micro_batch=2).get(images)
    again = small_sam().train().requires_grad_(False)
    cache = cache_of(again, tmp_path, micro_batch=1)
    cache.get(images.flip(0)[:2])
    cache.get(images.contiguous(memory_format=torch.channels_last))
    assert cache.statistics == Statistics(hits=5)


def test_an_encoder_on_another_seed_has_other_weights():
    ids = {encoder_id(small_sam(seed), "fp32").weights_sha256 for seed in (0, 0, 1)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    "other",
    [torch.zeros(3, 2), torch.zeros(6), torch.zeros(2, 3).int(), torch.zeros(2, 3).bfloat16()],
)
def test_shape_and_type_are_content(other):
    assert content_sha256(other) != content_sha256(torch.zeros(2, 3))


def test_content_does_not_depend_on_the_layout():
    tensor = torch.randn(4, 6)
    assert content_sha256(tensor) == content_sha256(tensor.T.contiguous().T)
