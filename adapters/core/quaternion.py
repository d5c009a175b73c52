"""Matrices of quaternions: linear maps with a quarter of the parameters."""

import torch
from torch import Tensor, nn

from adapters.core.errors import UserError


class QuaternionMatrix(nn.Module):
    """A matrix (m, n) for row vectors, y = x Q, made of four blocks (m/4, n/4) by Hamilton's product.

    Q = [[a, b, c, d], [-b, a, d, -c], [-c, -d, a, b], [-d, c, -b, a]], so that the four quarters of
    x and y are the components of quaternions. Starts with a = 0 and b, c, d uniform in 0..1.

    Source: Parcollet et al., arXiv 1806.04418; the table and the start as in SAM-COBOT.

    Raises:
        UserError: if m or n is not a multiple of 4.
    """

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        if rows % 4 or columns % 4:
            raise UserError(f"a quaternion matrix of {rows} x {columns} needs multiples of 4.")
        shape = (rows // 4, columns // 4)
        self.a = nn.Parameter(torch.zeros(shape))
        self.b, self.c, self.d = (nn.Parameter(torch.rand(shape)) for _ in range(3))

    def forward(self) -> Tensor:
        """Q (m, n)."""
        a, b, c, d = self.a, self.b, self.c, self.d
        table = ((a, b, c, d), (-b, a, d, -c), (-c, -d, a, b), (-d, c, -b, a))
        return torch.cat([torch.cat(row, dim=1) for row in table])
