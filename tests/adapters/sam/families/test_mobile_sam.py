"""The real MobileSAM, with random weights and small images: at 64 x 64 pixels its tokens lie on
grids of 8 x 8 and 4 x 4, and windows of 7 are padded to 14 x 14, those of 14 and 7 to one window.
"""

import copy

import pytest
import torch
from safetensors.torch import save_file
from small_sam import small_sam
from torch import nn
from user_error import user_error

import samfit
from samfit import Cell
from samfit.adapters.core.frozen import frozen_digest
from samfit.adapters.sam.backbone import Embedding
from samfit.adapters.sam.changes import after
from samfit.adapters.sam.families.mobile_sam import MobileSam
from samfit.adapters.sam.find import known_families, view
from samfit.harness.predict.traced import build_step_without_data
from samfit.harness.step.levers import run_with_levers
from samfit.harness.trace.kernels import kernels_of

SIDE = 64


@pytest.fixture(scope="module")
def random_sam():
    torch.manual_seed(0)
    sam = samfit.build_sam("mobile_sam", SIDE)
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
        for name, buffer in sam.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer += 0.2 * torch.rand_like(buffer)
    return sam


@pytest.fixture
def sam(random_sam):
    return copy.deepcopy(random_sam)


def batch():
    """Two images, and a box in each."""
    images = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    return images.to(torch.uint8), torch.tensor([[[4.0, 8, 40, 60]], [[0.0, 0, 30, 30]]])


@torch.no_grad()
def embedding_of(sam):
    return sam.image_encoder(sam.preprocess(batch()[0]))


@torch.no_grad()
def masks(model):
    return model.eval()(*batch())


def relative(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


# What MobileSAM's own TinyViT makes of ``waves``: every 64th channel and 4th place of an embedding.
OFFICIAL = [
    0.1275887, 1.0701874, 1.3723500, 0.8988889, -1.2929323, -0.4836924, 0.4882432, 1.2842366,
    -1.2690536, -1.8662415, -1.3995384, 0.0111138, 0.7506452, -0.3391079, -0.9945388, -0.9637333,
]  # fmt: skip


def waves(index, name, shape):
    """Weights that depend on nothing but the place of their name, and keep activations in range."""
    count = torch.Size(shape).numel()
    places = torch.arange(1, count + 1, dtype=torch.float64)
    wave = torch.sin(12.9898 * places + 78.233 * index).float().view(shape)
    if name.endswith("tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if len(shape) > 1:
        return 0.5 * (3 * shape[0] / count) ** 0.5 * wave
    return 0.2 * wave + (0 if name.endswith(("bias", "running_mean")) else 1)


@torch.no_grad()
def test_the_encoder_computes_what_mobile_sams_code_does(tmp_path):
    sam = samfit.build_sam("mobile_sam", 128)
    state = view(sam).weights()
    names = sorted(name for name in state if name.startswith("image_encoder."))
    state |= {name: waves(i, name, tuple(state[name].shape)) for i, name in enumerate(names)}
    torch.save(state, tmp_path / "sam.pt")
    sam = samfit.build_sam("mobile_sam", 128, tmp_path / "sam.pt")
    pixels = torch.sin(torch.arange(3 * 128 * 128, dtype=torch.float64) * 0.37).float()
    found = sam.image_encoder(pixels.view(1, 3, 128, 128))
    assert found.shape == (1, 256, 8, 8)
    assert torch.allclose(found[0, ::64, ::4, ::4].flatten(), torch.tensor(OFFICIAL), atol=1e-4)


def test_one_family_knows_each_model(sam):
    for model, family in ((sam, "MobileSam"), (small_sam(), "SegmentAnything")):
        knowing = [each.__name__ for each in known_families() if each.is_view_of(model)]
        assert knowing == [family]


def test_tokens_are_a_pyramid_that_ends_on_the_grid_of_the_embedding(sam):
    backbone = view(sam)
    assert [(block.width, block.heads, block.window) for block in backbone.blocks] == [
        *[(128, 4, 7)] * 2, *[(160, 5, 14)] * 6, *[(320, 10, 7)] * 2
    ]  # fmt: skip
    assert [block.width for block in backbone.stage] == [320, 320]
    assert (backbone.image_size, backbone.grid, backbone.embed_dim) == (SIDE, (4, 4), 256)
    assert backbone.shape == "64 wide, 10 deep"
    assert embedding_of(sam).shape == (2, 256, 4, 4)


@torch.no_grad()
@pytest.mark.parametrize("side", [4, 7, 10])  # one padded window, a whole one, four padded ones
def test_the_halves_of_a_block_make_the_block(side, sam):
    for block in view(sam).blocks[::3]:
        x = torch.randn(2, side, side, block.width)
        middle = block.join(*block.attention_branch(x))
        assert torch.equal(middle + block.mlp(block.norm2(middle)), block.whole(x))


def test_sites_run_in_order_and_have_the_shapes_that_their_names_say(sam):
    backbone, ran, shapes = view(sam), [], []
    sites = ("norm1", "qkv", "proj", "attention", "norm2", "lin1", "lin2", "whole")
    for block in backbone.blocks:
        for name in sites:
            after(
                getattr(block, name),
                lambda x, y, n=name: ran.append(n) or shapes.append(y.shape) or y,
            )
    embedding_of(sam)
    assert ran == [*sites] * 10
    windows = (2 * 4, 7 * 7)
    assert shapes[:4] == [(*windows, 128), (*windows, 384), (*windows, 128), (*windows, 128)]
    assert shapes[7] == (2, 8, 8, 128)


@torch.no_grad()
def test_a_change_of_the_mlp_is_given_its_normalised_input(sam):
    block = view(sam).blocks[0]
    x = torch.randn(2, 8, 8, 128)
    middle = block.join(*block.attention_branch(x))
    normed = block.norm2(middle)
    expected = middle + 2 * block.mlp(normed) + normed
    before = block.whole(x)
    handle = block.change_mlp(lambda n, y: 2 * y + n)
    assert torch.allclose(block.whole(x), expected, atol=1e-5)
    handle.remove()
    assert torch.equal(block.whole(x), before)


@torch.no_grad()
def test_lora_changes_queries_and_values_of_every_head_and_no_key(sam):
    block = view(sam).blocks[2]
    x = torch.randn(1, 3, 160)
    before = block.qkv(x)
    model = samfit.attach(sam, "lora")
    for parameter in model.adapter.parameters():
        parameter += 0.1
    change = (block.qkv(x) - before).view(3, block.heads, 3, -1)  # as MobileSAM's code splits it
    assert not change[:, :, 1].any()
    assert change[:, :, ::2].abs().amin() > 0
    update = model.adapter.updates[2]["v"]
    assert torch.allclose(change[:, :, 2].flatten(1), update(x)[0], atol=1e-5)


METHODS = [
    ("lora", {"targets": "q,k,v,proj,mlp"}), ("cobot_lora", {}), ("bitfit", {}),
    ("full", {"blocks": "8-9"}), ("decoder", {}), ("cad", {}), ("adaptformer", {}),
    ("cobot_adaptformer", {}), ("houlsby", {}), ("houlsby", {"placement": "msa"}), ("ssf", {}),
    ("lst", {}), ("sam_lst", {}), ("vpt", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings"), METHODS)
def test_a_method_trains_and_is_saved_merged_and_detached(name, settings, sam, tmp_path):
    base = copy.deepcopy(sam)
    expected, state = embedding_of(sam), copy.deepcopy(sam.state_dict())
    model = samfit.attach(sam, name, **settings).train()
    optimizer = torch.optim.SGD(model.trainable().values(), lr=1e-3)
    for _ in range(2):  # some gradients are zero until others have moved
        optimizer.zero_grad()
        model(*batch()).square().mean().backward()
        gradients = {n: p.grad for n, p in model.trainable().items()}
        assert all(g.isfinite().all() for g in gradients.values() if g is not None)
        optimizer.step()
    reached = {n: g for n, g in gradients.items() if not n.startswith("sam.mask_decoder")}
    assert all(g is not None and g.any() for g in reached.values())
    trained = masks(model)
    model.save(tmp_path / "adapter.safetensors")
    fresh = samfit.attach(base, name, **settings)
    masks(fresh)  # attention keeps its biases in evaluation, until they are trained or loaded
    fresh.load(tmp_path / "adapter.safetensors")
    assert torch.equal(masks(fresh), trained)
    if model.adapter.mergeable:
        merged = samfit.attach(fresh.merge(), "decoder")
        assert relative(masks(merged), trained) < 1e-5
    own = {n.removeprefix("sam.") for n in model.trainable()}
    model.detach()
    left = sam.state_dict()
    assert all(torch.equal(left[n], state[n]) for n in state.keys() - own)
    if not any(n.startswith("image_encoder") for n in own):
        assert torch.equal(embedding_of(sam), expected)


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [
        ("sam_adapter", {}, "differ in width"),
        ("conv_lora", {}, "as a list"),
        ("vpt", {"deep": False}, "convolve"),
    ],
)
def test_a_method_that_needs_more_is_refused_with_the_reason(name, settings, why, sam):
    with user_error(name, "MobileSAM", why):
        samfit.attach(sam, name, **settings)


def test_ssf_cannot_be_merged_where_a_convolution_has_no_bias(sam):
    with user_error("SSF", "MobileSAM", "no bias"):
        samfit.attach(copy.deepcopy(sam), "ssf").merge()
    assert samfit.attach(sam, "ssf", blocks="0-3").adapter.mergeable


@pytest.mark.parametrize("name", ["decoder", "vpt"])
def test_fused_attention_computes_the_same(name, sam):
    model = samfit.attach(sam, name)
    eager = masks(model)
    model.adapter.attend_by(model.backbone, "sdpa")
    fused = masks(model)
    assert not torch.equal(fused, eager)
    assert relative(fused, eager) < 1e-5


def heads_of(block, x):
    """Queries, keys and values (Bw, heads, N, c), as MobileSAM's code splits them."""
    qkv = block.qkv(block.norm1(x)).view(*x.shape[:2], block.heads, 3, -1)
    return (t.transpose(1, 2) for t in qkv.unbind(3))


@torch.no_grad()
def test_prompts_of_vpt_have_no_place(sam):
    """Without position biases a prompt acts as any token of the window does."""
    block = view(sam).blocks[0]
    block.attention.attention_biases.zero_()
    x, other = torch.randn(2, 49, 128), torch.randn(1, 1, 128)
    found = block.attend_beside(x, block.norm1(other), "eager")
    q, k, v = heads_of(block, x)
    _, *more = (t.expand(2, -1, -1, -1) for t in heads_of(block, other))
    k, v = (torch.cat(pair, dim=2) for pair in zip((k, v), more, strict=True))
    y = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    assert torch.allclose(found, block.proj(y), atol=1e-5)


def test_batch_norms_stand_still_in_training(sam):
    expected, state = embedding_of(sam), copy.deepcopy(sam.state_dict())
    sam.train()
    assert torch.equal(embedding_of(sam), expected)
    assert all(torch.equal(t, state[n]) for n, t in sam.state_dict().items())


@torch.no_grad()
def test_biases_that_were_trained_are_taken_in_evaluation(sam):
    before = embedding_of(sam)
    view(sam).blocks[0].attention.attention_biases += torch.randn(4, 49)
    assert not torch.equal(embedding_of(sam), before)


def test_blocks_are_computed_again_without_another_result(sam):
    model = samfit.attach(sam, "full")
    gradients = []
    for checkpointing in (False, True):
        cell = Cell(adapter="full", backbone="mobile_sam", checkpointing=checkpointing)
        run_with_levers(model, cell)
        model.train().zero_grad()
        model(*batch()).square().mean().backward()
        gradients.append([p.grad for p in model.trainable().values() if p.grad is not None])
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_runs_without_data(attention):
    cell = Cell(adapter="lora", backbone="mobile_sam", image_size=SIDE, attention=attention)
    step = build_step_without_data(cell)
    with kernels_of("cuda"):
        loss = step.run()
    assert loss.is_meta and loss.shape == ()


def test_the_weights_that_it_was_trained_on_are_told_by_their_digest(sam):
    digest = frozen_digest(view(samfit.attach(sam, "lora").sam))
    assert digest
    with torch.no_grad():
        view(sam).blocks[0].whole.local_conv.bn.running_mean[0] += 1
    assert frozen_digest(view(sam)) != digest


def published(sam):
    """What MobileSAM's file holds: also the classifier that the encoder was pretrained with."""
    names = {"norm_head": (320,), "head": (1000, 320)}
    more = {f"image_encoder.{n}.weight": torch.zeros(shape) for n, shape in names.items()}
    more |= {f"image_encoder.{n}.bias": torch.zeros(shape[0]) for n, shape in names.items()}
    return view(sam).weights() | more


@pytest.mark.parametrize("nested", [False, True])
def test_reads_the_published_layout(nested, sam, tmp_path):
    state = published(sam)
    for name in (
        "image_encoder.patch_embed.seq.2.bn.running_var",
        "image_encoder.layers.0.downsample.conv1.c.weight",
        "image_encoder.layers.2.downsample.conv2.bn.num_batches_tracked",
        "image_encoder.layers.3.blocks.1.attn.attention_biases",
        "image_encoder.layers.1.blocks.0.local_conv.c.weight",
        "image_encoder.neck.3.bias",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        "mask_decoder.output_hypernetworks_mlps.3.layers.2.bias",
    ):
        assert name in state
    assert "image_encoder.layers.3.downsample.conv1.c.weight" not in state
    content = {"model": {f"module.{n}": t for n, t in state.items()}} if nested else state
    torch.save(content, tmp_path / "mobile_sam.pt")
    loaded = samfit.build_sam("mobile_sam", SIDE, tmp_path / "mobile_sam.pt").state_dict()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in sam.state_dict().items())


def test_reads_what_it_writes(sam, tmp_path):
    save_file(view(sam).weights(), tmp_path / "merged.safetensors")
    loaded = samfit.build_sam("mobile_sam", SIDE, tmp_path / "merged.safetensors")
    assert torch.equal(embedding_of(loaded), embedding_of(sam))


WRONG = {
    "another SAM": (lambda _: small_sam().state_dict(), ["vit_tiny", "--backbone vit_tiny"]),
    "HQ-SAM": (lambda s: s | {"mask_decoder.hf_token.weight": torch.zeros(1)}, ["HQ-SAM"]),
    "more": (lambda s: s | {"more": torch.zeros(1)}, ["has 1 tensor", "more"]),
    "SAM 2": (lambda _: {"image_encoder.trunk.x": torch.zeros(1)}, ["SAM 2"]),
    "else": (lambda _: {"x": torch.zeros(1)}, ["'x'", "mobile_sam.pt"]),
    "part": (
        lambda s: {n: t for n, t in s.items() if not n.startswith("prompt_encoder")},
        ["lacks 17 tensors", "prompt_encoder."],
    ),
    "shape": (
        lambda s: s | {"mask_decoder.iou_token.weight": torch.zeros(2, 256)},
        ["mask_decoder.iou_token.weight", "(2, 256)", "(1, 256)"],
    ),
    "quantised": (
        lambda s: s | {"mask_decoder.iou_token.weight": torch.zeros(1, 256, dtype=torch.int8)},
        ["mask_decoder.iou_token.weight", "int8"],
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_does_not_fit_is_named(kind, sam, tmp_path):
    change, words = WRONG[kind]
    torch.save(change(published(sam)), tmp_path / "file.pt")
    with user_error(str(tmp_path / "file.pt"), *words):
        samfit.build_sam("mobile_sam", SIDE, tmp_path / "file.pt")


def test_its_file_is_not_taken_for_another_backbones(sam, tmp_path):
    torch.save(published(sam), tmp_path / "mobile_sam.pt")
    with user_error("MobileSAM", "--backbone mobile_sam"):
        samfit.build_sam("vit_tiny", SIDE, tmp_path / "mobile_sam.pt")


def test_decodes_as_segment_anything_does(sam):
    images, boxes = batch()
    [theirs] = sam([{"image": images[0], "original_size": (SIDE, SIDE), "boxes": boxes[0]}], False)
    found = MobileSam(sam).decode(Embedding(embedding_of(sam)[:1]), boxes[:1], None)[:, :1]
    assert torch.allclose(found, theirs["low_res_logits"], atol=1e-4)
