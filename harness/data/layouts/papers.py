"""The papers' data sets, as their authors distribute them.

Sources of counts and layouts: SAM-Adapter's paper (arXiv 2304.09148) and configurations for COD10K,
CAMO, CHAMELEON and ISTD; PraNet's code (DengPingFan/PraNet) for the polyp sets; Trans2Seg's code
(xieenze/Trans2Seg) for Trans10K v2. The others are as commonly given, not verified against files.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One split.

    Attributes:
        images, masks: patterns of their files, in any case; they are matched by name.
        count: of images.
    """

    images: str
    masks: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A data set; for each split, the ways in which it is distributed.

    Attributes:
        title: as papers call it.
        classes, class_names: as for a ``DataSet``.
    """

    title: str
    classes: int = 1
    class_names: tuple[str, ...] = ()
    train: tuple[Part, ...] = ()
    val: tuple[Part, ...] = ()
    test: tuple[Part, ...] = ()


def _in(folder: str, images: str, masks: str, count: int) -> Part:
    return Part(f"{folder}/{images}/*", f"{folder}/{masks}/*", count)


def _isic(split: str, count: int) -> Part:
    images, masks = f"{split}_Data/*.jpg", f"{split}_Part1_GroundTruth/*_segmentation.png"
    return Part(f"ISIC-2017_{images}", f"ISIC-2017_{masks}", count)


# Training sets that are packed together: COD10K's and CAMO's, Kvasir-SEG's and CVC-ClinicDB's.
CAMOUFLAGE = _in("TrainDataset", "Imgs", "GT", 4040)
POLYPS = _in("TrainDataset", "image*", "mask*", 1450)

PAPERS = {
    "cod10k": Paper(
        title="COD10K",
        train=(_in("Train", "Image", "GT_Object", 3040), CAMOUFLAGE),
        test=(
            _in("Test", "Image", "GT_Object", 2026),
            _in("TestDataset/COD10K", "Imgs", "GT", 2026),
        ),
    ),
    "camo": Paper(
        title="CAMO",
        train=(Part("Images/Train/*", "GT/*", 1000), CAMOUFLAGE),
        test=(Part("Images/Test/*", "GT/*", 250), _in("TestDataset/CAMO", "Imgs", "GT", 250)),
    ),
    "chameleon": Paper(
        title="CHAMELEON",
        test=(Part("Imgs/*", "GT/*", 76), _in("TestDataset/CHAMELEON", "Imgs", "GT", 76)),
    ),
    "istd": Paper(
        title="ISTD",
        train=(_in("train", "train_A", "train_B", 1330),),
        test=(_in("test", "test_A", "test_B", 540),),
    ),
    "sbu": Paper(
        title="SBU",
        train=(_in("SBUTrain4KRecoveredSmall", "ShadowImages", "ShadowMasks", 4089),),
        test=(_in("SBU-Test", "ShadowImages", "ShadowMasks", 638),),
    ),
    "kvasir": Paper(
        title="Kvasir-SEG",
        train=(Part("images/*", "masks/*", 1000), POLYPS),
        test=(_in("TestDataset/Kvasir*", "images", "masks", 100),),
    ),
    "cvc_clinicdb": Paper(
        title="CVC-ClinicDB",
        train=(POLYPS,),
        test=(_in("TestDataset/CVC-ClinicDB", "images", "masks", 62),),
    ),
    "cvc_colondb": Paper(
        title="CVC-ColonDB",
        test=(_in("TestDataset/CVC-ColonDB", "images", "masks", 380),),
    ),
    "cvc_300": Paper(
        title="CVC-300",
        test=(_in("TestDataset/CVC-300", "images", "masks", 60),),
    ),
    "etis": Paper(
        title="ETIS-LaribPolypDB",
        test=(_in("TestDataset/ETIS*", "images", "masks", 196),),
    ),
    "isic2017": Paper(
        title="ISIC 2017",
        train=(_isic("Train*", 2000),),
        val=(_isic("Val*", 150),),
        test=(_isic("Test*", 600),),
    ),
    "leaf_disease": Paper(
        title="Leaf disease",
        train=(Part("images/*", "masks/*", 588),),
    ),
    "roads": Paper(
        title="Massachusetts roads",
        train=(_in("tiff", "train", "train_labels", 1108),),
        val=(_in("tiff", "val", "val_labels", 14),),
        test=(_in("tiff", "test", "test_labels", 49),),
    ),
    "trans10k_v1": Paper(
        title="Trans10K v1",
        classes=3,
        train=(_in("train", "images", "masks", 5000),),
        val=(_in("validation/*", "images", "masks", 1000),),
        test=(_in("test/*", "images", "masks", 4428),),
    ),
    "trans10k_v2": Paper(
        title="Trans10K v2",
        classes=12,
        class_names=(
            "background", "shelf", "jar or tank", "freezer", "window", "glass door", "eyeglass",
            "cup", "floor glass", "glass bowl", "water bottle", "storage box",
        ),
        train=(_in("train", "images", "masks_12", 5000),),
        val=(_in("validation", "images", "masks_12", 1000),),
        test=(_in("test", "images", "masks_12", 4428),),
    ),
}  # fmt: skip
