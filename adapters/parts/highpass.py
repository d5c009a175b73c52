"""The high-frequency part of an image, the hand-crafted feature of CAD and SAM-Adapter."""

import math

import torch
from torch import Tensor


def high_frequency(images: Tensor, ratio: float = 0.25) -> Tensor:
    """Remove the centred low-frequency square of an image's spectrum.

    With l = floor(sqrt(H·W·ratio) / 2), the 2-D Fourier coefficients of frequencies -l .. l-1 on
    both axes are set to zero; what is returned is the absolute value of the real part of the
    inverse transform. The square has the side 2l also in images that are not square, and reaches
    one frequency further on the negative side, as in the official implementations (Liu et al.,
    Explicit Visual Prompting, arXiv 2303.10883; used by arXiv 2304.09148 and 2409.15889).

    Args:
        images: (B, C, H, W), any range.
        ratio: share of the spectrum to remove, 0..1.

    Returns:
        (B, C, H, W), in the dtype of ``images``, at least float32. A constant image gives zero.
    """
    height, width = images.shape[-2:]
    half = int(math.sqrt(height * width * ratio) // 2)
    keep = ~torch.outer(_is_low(height, half, images.device), _is_low(width, half, images.device))
    images = images.to(torch.promote_types(images.dtype, torch.float32))
    # The mask is shifted instead of the spectrum: the same result, without moving the data.
    return torch.fft.ifft2(torch.fft.fft2(images) * keep).real.abs()


def _is_low(size: int, half: int, device: torch.device) -> Tensor:
    """Which of the ``size`` unshifted frequency bins lie in the centred band -half .. half-1."""
    centred = torch.arange(size, device=device)
    low = (centred >= size // 2 - half) & (centred < size // 2 + half)
    return torch.fft.ifftshift(low)
