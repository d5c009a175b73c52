"""DTL: a compact side network that reads all blocks and is added behind the last of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.settings import Positive, Share
from samfit.adapters.lora import LowRankUpdate
from samfit.adapters.sam.backbone import Backbone, Need
from samfit.adapters.sam.changes import after, before


@dataclass(frozen=True, kw_only=True)
class DtlSettings(SerialSettings):
    """Hyper-parameters of DTL.

    Attributes:
        rank: r, the width of each low-rank mapping.
        fed_back: share of the blocks, from the last on, whose output takes the side network's.
        beta: how steep the activation is; 100 is close to ReLU.
        plus: DTL+, which convolves what it adds.
    """

    rank: Positive = 2
    fed_back: Share = 0.5
    beta: Annotated[float, Field(gt=0, le=1e6)] = 100
    plus: bool = False


class Dtl(Adapter):
    """H_i = H_{i-1} + B_i A_i X_{i-1} in every block, and X_i = block_i(X_{i-1}) + f(H_i) in the
    last half of them, with f(h) = h sigmoid(beta h) and H_0 = 0.

    X_i, H_i (B, H, W, D) are the tokens that leave block i, and the side network's; A_i (r, D) is
    Kaiming-uniform, B_i (D, r) zero. DTL+ (``plus``) convolves f(H_i) channel by channel, with the
    same 3 x 3 kernels in all blocks, before it is added. No gradient flows through the blocks up to
    the first that is fed back, of which only X_i is kept. New parameters: 2rDL, for DTL+ 9D more;
    with r = 2: 36,864 (ViT-B), 98,304 (ViT-L), 163,840 (ViT-H); DTL+: 43,776,
    107,520, 175,360.

    Source: Fu et al., arXiv 2312.07856, and its official code for ViT-B, which feeds the last six
    of twelve blocks, transferred to SAM by us: there is no class token, which DTL+ leaves out of
    its convolution.
    """

    Settings = DtlSettings
    title = "DTL"
    source = "arXiv 2312.07856"
    encoder_gradients = True
    starts_as_identity = True

    def __init__(self, sam: Backbone, settings: DtlSettings) -> None:
        super().__init__(sam, settings)
        widths = [block.width for block in sam.blocks]
        self.mappings = nn.ModuleList(LowRankUpdate(d, d, settings.rank) for d in widths)
        self.first_fed_back = len(widths) - max(1, round(settings.fed_back * len(widths)))
        if settings.plus:
            self.conv = nn.Conv2d(widths[0], widths[0], 3, padding=1, groups=widths[0], bias=False)
        self._side: Tensor | None = None  # H_i of the running forward pass

    @classmethod
    def needs(cls, settings: DtlSettings) -> Iterator[Need]:
        yield from super().needs(settings)
        yield Need.ONE_GRID

    def attach(self, sam: Backbone) -> None:
        for index, block in enumerate(sam.blocks):
            self.hold(before(block.whole, self._reading(index)))
            if index >= self.first_fed_back:
                self.hold(after(block.whole, self._feeding(index)))

    def begin(self) -> None:
        self._side = None

    def _reading(self, index: int) -> Callable[[Tensor], Tensor]:
        """Adds what is read from the tokens that enter a block to the side network's."""

        def read(x: Tensor) -> Tensor:
            found = self.mappings[index](x)
            self._side = found if self._side is None else self._side + found
            return x

        return read

    def _feeding(self, index: int) -> Callable[[Tensor, Tensor], Tensor]:
        """Adds the side network's tokens to those that leave a block."""
        is_last = index == len(self.mappings) - 1

        def feed(_: Tensor, y: Tensor) -> Tensor:
            assert self._side is not None, "the block has been read"
            active = F.silu(self.settings.beta * self._side) / self.settings.beta
            if is_last:
                self._side = None  # it is not needed any more
            if self.settings.plus:
                active = self.conv(active.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            return y + active

        return feed
