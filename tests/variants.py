"""Every registered method, and settings that make one another method."""

from dataclasses import dataclass, field

from small_sam import adapted

import samfit
from samfit import AdaptedSam


@dataclass(frozen=True)
class Variant:
    """A method and the settings that make it another one."""

    name: str
    settings: dict = field(default_factory=dict)

    def adapt(self, seed: int = 0) -> AdaptedSam:
        return adapted(self.name, seed, **self.settings)

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{key}={value}" for key, value in self.settings.items())])


METHODS = [Variant(name) for name in samfit.adapter_names()]
VARIANTS = [
    *METHODS,
    Variant("decoder", {"decoder": "single_token"}),
    Variant("full", {"train_prompt_encoder": True}),
    Variant("bitfit", {"blocks_only": True}),
    Variant("houlsby", {"placement": "pfeiffer"}),
    Variant("houlsby", {"placement": "msa"}),
    Variant("adaptformer", {"learnable_scale": True, "ln": "out"}),
    Variant("adaptformer", {"branch_input": "norm2", "ln": "in"}),
    Variant("vpt", {"deep": False}),
    Variant("ssf", {"neck": True}),
    Variant("sam_lst", {"official_subset": True}),
    Variant("lst", {"attention": "windowed"}),
    Variant("sam_adapter", {"variant": "cad"}),
    Variant("sam_adapter", {"scramble": False, "train_no_mask_embed": False}),
    Variant("sam_adapter", {"random_pe": True}),
    Variant("lora", {"targets": ("k", "proj", "mlp"), "alpha": 8}),
    Variant("lora", {"fused": True, "alpha": 32, "train_no_mask_embed": True}),
    Variant("conv_lora", {"decoder": "stock", "scales": (2, 4)}),
    Variant("cobot_lora", {"ibe": False, "zero_init_B": True}),
    Variant("cobot_lora", {"ibc": False, "mixer": "linear"}),
    Variant("cobot_adaptformer", {"ibc": False}),
    Variant("fact", {"form": "tk", "rank": 8, "scale": 10}),
    Variant("dtl", {"plus": True}),
]
