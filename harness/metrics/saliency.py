"""The scores of the literature on salient and camouflaged objects, by pysodmetrics.

Import it late: OpenCV and scikit-image come with it.
"""

import numpy as np
from numpy.typing import NDArray
from py_sod_metrics import MAE, Emeasure, Smeasure, WeightedFmeasure

BETAS = np.array([1.0, 0.3])  # what pysodmetrics calls beta is β²


def saliency_scores(
    probability: NDArray[np.floating], truth: NDArray[np.bool_]
) -> dict[str, float]:
    """MAE, S-measure, E-measure and both weighted F-measures of one image (H, W)."""
    normalised = min_max_normalised(probability)
    mae, structure, alignment = MAE(), _StructureMeasure(alpha=0.5), Emeasure()
    # Betas enter by broadcasting: one distance transform, the slow part, serves both.
    weighted_f = WeightedFmeasure(beta=BETAS)
    for measure in (mae, structure, alignment, weighted_f):
        measure.step(normalised, truth, normalize=False)
    of_betas = np.broadcast_to(weighted_f.weighted_fms[0], BETAS.shape)
    return {
        "mae": float(mae.get_results()["mae"]),
        "s_measure": float(structure.get_results()["sm"]),
        "e_measure": float(alignment.get_results()["em"]["curve"].mean()),
        "weighted_f": float(of_betas[0]),
        "weighted_f_03": float(of_betas[1]),
    }


def min_max_normalised(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """(H, W) stretched to 0..1, in float64; a constant stays as it is."""
    values = probability.astype(np.float64)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values


class _StructureMeasure(Smeasure):
    """The S-measure, also where the object's centre lies in the last row or column.

    Two of the four quarters are empty then. Their weight is 0, but the original's score of nothing
    is not a number, and with it the whole measure.
    """

    def ssim(self, pred: NDArray[np.float64], gt: NDArray[np.bool_]) -> float:
        return float(super().ssim(pred, gt)) if pred.size else 0.0
