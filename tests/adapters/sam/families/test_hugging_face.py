"""transformers' SAMs against segment-anything's with the same weights, and what both families
promise to adapters."""

import pytest
import torch
from family_case import loss_of, masks, points
from golden_case import relative_error
from small_hugging_face import small_hugging_face
from small_sam import SIDE, small_batch, small_sam
from torch.optim import AdamW

import samfit
from samfit import AdaptedSam, Cell, attach
from samfit.adapters.sam.checkpoint.names import with_meta_names
from samfit.adapters.sam.families.hugging_face import HuggingFace
from samfit.adapters.sam.families.segment_anything import VITS
from samfit.adapters.sam.find import view
from samfit.adapters.sam.precision import CudaAutocast, convert
from samfit.errors import UnsupportedError
from samfit.harness.step.levers import run_with_levers

pytest.importorskip("transformers", reason="pip install samfit[hf]")

SMALL = ["hf_vit_tiny", "sam_hq_vit_tiny"]
BOTH = pytest.mark.parametrize("backbone", SMALL)
# Settings that take other ways through a block than the defaults do.
VARIANTS = [
    *((name, {}) for name in samfit.adapter_names()),
    ("houlsby", {"placement": "msa"}),
    ("vpt", {"deep": False}),
]


@pytest.fixture
def sam():
    return small_hugging_face("hf_vit_tiny")


PROMPTS = {"boxes": (small_batch(2, 3)[1], None), "points": (None, points(2)), "none": (None, None)}


def adapted(sam, name: str, settings: dict) -> AdaptedSam:
    torch.manual_seed(3)
    return attach(sam, name, **settings)


# The same function as segment-anything's.


@pytest.mark.parametrize("prompt", PROMPTS)
@torch.no_grad()
def test_the_same_weights_give_the_same_embedding_and_masks(prompt, sam):
    embeddings, decoded = [], []
    for family in (view(small_sam()), view(sam)):
        embedding = family.encode(family.preprocess(small_batch()[0]))
        embeddings.append(embedding.image)
        decoded.append(family.decode(embedding, *PROMPTS[prompt])[:, :1])
    torch.testing.assert_close(*embeddings, rtol=0, atol=1e-5)
    torch.testing.assert_close(*decoded, rtol=0, atol=1e-5)
    assert decoded[0].std() > 1e-3, "masks that are all the same would show nothing"


@torch.no_grad()
def test_the_eps_of_published_models_changes_the_masks_a_little():
    with torch.device("meta"):
        published = samfit.build_sam("hf_vit_b", 64).mask_decoder.transformer.layers[0]
    assert published.layer_norm1.eps == 1e-6
    metas, theirs = (
        attach(small_hugging_face("hf_vit_tiny", eps), "decoder") for eps in (1e-5, 1e-6)
    )
    assert 0 < (masks(metas) - masks(theirs)).abs().max() < 1e-3


def test_weights_go_back_to_segment_anything(sam):
    there = samfit.build_sam("vit_tiny", SIDE)
    there.load_state_dict(with_meta_names(sam.state_dict()))
    for name, tensor in small_sam().state_dict().items():
        assert torch.equal(there.state_dict()[name], tensor), name


@torch.no_grad()
def test_decodes_what_transformers_decodes(sam):
    images, boxes = small_batch(2, 3)
    family = view(sam)
    pixels = family.preprocess(images)
    expected = sam(pixel_values=pixels, input_boxes=boxes, multimask_output=False).pred_masks
    assert torch.equal(family.decode(family.encode(pixels), boxes, None), expected.flatten(0, 1))


def test_lora_has_the_loss_and_the_gradients_that_it_has_on_segment_anything(sam):
    losses, gradients = [], []
    for each in (small_sam(), sam):
        model = adapted(each, "lora", {})
        for name, parameter in model.adapter.named_parameters():
            if name.endswith("B"):
                torch.nn.init.normal_(parameter, std=0.1)
        loss = loss_of(model)
        loss.backward()
        losses.append(loss.detach())
        gradients.append({name: p.grad for name, p in model.adapter.named_parameters()})
    torch.testing.assert_close(*losses, rtol=1e-5, atol=0)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert gradient.any() and relative_error(gradients[1][name], gradient) < 1e-4, name


@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=str)
def test_every_method_computes_what_it_computes_on_segment_anything(name, settings, sam):
    metas, theirs = (adapted(each, name, settings) for each in (small_sam(), sam))
    with torch.no_grad():
        for parameter in metas.adapter.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    theirs.adapter.load_state_dict(metas.adapter.state_dict())
    assert relative_error(masks(theirs), masks(metas)) < 1e-4


# What both families promise.


@BOTH
@pytest.mark.parametrize("name", samfit.adapter_names())
def test_every_method_trains_is_saved_and_is_taken_off(name, backbone, tmp_path):
    sam = small_hugging_face(backbone)
    frozen = {key: t.clone() for key, t in sam.state_dict().items()}
    model = adapted(sam, name, {}).train()
    trained = list(model.trainable().values())
    start = [p.detach().clone() for p in trained]
    loss_of(model).backward()
    its_own = [p for key, p in model.trainable().items() if not key.startswith("sam.mask_decoder")]
    reached = [p.grad for p in its_own if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in reached)
    assert any(g.any() for g in reached) or name == "decoder"
    AdamW(trained, lr=1e-3).step()
    assert any(not torch.equal(a, b) for a, b in zip(start, trained, strict=True))
    model.save(tmp_path / "adapter.safetensors")
    other = adapted(small_hugging_face(backbone), name, {})
    other.load(tmp_path / "adapter.safetensors")
    assert torch.equal(masks(other), masks(model))
    names = model.trainable().keys()
    plain = model.detach()
    for key, tensor in plain.state_dict().items():
        assert torch.equal(tensor, frozen[key]) or f"sam.{key}" in names, key
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in sam.modules())
    assert not any("forward" in vars(module) for module in sam.modules())


@BOTH
@torch.no_grad()
def test_the_halves_of_a_block_make_the_block(backbone):
    x = torch.randn(2, 8, 8, 128)
    for block in view(small_hugging_face(backbone)).every_block:
        middle = block.join(*block.attention_branch(x))
        assert torch.equal(middle + block.mlp(block.norm2(middle)), block.whole(x))


@BOTH
@torch.no_grad()
def test_attends_eagerly_or_by_a_kernel_as_transformers_classes_do(backbone):
    family = view(small_hugging_face(backbone))
    assert family.attention == Cell(adapter="lora", backbone=backbone).attention == "sdpa"
    pixels = family.preprocess(small_batch()[0])
    assert not [*family.attend_by("sdpa")]
    attention, x = family.every_block[0].attention, torch.randn(2, 6, 6, 128)
    fused, weights = attention(x)
    assert weights is None
    changes = [*family.attend_by("eager")]
    assert len(changes) == len(family.every_block)
    eager, weights = attention(x)
    assert weights.shape == (8, 36, 36)
    assert torch.equal(eager, type(attention).__mro__[1].forward(attention, x)[0])
    torch.testing.assert_close(eager, fused)
    for change in changes:
        change.remove()
    assert attention(x)[1] is None
    assert family.encode(pixels).image.shape == (2, 64, 8, 8)


def test_a_model_that_attends_eagerly_can_be_made_to_attend_by_a_kernel():
    transformers = pytest.importorskip("transformers")
    sizes = HuggingFace.config(VITS["vit_tiny"], SIDE)
    config = transformers.SamConfig(**sizes, attn_implementation="eager")
    family = view(transformers.SamModel(config))
    attention, x = family.every_block[0].attention, torch.randn(1, 6, 6, 128)
    assert attention(x)[1] is not None
    assert not [*family.attend_by("eager")]
    assert len([*family.attend_by("sdpa")]) == len(family.every_block)
    assert attention(x)[1] is None


@BOTH
@pytest.mark.parametrize("name", ["lora", "vpt"])
def test_levers_change_nothing_in_the_gradients(name, backbone):
    gradients = []
    for changes in ({}, {"attention": "eager"}, {"checkpointing": True}):
        model = adapted(small_hugging_face(backbone), name, {})
        cell = Cell(adapter=name, backbone=backbone, image_size=SIDE, **changes)
        run_with_levers(model, cell)
        loss_of(model).backward()
        gradients.append([p.grad for p in model.trainable().values() if p.grad is not None])
    for others in gradients[1:]:
        for ours, theirs in zip(gradients[0], others, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


@BOTH
def test_a_single_token_is_the_only_one_until_it_is_detached(backbone):
    sam = small_hugging_face(backbone)
    decoder, count = sam.mask_decoder, sam.mask_decoder.num_mask_tokens
    stock_model = attach(sam, "decoder")
    stock = masks(stock_model)
    stock_model.detach()
    model = attach(sam, "decoder", decoder="single_token")
    assert decoder.num_mask_tokens == count - 3
    assert 0 < (masks(model) - stock).abs().max() < 1  # the others take part in attention
    loss_of(model).backward()
    assert all(p.grad is not None for p in model.trainable().values())
    model.detach()
    assert decoder.num_mask_tokens == count
    assert torch.equal(masks(attach(sam, "decoder")), stock)


@BOTH
def test_coordinates_keep_their_place_in_16_bits(backbone):
    sam = small_hugging_face(backbone)
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
        assert sam.vision_encoder.pos_embed.dtype == torch.bfloat16
        embedding = family.encode(family.preprocess(images))
        assert family.decode(embedding, boxes, None).dtype == torch.bfloat16
        assert relative_error(seen[-1], seen[0]) < 1e-2


def test_the_table_of_coordinates_is_never_trained(sam):
    metas, theirs = (
        attach(each, "decoder", train_prompt_encoder=True).parameter_counts()
        for each in (small_sam(), sam)
    )
    assert metas["prompt_encoder"] == theirs["prompt_encoder"]
    assert not sam.shared_image_embedding.positional_embedding.requires_grad


@BOTH
@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("decoder", {"classes": 3}, "one a class"),
        ("sam_lst", {"official_subset": True}, "mask decoder of segment-anything"),
        ("sam_adapter", {"random_pe": True}, "prompt encoder of segment-anything"),
    ],
)
def test_what_these_have_not_is_refused(name, settings, words, backbone):
    sam = small_hugging_face(backbone)
    with pytest.raises(UnsupportedError, match=f"{name} cannot.* Sam.*Model: .*{words}, but its"):
        attach(sam, name, **settings)
