"""The challenges of the International Skin Imaging Collaboration, 2016 to 2018.

Source: the names of the archives at challenge.isic-archive.com/data.
"""

import re

from samfit.harness.data.layouts.matching import listed
from samfit.harness.data.layouts.names import Found
from samfit.harness.data.layouts.tree import Tree, stem
from samfit.harness.data.layouts.words import split_of
from samfit.harness.data.listing import Listing
from samfit.harness.data.reading import Reading

# Part 1 of 2016 and 2017 and task 1 of 2018 are masks of lesions; others are other tasks.
IMAGES = re.compile(r"^(ISBI2016_ISIC_Part1|ISIC-?2017|ISIC-?2018_Task1(-2)?)_(\w+_)(Data|Input)$")
MASKS = re.compile(r"^(ISBI2016_ISIC|ISIC-?201[78])_(\w+_)?(Part|Task)1_(\w+_)?GroundTruth$")


def read_isic(tree: Tree, reading: Reading) -> Listing | None:
    """Folders such as ``ISIC2018_Task1_Training_GroundTruth``, for segmenting lesions.

    Raises:
        UserError: if pairs are incomplete.
    """
    images, masks = list[Found](), list[Found]()
    for parts, names in tree.images():
        folder = parts[-1] if parts else ""
        split = split_of(folder) or "train"
        found = [Found(tree.path(parts, name), split) for name in names]
        if MASKS.match(folder):
            masks += found
        elif IMAGES.match(folder):
            images += [file for file in found if not stem(file.path.name).endswith("_superpixels")]
    if not images or not masks:
        return None
    return listed(tree.root, images, masks, reading)
