"""Numbers of parameters at SAM's three sizes, to the unit. Nothing is allocated."""

import pytest
import torch

from adapters.core.adapted import attach
from harness.sam.build import build_sam

DECODER = 4_058_340
BACKBONES = ("vit_b", "vit_l", "vit_h")
ENCODERS = (89_670_912, 308_278_272, 637_026_048)
TOTALS = (93_735_472, 312_342_832, 641_090_608)

# (method, settings): parameters of the adapter on ViT-B, -L and -H, and in the prompt encoder.
COUNTS = [
    ("decoder", {}, (0, 0, 0), 0),
    ("full", {}, ENCODERS, 0),
    ("full", {"train_prompt_encoder": True}, ENCODERS, 6_220),
    ("lora", {"rank": 3}, (110_592, 294_912, 491_520), 0),
    ("lora", {}, (147_456, 393_216, 655_360), 0),
    ("lora", {"rank": 8}, (294_912, 786_432, 1_310_720), 0),
    ("lora", {"rank": 16}, (589_824, 1_572_864, 2_621_440), 0),
    ("lora", {"rank": 32}, (1_179_648, 3_145_728, 5_242_880), 0),
    ("sam_adapter", {}, (63_312, 116_544, 186_960), 256),
    ("sam_adapter", {"reduction": 16}, (139_680, 281_216, 475_040), 256),
    ("sam_adapter", {"train_no_mask_embed": False}, (63_312, 116_544, 186_960), 0),
    ("sam_adapter", {"variant": "cad"}, (400_928, 532_640, 639_648), 0),
    ("cad", {}, (1_773_568, 1_773_568, 1_773_568), 0),
]


@pytest.fixture(scope="module", params=range(3), ids=BACKBONES)
def size(request):
    """The index of a backbone, and its SAM without memory."""
    with torch.device("meta"):
        return request.param, build_sam(BACKBONES[request.param])


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


@pytest.mark.parametrize(("name", "settings", "adapter", "prompt_encoder"), COUNTS, ids=str)
def test_method(size, name, settings, adapter, prompt_encoder):
    index, sam = size
    with torch.device("meta"):
        model = attach(sam, name, **settings)
    counts = model.parameter_counts()
    model.detach()
    new = 0 if name == "full" else adapter[index]
    assert counts == {
        "trainable": adapter[index] + DECODER + prompt_encoder,
        "adapter": adapter[index],
        "mask_decoder": DECODER,
        "prompt_encoder": prompt_encoder,
        "total": TOTALS[index] + new,
    }
