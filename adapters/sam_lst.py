"""SAM-LST: a ResNet-18 beside the frozen encoder, mixed into its embedding by one gate."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from samfit.adapters.core.base import Adapter, Settings
from samfit.adapters.sam.backbone import Backbone, Need
from samfit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SamLstSettings(Settings):
    """Hyper-parameters of SAM-LST.

    Attributes:
        official_subset: of SAM train only the mask decoder's ``output_upscaling`` (73,952
            parameters), as the official script does, whatever the other settings say. With several
            classes their mask tokens are trained, too: all start as one token, and would stay one.
            The official script leaves tokens and hypernetworks at random values.
    """

    official_subset: bool = False


class ResNetStages(nn.Module):
    """ResNet-18 without its last stage and classifier: (B, 3, S, S) -> (B, 4w, S/16, S/16).

    Names and initialisation are torchvision's, so that its weights load; w = 64 there.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.layer2 = _halving_stage(width)
        self.layer3 = _halving_stage(2 * width)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer3(self.layer2(self.layer1(x)))


class SamLst(Adapter):
    """E' = g E + (1 - g) R(x), g = sigmoid(alpha).

    E (B, 256, 64, 64) is the frozen encoder's embedding, x (B, 3, 1024, 1024) the normalised image
    that SAM gets, R a ResNet-18 up to its third stage, alpha one number that starts at 0: half of E
    is replaced at first. New parameters: 2,782,785 on every backbone.

    Source: Chai et al., arXiv 2306.12737. The official code trains only the decoder's upscaling
    (``official_subset``), works at 512 x 512 with class masks, and starts from ImageNet weights:
    they are random here until ``load_pretrained`` reads them.
    """

    Settings = SamLstSettings
    title = "SAM-LST"
    source = "arXiv 2306.12737"
    encoder_gradients = False
    batch_norm = True
    starts_as_identity = False

    def __init__(self, sam: Backbone, settings: SamLstSettings) -> None:
        super().__init__(sam, settings)
        self.resnet = ResNetStages(sam.embed_dim // 4)
        self.alpha = nn.Parameter(torch.zeros(1))
        self._normalise = sam.preprocess

    def trained_in_sam(self, sam: Backbone) -> Iterator[nn.Parameter]:
        if not self.settings.official_subset:
            yield from super().trained_in_sam(sam)
            return
        yield from sam.mask_decoder.output_upscaling.parameters()
        if self.settings.classes > 1:
            yield sam.mask_decoder.mask_tokens.weight

    @classmethod
    def needs(cls, settings: SamLstSettings) -> Iterator[Need]:
        yield from super().needs(settings)
        if settings.official_subset:
            yield Need.META_DECODER

    def correct(self, embedding: Tensor, images: Tensor) -> Tensor:
        gate = torch.sigmoid(self.alpha)
        return gate * embedding + (1 - gate) * self.resnet(self._normalise(images))

    def load_pretrained(self, path: Path) -> None:
        """Start from a file with torchvision's ResNet-18 weights; what is not used is ignored.

        Raises:
            UserError: if the file cannot be read, or does not hold the weights of a ResNet-18.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            used = {name: state[name] for name in self.resnet.state_dict()}
            self.resnet.load_state_dict(used)
        except Exception as error:  # whatever a broken file makes the unpickler raise
            raise UserError(
                f"cannot use {path} as ResNet-18 weights: give a file of torchvision's resnet18."
            ) from error


def _halving_stage(width: int) -> nn.Sequential:
    """Two blocks that halve height and width and double the channels."""
    shortcut = nn.Sequential(
        nn.Conv2d(width, 2 * width, kernel_size=1, stride=2, bias=False), nn.BatchNorm2d(2 * width)
    )
    first = BasicBlock(width, 2 * width, stride=2, downsample=shortcut)
    return nn.Sequential(first, BasicBlock(2 * width, 2 * width))
