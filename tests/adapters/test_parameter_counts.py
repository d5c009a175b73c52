"""Numbers of parameters at SAM's three sizes, to the unit. Nothing is allocated."""

import pytest
import torch

import samfit

DECODER, SINGLE_TOKEN = 4_058_340, 3_505_536
BACKBONES = ("vit_b", "vit_l", "vit_h")
ENCODERS = (89_670_912, 308_278_272, 637_026_048)
TOTALS = (93_735_472, 312_342_832, 641_090_608)
EVERYWHERE = 3

# Method, settings, and the parameters of the adapter on ViT-B, -L and -H.
COUNTS = [
    ("decoder", {}, (0, 0, 0)),
    ("full", {}, ENCODERS),
    ("bitfit", {}, (102_656, 271_872, 452_352)),
    ("bitfit", {"blocks_only": True}, (101_376, 270_336, 450_560)),
    ("houlsby", {}, (2_379_264, 6_343_680, 10_571_776)),
    ("houlsby", {"placement": "pfeiffer"}, (1_189_632, 3_171_840, 5_285_888)),
    ("houlsby", {"width": 2}, (92_208, 245_856, 409_728)),
    ("houlsby", {"placement": "pfeiffer", "width": 2}, (46_104, 122_928, 204_864)),
    ("houlsby", {"placement": "msa"}, (7_100_928, 25_227_264, 52_531_200)),
    ("adaptformer", {}, (1_189_632, 3_171_840, 5_285_888)),
    ("adaptformer", {"width": 16, "ln": "in"}, (322_752, 860_544, 1_434_112)),
    ("vpt", {}, (110_592, 294_912, 491_520)),
    ("vpt", {"tokens": 50}, (460_800, 1_228_800, 2_048_000)),
    ("vpt", {"deep": False}, (9_216, 12_288, 15_360)),
    ("ssf", {}, (204_288, 542_720, 903_680)),
    ("ssf", {"neck": True}, (206_336, 544_768, 905_728)),
    ("sam_lst", {}, (2_782_785,) * EVERYWHERE),
    ("lst", {}, (2_338_412, 8_088_600, 16_727_488)),
    ("lst", {"reduction": 16}, (837_564, 2_864_792, 5_906_288)),
    ("sam_adapter", {}, (63_312, 116_544, 186_960)),
    ("sam_adapter", {"reduction": 16}, (139_680, 281_216, 475_040)),
    ("sam_adapter", {"variant": "cad"}, (400_928, 532_640, 639_648)),
    ("lora", {"rank": 3}, (110_592, 294_912, 491_520)),
    ("lora", {}, (147_456, 393_216, 655_360)),
    ("lora", {"fused": True}, (147_456, 393_216, 655_360)),
    ("lora", {"rank": 8}, (294_912, 786_432, 1_310_720)),
    ("lora", {"rank": 16}, (589_824, 1_572_864, 2_621_440)),
    ("lora", {"rank": 32}, (1_179_648, 3_145_728, 5_242_880)),
    ("conv_lora", {}, (119_232, 312_192, 514_560)),
    ("cobot_lora", {}, (148_320, 396_096, 660_224)),
    ("cobot_lora", {"rank": 16}, (592_704, 1_579_776, 2_631_680)),
    ("cobot_adaptformer", {}, (324_048, 863_424, 1_438_208)),
    ("mona", {}, (2_684_928, 7_004_160, 11_517_952)),
    ("fact", {}, (61_440, 106_496, 139_264)),
    ("fact", {"form": "tk", "rank": 32}, (86_528, 107_520, 126_976)),
    ("dtl", {}, (36_864, 98_304, 163_840)),
    ("dtl", {"plus": True}, (43_776, 107_520, 175_360)),
    ("res_tuning", {}, (1_198_848, 3_196_416, 5_326_848)),
    ("cad", {}, (1_773_568,) * EVERYWHERE),
]
# Everything trained, where it is more or less than adapter and stock decoder.
TRAINED = [
    ("decoder", {"decoder": "single_token"}, (SINGLE_TOKEN,) * EVERYWHERE),
    ("full", {"train_prompt_encoder": True}, TOTALS),
    ("bitfit", {"decoder": "single_token"}, (3_608_192, 3_777_408, 3_957_888)),
    ("houlsby", {"width": 2, "decoder": "single_token"}, (3_597_744, 3_751_392, 3_915_264)),
    ("vpt", {"decoder": "single_token"}, (3_616_128, 3_800_448, 3_997_056)),
    ("ssf", {"decoder": "single_token"}, (3_709_824, 4_048_256, 4_409_216)),
    ("sam_adapter", {}, (4_121_908, 4_175_140, 4_245_556)),
    ("sam_adapter", {"train_no_mask_embed": False}, (4_121_652, 4_174_884, 4_245_300)),
    ("sam_adapter", {"variant": "cad"}, (4_459_268, 4_590_980, 4_697_988)),
    ("sam_lst", {"official_subset": True}, (2_856_737,) * EVERYWHERE),
    ("lora", {"rank": 3, "decoder": "single_token"}, (3_616_128, 3_800_448, 3_997_056)),
    ("lora", {"train_prompt_encoder": True}, (4_212_016, 4_457_776, 4_719_920)),
    ("conv_lora", {}, (3_624_768, 3_817_728, 4_020_096)),
    ("conv_lora", {"decoder": "stock"}, (4_177_572, 4_370_532, 4_572_900)),
]


@pytest.fixture(scope="module", params=range(3), ids=BACKBONES)
def size(request):
    """The index of a backbone, and its SAM without memory."""
    with torch.device("meta"):
        return request.param, samfit.build_sam(BACKBONES[request.param])


def test_sam_itself(size):
    index, sam = size
    counts = {
        name: sum(p.numel() for p in part.parameters()) for name, part in sam.named_children()
    }
    assert counts == {
        "image_encoder": ENCODERS[index],
        "prompt_encoder": 6_220,
        "mask_decoder": DECODER,
    }
    assert sum(counts.values()) == TOTALS[index]


def counts_of(size, name, settings):
    with torch.device("meta"):
        model = samfit.attach(size[1], name, **settings)
    counts = model.parameter_counts()
    model.detach()
    return counts


@pytest.mark.parametrize(("name", "settings", "expected"), COUNTS, ids=str)
def test_of_the_adapter(size, name, settings, expected):
    counts = counts_of(size, name, {"decoder": "stock", "train_no_mask_embed": False, **settings})
    adapter = expected[size[0]]
    new = 0 if name in ("full", "bitfit") else adapter
    assert counts == {
        "trainable": adapter + DECODER,
        "adapter": adapter,
        "mask_decoder": DECODER,
        "prompt_encoder": 0,
        "total": TOTALS[size[0]] + new,
    }


@pytest.mark.parametrize(("name", "settings", "expected"), TRAINED, ids=str)
def test_of_all_that_is_trained(size, name, settings, expected):
    counts = counts_of(size, name, settings)
    parts = counts["adapter"] + counts["mask_decoder"] + counts["prompt_encoder"]
    assert counts["trainable"] == parts == expected[size[0]]
