"""Discs on noise, drawn when they are asked for."""

import numpy as np
import torch
from torch.utils.data import Dataset


class Discs(Dataset):
    """An image (3, size, size), its mask (1, size, size) and the box around it (4,)."""

    def __init__(self, length=64, size=1024, seed=0):
        self.length, self.size, self.seed = length, size, seed

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, index))
        radius = int(rng.integers(self.size // 16, self.size // 4))
        x, y = rng.integers(radius, self.size - radius, 2)
        rows, columns = np.ogrid[: self.size, : self.size]
        mask = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
        image = rng.random((3, self.size, self.size), dtype=np.float32) * 0.5 + mask * 0.5
        box = np.array([x - radius, y - radius, x + radius, y + radius], dtype=np.float32)
        return {
            "image": torch.from_numpy(image.astype(np.float32)),
            "mask": torch.from_numpy(mask[None].astype(np.float32)),
            "box": torch.from_numpy(box),
        }
