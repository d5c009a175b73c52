"""What tests of the families run: prompts of every kind, a loss, masks."""

import torch
from small_sam import SIDE, small_batch
from torch import Tensor
from torch.nn import functional as F

from samfit import AdaptedSam


def points(prompts: int) -> Tensor:
    """(B, P, n, 3): within, outside, and none."""
    generator = torch.Generator().manual_seed(2)
    places = torch.rand(2, prompts, 3, 2, generator=generator) * SIDE
    labels = torch.tensor([1.0, 0.0, -1.0]).expand(2, prompts, 3)
    return torch.cat([places, labels[..., None]], dim=-1)


def loss_of(model: AdaptedSam) -> Tensor:
    """The loss on one batch whose masks are all of the image."""
    masks = model(*small_batch())
    loss = F.binary_cross_entropy_with_logits(masks, torch.ones_like(masks))
    auxiliary = model.adapter.auxiliary_loss()
    return loss if auxiliary is None else loss + auxiliary


def masks(model: AdaptedSam) -> Tensor:
    """The masks of two boxes an image, in evaluation."""
    with torch.no_grad():
        return model.eval()(*small_batch(2, 2))
