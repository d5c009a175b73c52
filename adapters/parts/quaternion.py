"""Matrices of quaternions: linear maps with a quarter of the parameters."""

import torch
from torch import Tensor, nn

from samfit.errors import UserError

# The real 4 x 4 matrices of the units 1, i, j and k, for row vectors.
UNITS = (
    ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
    ((0, 1, 0, 0), (-1, 0, 0, 0), (0, 0, 0, 1), (0, 0, -1, 0)),
    ((0, 0, 1, 0), (0, 0, 0, -1), (-1, 0, 0, 0), (0, 1, 0, 0)),
    ((0, 0, 0, 1), (0, 0, 1, 0), (0, -1, 0, 0), (-1, 0, 0, 0)),
)


class QuaternionMatrix(nn.Module):
    """A matrix (m, n) for row vectors, y = x Q, that multiplies by quaternions.

    The quarters of x and y are the components of quaternions, and with the parts a, b, c, d, each
    (m/4, n/4), Q = [[a, b, c, d], [-b, a, d, -c], [-c, -d, a, b], [-d, c, -b, a]]: the sum over the
    four units of the Kronecker product of the unit's real matrix and its part. Starts with a = 0
    and b, c, d uniform in 0..1.

    Source: Parcollet et al., arXiv 1806.04418; the table and the start as in SAM-COBOT.

    Raises:
        UserError: if m or n is not a multiple of 4.
    """

    units: Tensor

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        if rows % 4 or columns % 4:
            raise UserError(f"a quaternion matrix of {rows} x {columns} needs multiples of 4.")
        self.parts = nn.Parameter(torch.rand(4, rows // 4, columns // 4))
        with torch.no_grad():
            self.parts[0] = 0
        self.register_buffer("units", torch.tensor(UNITS).float(), persistent=False)

    def forward(self) -> Tensor:
        """Q (m, n)."""
        return torch.einsum("uij,umn->imjn", self.units, self.parts).flatten(2).flatten(0, 1)
