import torch
from exact_levers import with_every_exact_lever
from golden_case import golden, sam_of
from small_sam import adapted, small_batch
from torch import nn
from torch.nn import functional as F

import samfit
from samfit import Cell
from samfit.adapters.cad import Cad, CadSettings
from samfit.adapters.sam.decoding import decode_masks, encode_prompts
from samfit.adapters.sam.find import view
from samfit.units import MIB


def our_model_name(official: str) -> str:
    """``conv_adapter.conv_block1.*`` -> ``adapter.branch.blocks.0.*``; SAM's own names stay, under
    ``sam.``."""
    if not official.startswith("conv_adapter."):
        return f"sam.{official}"
    for number in (1, 2, 3):
        official = official.replace(f"conv_block{number}.", f"blocks.{number - 1}.")
    return official.replace("conv_adapter.", "adapter.branch.")


@golden("cad_fusion")
def test_the_whole_model_equals_the_official_one(case):
    sam = sam_of(case.config)
    adapter = Cad(view(sam), CadSettings())
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
    prompts = (image_pe.to(case.dtype), *(prompt.to(case.dtype) for prompt in prompts))
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
        change = model.encode(images).image - adapted("decoder").encode(images).image
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


def test_what_was_trained_lean_fits_the_plain_adapter(tmp_path):
    adapted("cad", lean=True).save(tmp_path / "cad.safetensors")
    plain = adapted("cad", seed=1)
    plain.load(tmp_path / "cad.safetensors")
    images = small_batch()
    torch.testing.assert_close(plain(*images), adapted("cad", lean=True)(*images))


def test_little_of_what_lean_cad_reserves_is_unused():
    """1,029 MiB allocated, 1,096 reserved; with whole images it was 1,054 and 1,446."""
    memory = samfit.predict(with_every_exact_lever(Cell(adapter="cad", batch_size=4))).memory
    assert memory.instrument == "rehearsal"
    assert memory.peak_allocated_bytes < 1_054 * MIB
    assert memory.peak_reserved_bytes <= 1.2 * memory.peak_allocated_bytes
