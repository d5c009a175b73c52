"""What no rule tells of the memory that libraries take: named in a record, with its bound."""

from typing import Any

import torch

from samfit.harness.trace.gpu import Gpu, major

aten = torch.ops.aten
FFT = {aten._fft_r2c.default, aten._fft_c2c.default, aten._fft_c2r.default}
BATCH_NORM = {
    aten.native_batch_norm.default, aten.native_batch_norm_backward.default,
    aten.cudnn_batch_norm.default, aten.cudnn_batch_norm_backward.default,
}  # fmt: skip
FLASH = {
    aten._scaled_dot_product_flash_attention.default,
    aten._scaled_dot_product_flash_attention_backward.default,
}
BY_CUDNN = (9, 10)  # generations on which PyTorch prefers cuDNN for attention in half precision


def unknown(operator: Any, gpu: Gpu | None = None) -> str | None:
    """What ``operator`` may take beyond what is counted, in words; None if nothing.

    Bounds: cuFFT's documentation, Fourier Transform Setup, for its work area ("in the worst case");
    for attention the float32 gradient of q that the flash kernel keeps.

    Args:
        gpu: the card of a trace. In a rehearsal cuDNN itself answers for attention.
    """
    if operator in FFT:
        return "cuFFT's work area, at most 8 times what it transforms, is taken as 0"
    if operator in BATCH_NORM:
        return "the workspace of cuDNN's batch norm is taken as 0"
    if gpu and operator in FLASH and major(gpu) in BY_CUDNN:
        return "the workspace of cuDNN's attention is taken to be that of the flash kernel"
    return None
