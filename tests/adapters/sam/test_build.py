import pytest
import torch
from golden_case import golden, run_blocks, sam_of, sam_with_blocks
from segment_anything import sam_model_registry
from torch import nn
from user_error import user_error

from samfit import build_sam
from samfit.adapters.sam.families.segment_anything import VITS


@golden("tiny_sam_encoder")
def test_the_packages_encoder_computes_the_stored_values(case):
    encoder, outputs = sam_of(case.config).image_encoder, {}
    case.load(encoder)
    for index, block in enumerate(encoder.blocks):
        block.register_forward_hook(lambda _, __, y, i=index: outputs.update({f"block{i}": y}))
    encoder.patch_embed.register_forward_hook(lambda _, __, y: outputs.update(patch_embed=y))
    outputs["y"] = encoder(case.inputs["x"])
    assert outputs.keys() == case.part("output.").keys()
    case.check(outputs)


@golden("sam_block_relpos_resize")
def test_the_packages_block_interpolates_position_tables(case):
    sam = sam_with_blocks(case.config)
    case.load(sam.image_encoder.blocks[0])
    case.check({"y": run_blocks(sam, case.inputs["x"])["y"]})


def description(sam: nn.Module) -> dict[str, tuple[str, dict]]:
    """Each module's printed form and plain attributes, such as ``window_size``, by name."""
    plain = (bool, int, float, str, tuple)
    return {
        name: (repr(module), {k: v for k, v in vars(module).items() if isinstance(v, plain)})
        for name, module in sam.named_modules()
    }


@pytest.mark.parametrize(
    ("backbone", "global_blocks"),
    [("vit_b", [2, 5, 8, 11]), ("vit_l", [5, 11, 17, 23]), ("vit_h", [7, 15, 23, 31])],
)
def test_is_built_as_the_package_builds_it(backbone, global_blocks):
    with torch.device("meta"):
        ours, packages = build_sam(backbone), sam_model_registry[backbone]()
    assert description(ours) == description(packages)
    shapes = [{name: t.shape for name, t in sam.state_dict().items()} for sam in (ours, packages)]
    assert shapes[0] == shapes[1]
    windows = [block.window_size for block in ours.image_encoder.blocks]
    assert [index for index, window in enumerate(windows) if window == 0] == global_blocks


def test_the_miniature_is_made_of_the_same_classes():
    with torch.device("meta"):
        tiny, real = build_sam("vit_tiny"), build_sam("vit_b")
    assert {type(m) for m in tiny.modules()} == {type(m) for m in real.modules()}
    of_block = [
        {name for name, _ in sam.image_encoder.blocks[0].named_parameters()} for sam in (tiny, real)
    ]
    assert of_block[0] == of_block[1]
    windows = {block.window_size for block in tiny.image_encoder.blocks}
    assert windows == {0, 6}
    assert 16 % 6, "its windows are padded, as SAM's are"
    assert 1.5e6 < sum(p.numel() for p in tiny.parameters()) < 1.7e6


@pytest.mark.parametrize("image_size", [0, 64, 96])
def test_the_image_size_sets_the_grid(image_size):
    sam = build_sam("vit_tiny", image_size)
    side = image_size or 256
    assert sam.image_encoder.img_size == side
    assert sam.prompt_encoder.image_embedding_size == (side // 16, side // 16)
    assert sam.prompt_encoder.input_image_size == (side, side)
    assert sam.image_encoder(torch.zeros(1, 3, side, side)).shape[2:] == (side // 16, side // 16)


def test_is_in_eval_mode_with_weights_from_torchs_generator():
    torch.manual_seed(3)
    first = build_sam("vit_tiny", 64)
    torch.manual_seed(3)
    second = build_sam("vit_tiny", 64)
    assert not first.training
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("vit_bb", "'vit_b'"), ("vit_tny", "'vit_tiny'"), ("resnet", ", ".join(VITS))],
)
def test_an_unknown_backbone_suggests_the_nearest_or_lists_all(wrong, hint):
    with user_error(repr(wrong), hint):
        build_sam(wrong)
