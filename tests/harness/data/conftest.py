"""Small pictures in folders."""

import numpy as np
import pytest
from PIL import Image

HALF = np.array([[0, 255], [255, 0]], dtype=np.uint8)  # a mask in black and white


@pytest.fixture
def tree(tmp_path):
    """Makes a folder with the pictures whose paths are given, each black and white, 2 x 2."""

    def make(*paths, below=""):
        root = tmp_path / below
        for path in paths:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(HALF).save(file)
        return root

    return make
