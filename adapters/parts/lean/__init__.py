"""CAD's convolutional network again: the same function of the same parameters, in less memory.

Three identities make it small and fast; none of them approximates:

* The 1x1 convolution that lifts 6 channels to C and the first 3x3 convolution are one convolution
  over 7 channels: the image's six, and ones, which carry the lift's bias and are zero where the
  3x3 convolution pads (``folded_first``).
* Batch norm's statistics of that convolution follow from the mean and the 63 x 63 second moment of
  its input patches (``PatchMoments``). So the layer, its norm included, is a matrix product, and
  the C channels at full resolution need never exist all at once.
* A convolution of dilation 2 acts on the four interleaved images of half the size as one of
  dilation 1; average pooling then is the mean over the four (``FirstBlock``).

The deeper blocks run image by image, and each image a few rows at a time (``normalised_block``,
``tiles``): batch norm's statistics are gathered as these tiles pass, what the first block computes
is computed again in backward, and gradients of a block's convolution take the place of its output.
Tiles fit what SAM's encoder has left in PyTorch's allocator, so that little is reserved beside it.
"""
