"""Conv-LoRA: low-rank updates whose bottleneck passes through one of several convolutions."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.core.settings import NotNegative, Positive
from samfit.adapters.sam.backbone import Backbone, Need
from samfit.adapters.sam.changes import after

BALANCE_WEIGHT = 0.01  # of the auxiliary loss
MIN_NOISE = 0.01


@dataclass(frozen=True, kw_only=True)
class ConvLoraSettings(SerialSettings):
    """Hyper-parameters of Conv-LoRA.

    Attributes:
        rank: r, the width of the low-rank update.
        alpha: the update is multiplied by alpha / r.
        scales: one expert for each: the factor by which it enlarges the feature map.
        decoder: as in every method, but the default follows AutoGluon, which trains the mask
            decoder with the token of the single mask only.
    """

    rank: Positive = 3
    alpha: NotNegative = 32
    scales: tuple[Positive, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    decoder: Literal["stock", "single_token"] = "single_token"


class Gate(nn.Module):
    """Picks an expert for each row (a window, or in global blocks an image), with noise to train.

    For row features g (N, r): logits z = g W_g and, in training, z' = z + eps ⊙ s with
    s = softplus(g W_n) + 0.01 and eps ~ N(0, 1); in evaluation z' = z. The expert is argmax z'; its
    gate value, a softmax over one logit, is 1.

    The loss 0.01 (CV²(I) + CV²(load)) keeps the experts balanced: I counts the rows of each expert;
    load is, in evaluation, the same, and in training the sum over rows of the probability that the
    expert would be picked again with new noise of its own. CV² is the unbiased variance over the
    squared mean. Source: Shazeer et al., arXiv 1701.06538, equations 3 to 11.
    """

    def __init__(self, rank: int, experts: int) -> None:
        super().__init__()
        self.w_gate = nn.Parameter(torch.zeros(rank, experts))
        self.w_noise = nn.Parameter(torch.zeros(rank, experts))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The expert of each row (N,), and the loss, a scalar, from ``features`` (N, r)."""
        clean = noisy = _product(features, self.w_gate)
        if self.training:
            spread = F.softplus(_product(features, self.w_noise)) + MIN_NOISE
            noisy = clean + self.noise(clean) * spread
        expert = noisy.argmax(dim=1)
        count = F.one_hot(expert, clean.shape[1]).to(clean.dtype).sum(dim=0)
        load = count
        if self.training and clean.shape[1] > 1:
            first, second = noisy.topk(2, dim=1).values.unsqueeze(-1).unbind(1)
            threshold = torch.where(noisy > second, second, first)
            load = torch.special.ndtr((clean - threshold) / spread).sum(dim=0)
        return expert, BALANCE_WEIGHT * (_variation(count) + _variation(load))

    @staticmethod
    def noise(like: Tensor) -> Tensor:
        """Standard normal noise, of the shape of ``like``."""
        return torch.randn_like(like)


class Expert(nn.Module):
    """h -> resize(GELU(conv3x3(resize(h, x scale))), / scale) for feature maps h (n, r, H, W).

    Both resizings are bicubic, without antialiasing.
    """

    def __init__(self, rank: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.conv = nn.Conv2d(rank, rank, kernel_size=3, padding=1)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, h: Tensor) -> Tensor:
        if self.scale == 1:
            return F.gelu(self.conv(h))
        large = F.interpolate(h, scale_factor=self.scale, mode="bicubic")
        if self.scale % 2 == 0:
            return F.interpolate(F.gelu(self.conv(large)), h.shape[-2:], mode="bicubic")
        # At an odd scale resizing back picks every scale-th pixel: no other need be convolved.
        first = (self.scale - 3) // 2
        picked = large[..., first:, first:]
        return F.gelu(F.conv2d(picked, self.conv.weight, self.conv.bias, stride=self.scale))


class ConvLoraUpdate(nn.Module):
    """x (Bw, H, W, D) -> alpha/r · B(h + expert(h)) (Bw, H, W, E) with h = A x.

    A (r, D) is Kaiming-uniform, B (E, r) zero.
    """

    def __init__(self, features: int, out_features: int, settings: ConvLoraSettings) -> None:
        super().__init__()
        rank = settings.rank
        self.scaling = settings.alpha / rank
        self.A = nn.Parameter(torch.empty(rank, features))
        self.B = nn.Parameter(torch.zeros(out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.gate = Gate(rank, len(settings.scales))
        self.experts = nn.ModuleList(Expert(rank, scale) for scale in settings.scales)
        self.counts: Callable[[Tensor], list[int]] = self._count

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The update, and the gate's loss."""
        h = F.linear(x, self.A)
        precise = torch.promote_types(h.dtype, torch.float32)
        expert, loss = self.gate(h.mean(dim=(1, 2), dtype=precise))
        convolved = self.dispatch(h.permute(0, 3, 1, 2), expert).permute(0, 2, 3, 1)
        return F.linear(h + convolved, self.scaling * self.B), loss

    def dispatch(self, h: Tensor, expert: Tensor) -> Tensor:
        """Send each row of h (N, r, H, W) through its expert (N,): all rows of one at once."""
        order = expert.argsort(stable=True)
        rows = h[order].split(self.counts(expert))
        pairs = zip(self.experts, rows, strict=True)
        convolved = [run(own) if own.shape[0] else own for run, own in pairs]
        return torch.cat(convolved)[order.argsort()]

    def _count(self, expert: Tensor) -> list[int]:
        return expert.bincount(minlength=len(self.experts)).tolist()

    def assume_even_counts(self) -> None:
        """Take as many rows for each expert as for any other; rows that remain go to the last."""
        experts = len(self.experts)

        def even(expert: Tensor) -> list[int]:
            each, rest = divmod(expert.shape[0], experts)
            return [each + (index >= experts - rest) for index in range(experts)]

        self.counts = even


class ConvLora(Adapter):
    """qkv(x) + alpha/r · B(h + expert_m(h)), h = A x, with m picked for each window or image.

    One A for q, k and v together. Each expert is a 3 x 3 convolution over the token grid at its own
    scale, 1 to 8; ``Gate`` picks one. New parameters: L(4rD + M(9r² + r) + 2rM) with M experts:
    119,232 (ViT-B), 312,192 (ViT-L), 514,560 (ViT-H); trained with the single-token decoder
    3,624,768, 3,817,728 and 4,020,096.

    Source: Zhong et al., arXiv 2401.17868, and AutoGluon's code: alpha/r is 10.67, and gate values
    are not multiplied in. It sends expert outputs through exp and log, an identity that overflows
    beyond 88, and so is left out. Rows are sorted by expert, so that each expert runs once.
    """

    Settings = ConvLoraSettings
    title = "Conv-LoRA"
    source = "arXiv 2401.17868"
    encoder_gradients = True
    starts_as_identity = True

    def __init__(self, sam: Backbone, settings: ConvLoraSettings) -> None:
        super().__init__(sam, settings)
        self.updates = nn.ModuleList(
            ConvLoraUpdate(block.width_in, 3 * block.width, settings) for block in sam.blocks
        )
        # Of the last forward pass, one a block; None once it was asked for, so that blocks which
        # are computed again in backward add nothing.
        self._losses: list[Tensor] | None = None

    def attach(self, sam: Backbone) -> None:
        for block, update in zip(sam.blocks, self.updates, strict=True):
            self.hold(after(block.qkv, self._added(update)))

    @classmethod
    def needs(cls, settings: ConvLoraSettings) -> Iterator[Need]:
        yield from super().needs(settings)
        yield Need.TOKEN_MAPS

    def begin(self) -> None:
        self._losses = []

    def auxiliary_loss(self) -> Tensor | None:
        """The sum of the gates' losses, also in evaluation."""
        losses, self._losses = self._losses, None
        return torch.stack(losses).sum() if losses else None

    def assume(self) -> str:
        for update in self.updates:
            assert isinstance(update, ConvLoraUpdate)
            update.assume_even_counts()
        return (
            "in each block the experts share the windows (in global blocks the images) evenly, "
            "and what remains goes to those at the largest scales"
        )

    def _added(self, update: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
        def add(x: Tensor, qkv: Tensor) -> Tensor:
            change, loss = update(x)
            if self._losses is not None:
                self._losses.append(loss)
            return qkv.add_(change)

        return add


def _product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b, which stays in float32 under autocast: it does not touch products and sums."""
    return (a.unsqueeze(-1) * b).sum(dim=1)


def _variation(t: Tensor) -> Tensor:
    """CV² of t (M,), with the official code's protection; 0 for a single expert."""
    if t.shape[0] == 1:
        return torch.zeros_like(t[0])
    return t.var() / (t.mean().square() + 1e-10)
