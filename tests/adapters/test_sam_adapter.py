import re

import pytest
from golden_case import GoldenCase, golden, relative_error, sam_of
from small_sam import adapted, small_batch
from torch import Tensor, nn
from user_error import user_error

from samfit.adapters.sam.find import view
from samfit.adapters.sam_adapter import SamAdapter, SamAdapterSettings


def our_official_name(official: str) -> str:
    """Names of the official prompt generator, then those of SAM's encoder."""
    name = re.sub(r"prompt_generator\.lightweight_mlp_(\d+)\.0", r"block_layers.\1", official)
    name = name.replace("prompt_generator.embedding_generator", "embedding")
    name = name.replace("prompt_generator.prompt_generator.proj", "frequency")
    name = name.replace("prompt_generator.shared_mlp", "shared")
    return f"encoder.{name}" if name == official else f"adapter.prompts.{name}"


def our_cad_name(official: str) -> str:
    """Names in CAD's repository, then those of SAM's encoder."""
    name = re.sub(r"task_adapter_blocks\.(\d+)\.down_projection", r"block_layers.\1", official)
    name = name.replace("patch_embed_tune", "embedding").replace("HFC_tune", "frequency")
    name = name.replace("task_adapter_up", "shared")
    return f"encoder.{name}" if name == official else f"adapter.prompts.{name}"


def encode(case: GoldenCase, settings: SamAdapterSettings) -> dict[str, Tensor]:
    """The case's encoder with the adapter attached: outputs of blocks, prompts and encoder."""
    sam, outputs, features = sam_of(case.config), {}, []
    for index, block in enumerate(sam.image_encoder.blocks):  # before the adapter's own hooks
        block.register_forward_hook(lambda _, __, y, i=index: outputs.update({f"block{i}": y}))
    adapter = SamAdapter(view(sam), settings)
    both = nn.ModuleDict({"encoder": sam.image_encoder, "adapter": adapter})
    case.load(both, our_cad_name if settings.variant == "cad" else our_official_name)
    adapter.attach(view(sam))
    sam.image_encoder.blocks[0].register_forward_hook(lambda *_: features.append(adapter._features))
    outputs["y"] = sam.image_encoder(case.inputs["x"])
    for index in range(len(adapter.prompts.block_layers)):
        prompt = adapter.prompts.prompt(index, features[0])
        key = f"adapter{index}" if settings.variant == "cad" else f"prompt{index}"
        outputs[key] = prompt.reshape(case.tensors[f"output.{key}"].shape)
    assert {name for name in case.part("output.") if name[-1].isdigit()} < outputs.keys()
    return outputs


def official_settings(config, **settings) -> SamAdapterSettings:
    reduction, ratio = config["scale_factor"], config["freq_nums"]
    return SamAdapterSettings(reduction=reduction, high_frequency_ratio=ratio, **settings)


@golden("sam_adapter_official_encoder")
def test_official_variant_equals_the_official_encoder(case):
    case.check(encode(case, official_settings(case.config)))


@golden("sam_adapter_official_encoder")
def test_without_scramble_tokens_keep_their_order(case):
    y = encode(case, official_settings(case.config, scramble=False))["y"]
    case.check_outputs({"y_token_order_fixed": y})
    assert relative_error(y, case.tensors["output.y"]) > 1e-3


@golden("sam_adapter_kyyle_encoder")
def test_cad_variant_equals_the_encoder_in_cads_repository(case):
    settings = SamAdapterSettings(
        variant="cad",
        feature_width=case.config["tune_out"],
        hidden_width=case.config["adapter_hidden"],
    )
    case.check(encode(case, settings))


@pytest.mark.parametrize(("variant", "least", "most"), [("official", 1e-4, 1e-2), ("cad", 0.1, 1)])
def test_does_not_start_at_sam(variant, least, most):
    images, _ = small_batch()
    base = adapted("decoder").encode(images).image
    distance = relative_error(adapted("sam_adapter", variant=variant).encode(images).image, base)
    assert least < distance < most


def test_trains_the_no_mask_embedding_unless_told_otherwise():
    embedding = "sam.prompt_encoder.no_mask_embed.weight"
    assert embedding in adapted("sam_adapter").trainable()
    assert embedding not in adapted("sam_adapter", train_no_mask_embed=False).trainable()
    assert embedding not in adapted("sam_adapter", variant="cad").trainable()


def test_initial_values_have_the_papers_spread():
    prompts = adapted("sam_adapter", reduction=4).adapter.prompts
    hidden = prompts.embedding.out_features
    assert prompts.shared.weight.std().item() == pytest.approx(0.02, rel=0.1)
    spread = (2 / (16 * 16 * hidden)) ** 0.5
    assert prompts.frequency.weight.std().item() == pytest.approx(spread, rel=0.1)
    assert not any(p.any() for name, p in prompts.named_parameters() if name.endswith("bias"))


def test_a_reduction_beyond_the_encoders_width_is_refused():
    with user_error("sam_adapter", "reduction", "128", "129"):
        adapted("sam_adapter", reduction=129)
