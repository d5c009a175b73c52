import torch
from golden_case import GoldenCase, in_both_precisions, sam_of
from small_sam import adapted, small_batch
from torch import nn
from torch.nn import functional as F

from adapters.cad import Cad, CadSettings, ConvBranch
from adapters.core.decoding import decode_masks, encode_prompts


def our_branch_name(official: str) -> str:
    """``conv_block1.bn.weight`` -> ``blocks.0.bn.weight``."""
    for number in (1, 2, 3):
        official = official.replace(f"conv_block{number}.", f"blocks.{number - 1}.")
    return official


def run_branch(case: GoldenCase, grid: tuple[int, int], train: bool) -> ConvBranch:
    branch = ConvBranch(case.config["in_chans"], case.config["out_chans"], grid)
    case.load(branch, our_branch_name)
    case.check({"y": branch.train(train)(case.inputs["x"])})
    return branch


@in_both_precisions
def test_branch_equals_the_official_one_in_eval_mode(dtype):
    run_branch(GoldenCase("cad_adapter_eval", dtype), (3, 3), train=False)


@in_both_precisions
def test_branch_equals_the_official_one_in_train_mode(dtype):
    case = GoldenCase("cad_adapter_train", dtype)
    branch = run_branch(case, (3, 3), train=True)
    statistics = case.part("output.buffer.")
    assert len(statistics) == 6
    case.check_outputs(
        {f"buffer.{name}": branch.get_buffer(our_branch_name(name)) for name in statistics}
    )


@in_both_precisions
def test_branch_equals_the_official_one_where_the_pooling_enlarges(dtype):
    run_branch(GoldenCase("cad_adapter_pool64", dtype), (64, 64), train=False)


def our_model_name(official: str) -> str:
    """``conv_adapter.*`` -> ``adapter.branch.*``; SAM's own names stay, under ``sam.``."""
    if official.startswith("conv_adapter."):
        return our_branch_name(official.replace("conv_adapter.", "adapter.branch."))
    return f"sam.{official}"


@in_both_precisions
def test_the_whole_model_equals_the_official_one(dtype):
    case = GoldenCase("cad_fusion", dtype)
    sam = sam_of(case.config)
    for name in ("pixel_mean", "pixel_std"):  # persistent, so that load sets them
        sam.register_buffer(name, case.tensors[f"buffer.{name}"])
    adapter = Cad(sam, CadSettings())
    case.load(nn.ModuleDict({"sam": sam, "adapter": adapter}).train(), our_model_name)

    inputs = case.inputs
    with torch.no_grad():
        embedding = sam.image_encoder(sam.preprocess(inputs["image"]))
    seen = adapter.branch_input(inputs["original_image"])
    correction = adapter.branch(seen)
    fused = embedding + adapter.settings.scale * correction

    sam.prompt_encoder.float()  # its coordinates are float32 whatever the model's precision
    with torch.no_grad():
        prompts = encode_prompts(sam.prompt_encoder, inputs["boxes"][:, None].float(), len(fused))
        image_pe = sam.prompt_encoder.get_dense_pe()
    prompts = (image_pe.to(dtype), *(prompt.to(dtype) for prompt in prompts))
    logits = decode_masks(sam.mask_decoder, fused, *prompts)[0][:, :1]
    sizes = (case.config["input_size"], case.config["original_size"])
    masks = sam.postprocess_masks(logits, *sizes)

    statistics = case.part("output.buffer.")
    case.check(
        {
            "high_frequency": seen[:, 3:],
            "image_embedding": embedding,
            "adapter": correction,
            "fused_embedding": fused,
            "low_res_logits": logits,
            "masks": masks.sigmoid(),
            **{
                f"buffer.{name}": adapter.get_buffer(our_model_name(name).removeprefix("adapter."))
                for name in statistics
            },
        }
    )
    assert torch.equal(masks > 0, case.tensors["output.masks_pred"].bool())


def test_the_corrected_embedding_is_the_embedding_plus_the_scaled_branch():
    cad = adapted("cad").adapter
    images, _ = small_batch()
    reduced = F.interpolate(images.float(), (64, 64), mode="bilinear", antialias=True)
    embedding = torch.randn(2, 64, 8, 8)
    expected = embedding + 0.1 * cad.branch(cad.branch_input(reduced))
    assert torch.equal(cad.correct(embedding, images), expected)


def test_the_branch_reads_the_image_as_it_is_where_that_has_its_size():
    cad = adapted("cad").adapter
    images, embedding = torch.rand(1, 3, 64, 64) * 255, torch.zeros(1, 64, 8, 8)
    expected = 0.1 * cad.branch(cad.branch_input(images))
    torch.testing.assert_close(cad.correct(embedding, images), expected)


def test_the_correction_is_not_zero_and_at_most_its_scale():
    images, _ = small_batch()
    for scale in (0.1, 0.5):
        model = adapted("cad", scale=scale)
        change = model.encode(images) - adapted("decoder").encode(images)
        assert 0.1 * scale < change.abs().max() <= scale + 1e-5


def test_the_branch_runs_after_the_encoder_which_keeps_no_graph():
    model = adapted("cad")
    order, embeddings = [], []
    model.sam.image_encoder.register_forward_hook(lambda *_: order.append("encoder"))
    model.sam.image_encoder.register_forward_hook(lambda _, __, out: embeddings.append(out))
    model.adapter.branch.register_forward_pre_hook(lambda *_: order.append("branch"))
    assert model.train()(*small_batch()).requires_grad
    assert order == ["encoder", "branch"]
    assert not embeddings[0].requires_grad


def test_channels_are_scaled_by_their_own_maximum():
    branch = ConvBranch(6, 8, (2, 2)).eval()
    x = torch.rand(1, 6, 16, 16) + 0.5
    stretched = x * torch.tensor([1.0, 2, 4, 8, 16, 32])[None, :, None, None]
    torch.testing.assert_close(branch(stretched), branch(x), rtol=1e-4, atol=1e-5)


def test_an_empty_channel_is_not_divided_by_zero():
    branch, seen = ConvBranch(6, 8, (2, 2)).eval(), []
    branch.conv_up.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    assert branch(torch.zeros(1, 6, 16, 16)).isfinite().all()
    branch(torch.full((1, 6, 16, 16), 1e-5))
    torch.testing.assert_close(seen[1], torch.full((1, 6, 16, 16), 0.5))
