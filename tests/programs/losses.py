"""Losses and scores of masks."""

import torch
from torch.nn import functional as F


def dice_loss(logits, target, eps=1.0):
    """1 - Dice, the mean over images."""
    probability = logits.sigmoid().flatten(1)
    target = target.flatten(1)
    overlap = (probability * target).sum(1)
    return 1 - ((2 * overlap + eps) / (probability.sum(1) + target.sum(1) + eps)).mean()


def bce_dice_loss(logits, target):
    """Binary cross-entropy and Dice in equal parts."""
    return F.binary_cross_entropy_with_logits(logits, target) + dice_loss(logits, target)


@torch.no_grad()
def iou(logits, target):
    """Intersection over union, the mean over images."""
    predicted, target = logits.flatten(1) > 0, target.flatten(1) > 0.5
    return ((predicted & target).sum(1) / (predicted | target).sum(1).clamp(min=1)).mean()
