"""What both forms of SAM-COBOT share: communication between blocks, and mixing inside a block.

Source: Peng et al., arXiv 2311.17112.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from samfit.adapters.core.base import SerialSettings
from samfit.adapters.parts.quaternion import QuaternionMatrix
from samfit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class CobotSettings(SerialSettings):
    """Hyper-parameters of both forms of SAM-COBOT.

    Attributes:
        ibc: inter-block communication: weigh the bottleneck's channels by coefficients that all
            blocks share through a relation matrix.
        ibe: intra-block enhancement: mix the bottleneck's channels with a hyper-complex matrix.
        mixer: the matrix of ``ibe``: ``quaternion``, or ``linear``: a plain one, as one of the two
            official training scripts has it.
    """

    ibc: bool = True
    ibe: bool = True
    mixer: Literal["quaternion", "linear"] = "quaternion"


class Relation(nn.Module):
    """R = C P (r, t): one column of channel weights for each of t bottlenecks.

    C (1, r, t) starts at one and the relation matrix P (t, t) as the identity, so that R is one.
    """

    def __init__(self, rank: int, bottlenecks: int) -> None:
        super().__init__()
        self.C = nn.Parameter(torch.ones(1, rank, bottlenecks))
        self.P = nn.Parameter(torch.eye(bottlenecks))

    def column(self, index: int) -> Tensor:
        """The weights (r,) of one bottleneck."""
        return self.C[0] @ self.P[:, index]


class Mixing(nn.Module):
    """The matrix M = diag(R[:, i] + gamma) Q (r, r) between the two halves of a bottleneck.

    For row vectors: h -> h M weighs the channels, then mixes them. Gamma (r,) starts at one.
    Without inter-block communication the weights are left out, without intra-block enhancement Q
    is.
    """

    def __init__(self, rank: int, settings: CobotSettings, method: str) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(rank)) if settings.ibc else None
        self.mixer: nn.Module | None = None
        if settings.ibe and settings.mixer == "linear":
            self.mixer = nn.Linear(rank, rank, bias=False)
        elif settings.ibe:
            if rank % 4:
                raise UserError(
                    f"{method}: setting rank must be a multiple of 4 for quaternions, got {rank}: "
                    "choose another, or mixer=linear."
                )
            self.mixer = QuaternionMatrix(rank, rank)

    def matrix(self, shared: Tensor | None) -> Tensor | None:
        """M (r, r), given the bottleneck's column (r,) of the relation; None for the identity."""
        mixer = self.mixer.weight.T if isinstance(self.mixer, nn.Linear) else (
            self.mixer() if self.mixer is not None else None
        )  # fmt: skip
        if self.gamma is None or shared is None:
            return mixer
        weights = shared + self.gamma
        return torch.diag(weights) if mixer is None else weights[:, None] * mixer
