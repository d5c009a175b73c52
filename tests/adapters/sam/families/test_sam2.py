"""SAM 2 against Meta's own code and transformers', and what it promises to adapters."""

import sys

import pytest
import torch
from family_case import loss_of, masks, points
from golden_case import FOLDER, relative_error
from safetensors.torch import load_file
from small_sam import SIDE, small_batch
from small_sam2 import SMALL, small_sam2
from torch.optim import AdamW
from user_error import user_error

import samfit
from samfit import AdaptedSam, Cell, attach
from samfit.adapters.sam.checkpoint.sam2 import with_hugging_face_names
from samfit.adapters.sam.families.sam2 import HIERAS, VERSIONS
from samfit.adapters.sam.find import backbone_names, backbone_sizes, view
from samfit.adapters.sam.precision import CudaAutocast, convert
from samfit.errors import UnsupportedError
from samfit.harness.step.levers import run_with_levers

pytest.importorskip("transformers", reason="pip install samfit[hf]")

ONE_GRID = ["dtl", "fact", "res_tuning", "sam_adapter"]
METHODS = [name for name in samfit.adapter_names() if name not in ONE_GRID]
BACKBONE = "sam2.1_hiera_tiny"  # of which the small one has the attention


@pytest.fixture
def sam():
    return small_sam2()


PROMPTS = {"boxes": (small_batch(2, 3)[1], None), "points": (None, points(3)), "none": (None, None)}


def adapted(sam, name: str, **settings: object) -> AdaptedSam:
    torch.manual_seed(3)
    return attach(sam, name, **settings)


# The same function as Meta's and transformers' code.


@torch.no_grad()
def test_metas_weights_give_metas_masks(sam):
    golden = load_file(FOLDER / "sam2_image.safetensors")
    official = {n.removeprefix("param."): t for n, t in golden.items() if n.startswith("param.")}
    state = {n: t.float() for n, t in with_hugging_face_names(official).items()}
    table = "shared_image_embedding.positional_embedding"
    state["prompt_encoder.shared_embedding.positional_embedding"] = state[table]
    sam.load_state_dict(state)
    family = view(sam)
    embedding = family.encode(family.preprocess(golden["input.images"]))
    assert relative_error(embedding.image, golden["output.embedding"]) < 1e-5
    for prompts in ("boxes", "points"):
        given = {"boxes": None, "points": None, prompts: golden[f"input.{prompts}"]}
        found = family.decode(embedding, **given)
        assert relative_error(found, golden[f"output.{prompts}"]) < 1e-5


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("training", [True, False])
@torch.no_grad()
def test_decodes_what_transformers_decodes_in_training(training, prompt, sam):
    family, (boxes, places) = view(sam), PROMPTS[prompt]
    pixels = family.preprocess(small_batch()[0])
    found = family.decode(family.encode(pixels), boxes, places)
    sam.train(training)
    assert torch.equal(family.decode(family.encode(pixels), boxes, places), found)
    given = {} if places is None else {"input_points": places[..., :2],
                                       "input_labels": places[..., 2].int()}  # fmt: skip
    theirs = sam.train()(pixel_values=pixels, input_boxes=boxes, multimask_output=False, **given)
    assert found.shape == (2 if prompt == "none" else 6, 1, SIDE // 4, SIDE // 4)
    torch.testing.assert_close(found, theirs.pred_masks.flatten(0, 1), rtol=0, atol=1e-5)
    assert found.std() > 1e-2


@torch.no_grad()
def test_the_mask_is_the_first_also_where_transformers_would_choose_another(sam):
    decoder, family = sam.mask_decoder, view(sam)
    decoder.dynamic_multimask_stability_thresh = 1.1  # nothing is as stable as that
    images, boxes = small_batch(2, 3)
    pixels = family.preprocess(images)
    theirs = sam(pixel_values=pixels, input_boxes=boxes, multimask_output=False).pred_masks
    ours = family.decode(family.encode(pixels), boxes, None)
    assert not torch.allclose(ours, theirs.flatten(0, 1), atol=1e-2)
    assert decoder.dynamic_multimask_via_stability


@pytest.mark.parametrize("side", [32, 64, 96, 160])
def test_every_multiple_of_32_is_a_size(side):
    family = view(small_sam2(side))
    assert family.image_size == side and family.grid == (side // 16, side // 16)
    with torch.no_grad():
        embedding = family.encode(torch.randn(1, 3, side, side))
        found = family.decode(embedding, None, None)
    assert embedding.image.shape == (1, 32, side // 16, side // 16)
    assert [t.shape[1:] for t in embedding.beside] == [
        (4, side // 4, side // 4), (8, side // 8, side // 8)
    ]  # fmt: skip
    assert found.shape == (1, 1, side // 4, side // 4)
    with user_error("multiple of 32"):
        Cell(adapter="lora", backbone=BACKBONE, image_size=side + 16)


# What it promises to adapters.


@torch.no_grad()
def test_the_halves_of_a_block_make_the_block(sam):
    family, x = view(sam), torch.randn(2, SIDE // 4, SIDE // 4, 8)
    for block in family.every_block:
        middle = block.join(*block.attention_branch(x))
        after = block.whole(x)
        assert torch.equal(middle + block.mlp(block.norm2(middle)), after)
        assert x.shape[-1] == block.width_in and after.shape[-1] == block.width
        assert (block.shortcut is None) == (block.width_in == block.width)
        x = after
    on_grid = [block.whole for block in family.stage]
    assert on_grid == [block.whole for block in family.every_block[2:4]]


@pytest.mark.parametrize("kind", ["eager", "sdpa"])
@torch.no_grad()
def test_further_tokens_join_keys_and_values_and_are_not_pooled(kind, sam):
    """Query by query, in float64."""
    for block in view(sam.double()).every_block:
        x, others = (torch.randn(*shape, block.width_in).double() for shape in ((3, 4, 4), (1, 5)))
        found = block.attend_beside(x, others, kind)
        every = torch.cat([x.flatten(1, 2), others.expand(3, -1, -1)], dim=1)
        q, k, v = block.qkv(every).chunk(3, dim=-1)
        q = q[:, :16].unflatten(1, (4, 4))
        if block.shortcut is not None:
            q = q.unflatten(1, (2, 2)).unflatten(3, (2, 2)).amax((2, 4))
        heads = zip(*(t.chunk(block.heads, dim=-1) for t in (q.flatten(1, 2), k, v)), strict=True)
        width = block.width // block.heads
        attended = [
            torch.softmax(torch.einsum("bqc,bkc->bqk", q, k) / width**0.5, -1) @ v
            for q, k, v in heads
        ]
        torch.testing.assert_close(found.flatten(1, 2), block.proj(torch.cat(attended, -1)))


@torch.no_grad()
def test_attention_is_changed_and_replaced_and_comes_back(sam):
    family = view(sam)
    pixels = family.preprocess(small_batch()[0])
    before = family.encode(pixels).image
    block = family.every_block[1]
    seen = []
    change = block.change_attention(lambda x, y: seen.append((x.shape, y.shape)) or y + 1)
    assert not torch.equal(family.encode(pixels).image, before)
    assert seen == [((32, 8, 8, 8), (32, 4, 4, 16))]  # two images of 4 x 4 windows
    change.remove()
    replaced = block.replace_attention(lambda x: x.new_zeros(len(x), 4, 4, 16))
    assert not torch.equal(family.encode(pixels).image, before)
    replaced.remove()
    assert torch.equal(family.encode(pixels).image, before)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_is_saved_and_is_taken_off(name, sam, tmp_path):
    frozen = {key: t.clone() for key, t in sam.state_dict().items()}
    model = adapted(sam, name).train()
    trained = list(model.trainable().values())
    start = [p.detach().clone() for p in trained]
    loss_of(model).backward()
    reached = {key for key, p in model.trainable().items() if p.grad is not None}
    assert all(p.grad.isfinite().all() for p in trained if p.grad is not None)
    its_own = {key for key in reached if not key.startswith("sam.mask_decoder")}
    grads = dict(model.named_parameters())
    assert any(grads[key].grad.any() for key in its_own) or name == "decoder"
    assert {"sam.mask_decoder.conv_s0.weight", "sam.mask_decoder.conv_s1.weight"} <= reached
    AdamW(trained, lr=1e-3).step()
    assert any(not torch.equal(a, b) for a, b in zip(start, trained, strict=True))
    model.save(tmp_path / "adapter.safetensors")
    other = adapted(small_sam2(), name)
    other.load(tmp_path / "adapter.safetensors")
    assert torch.equal(masks(other), masks(model))
    names = model.trainable().keys()
    for key, tensor in model.detach().state_dict().items():
        assert torch.equal(tensor, frozen[key]) or f"sam.{key}" in names, key
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in sam.modules())
    assert not any("forward" in vars(module) for module in sam.modules())


@pytest.mark.parametrize("name", METHODS)
def test_a_method_starts_as_sam_2_if_it_says_so(name, sam):
    plain, model = masks(attach(small_sam2(), "decoder")), adapted(sam, name)
    if model.adapter.settings.decoder == "stock":
        assert torch.equal(masks(model), plain) == model.adapter.starts_as_identity


@pytest.mark.parametrize("name", ["lora", "cobot_lora", "ssf"])
def test_merging_computes_the_same(name, sam):
    model = adapted(sam, name)
    with torch.no_grad():
        for parameter in model.adapter.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    expected = masks(model)
    assert relative_error(masks(attach(model.merge(), "decoder")), expected) < 1e-4


@pytest.mark.parametrize("name", ["lora", "vpt", "decoder"])
def test_levers_change_nothing_in_the_gradients(name):
    gradients = []
    for changes in ({}, {"attention": "eager"}, {"checkpointing": True}):
        model = adapted(small_sam2(), name)
        run_with_levers(model, Cell(adapter=name, backbone=BACKBONE, **changes))
        loss_of(model).backward()
        gradients.append([p.grad for p in model.trainable().values() if p.grad is not None])
    for others in gradients[1:]:
        for ours, theirs in zip(gradients[0], others, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


@torch.no_grad()
def test_attends_eagerly_until_the_change_is_removed(sam):
    family = view(sam)
    assert family.attention == "sdpa" and not [*family.attend_by("sdpa")]
    changes = [*family.attend_by("eager")]
    seen = {block.attention.config._attn_implementation for block in family.every_block}
    assert seen == {"eager"}
    assert sam.mask_decoder.config._attn_implementation == "sdpa"
    for change in changes:
        change.remove()
    assert sam.vision_encoder.backbone.config._attn_implementation == "sdpa"
    assert not [*family.attend_by("sdpa")]


def test_a_single_token_is_the_only_one_until_it_is_detached(sam):
    decoder = sam.mask_decoder
    stock = masks(attach(sam, "decoder"))
    sam.samfit_adapter = None
    model = attach(sam, "decoder", decoder="single_token")
    assert decoder.num_mask_tokens == 1
    assert 0 < (masks(model) - stock).abs().max() < 1  # the others take part in attention
    loss_of(model.train()).backward()
    assert all(p.grad is not None for p in model.trainable().values())
    assert not decoder.pred_obj_score_head.proj_in.weight.requires_grad
    model.detach()
    assert decoder.num_mask_tokens == 4
    assert torch.equal(masks(attach(sam, "decoder")), stock)


def test_coordinates_keep_their_place_in_16_bits(sam):
    family, seen = view(sam), []
    sam.prompt_encoder.register_forward_hook(lambda _, inputs, output: seen.append(output[0]))
    images, boxes = small_batch()
    with torch.no_grad():
        embedding = family.encode(family.preprocess(images))
        family.decode(embedding, boxes, None)
        with CudaAutocast(torch.bfloat16):
            assert family.decode(embedding, boxes, None).dtype == torch.bfloat16
        assert torch.equal(*seen)
        convert(sam, torch.bfloat16, family.coordinate_tables)
        for module, name in family.coordinate_tables:
            assert getattr(module, name).dtype == torch.float32
        embedding = family.encode(family.preprocess(images))
        assert family.decode(embedding, boxes, None).dtype == torch.bfloat16
        assert relative_error(seen[-1], seen[0]) < 1e-2


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        *((name, {}, "another width and another grid") for name in ONE_GRID),
        ("vpt", {"deep": False}, "pool their tokens"),
        ("decoder", {"classes": 3}, "one a class, but"),
        ("sam_lst", {"official_subset": True}, "mask decoder of segment-anything"),
    ],
)
def test_what_it_has_not_is_refused(name, settings, words, sam):
    with pytest.raises(UnsupportedError, match=f"{name} cannot be used with SAM 2: .*{words}"):
        attach(sam, name, **settings)


def test_an_embedding_alone_is_refused(sam):
    model = attach(sam, "decoder")
    with user_error("cannot be cached", "two finer maps"):
        model.without_encoder()


# Building.


def test_sizes_have_the_parameters_of_metas_image_models():
    """As many as Meta's code makes of its configurations, without what is for videos."""
    counts = {"tiny": 31_440_721, "small": 38_538_577, "base_plus": 73_328_401,
              "large": 216_924_865}  # fmt: skip
    for size, count in counts.items():
        with torch.device("meta"):
            sam = samfit.build_sam(f"sam2.1_hiera_{size}")
        assert sum(p.numel() for p in sam.parameters()) == count
        hiera, blocks = HIERAS[f"hiera_{size}"], view(sam).every_block
        whole = tuple(index for index, block in enumerate(blocks) if block.window == 0)
        assert whole == hiera.global_blocks
        assert [block.heads for block in blocks[:1]] == [hiera.heads]
    assert {f"{version}_{name}" for version in VERSIONS for name in HIERAS} == {
        name for name in backbone_names() if name.startswith("sam2")
    }


def test_building_draws_from_torchs_generator_and_has_one_table_of_coordinates():
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(samfit.build_sam(BACKBONE, 32).state_dict())
    name = "vision_encoder.backbone.blocks.0.attn.qkv.weight"
    assert torch.equal(states[0][name], states[1][name])
    assert not torch.equal(states[0][name], states[2][name])
    tables = [t for key, t in states[0].items() if key.endswith("positional_embedding")]
    assert len(tables) == 2 and torch.equal(*tables)


def test_a_model_that_users_have_can_be_adapted():
    transformers = pytest.importorskip("transformers")
    with torch.device("meta"):
        sam = transformers.Sam2Model(transformers.Sam2Config())
    assert attach(sam, "lora").backbone.shape == "96 wide, 12 deep"


def test_without_transformers_one_sentence_says_what_to_install(monkeypatch):
    assert backbone_sizes(BACKBONE).multiple == SMALL.multiple == 32
    monkeypatch.setitem(sys.modules, "transformers", None)
    with user_error("transformers", "pip install 'samfit[hf]'"):
        samfit.build_sam(BACKBONE)
