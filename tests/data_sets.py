"""Small data sets as people have them, written to a folder, and what is right about each."""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy as np
import tifffile
from PIL import Image

SIDE = 48
CASES: dict[str, Callable[[Path], "Right"]] = {}


@dataclass(frozen=True)
class Right:
    """What is right about a data set.

    Attributes:
        masks: (n, H, W) of truth: 0 and 1, class indices, or any id above 0; in order of names.
        says: fields of its summary, or of its ``masks``.
        remarks: words that its remarks must hold.
        refused: words of the sentence that refuses it, if it is to be refused.
        settled: options with which it is read all the same.
    """

    masks: list[np.ndarray]
    says: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    settled: dict[str, Any] = field(default_factory=dict)


def case(make: Callable[[Path], Right]) -> Callable[[Path], Right]:
    CASES[make.__name__] = make
    return make


def rng_of(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def discs(name: str, count: int = 2, side: int = SIDE) -> np.ndarray:
    """A binary mask of a few discs."""
    rng, mask = rng_of(name), np.zeros((side, side), np.uint8)
    rows, columns = np.ogrid[:side, :side]
    for _ in range(count):
        row, column, radius = [*rng.integers(8, side - 8, 2).tolist(), int(rng.integers(4, 9))]
        mask[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 1
    return mask


def bands(name: str, classes: int) -> np.ndarray:
    """Class indices, each class in several places."""
    rng = rng_of(name)
    blocks = rng.permutation(np.arange(64) % classes).reshape(8, 8)
    return np.kron(blocks, np.ones((SIDE // 8, SIDE // 8))).astype(np.uint8)


def ids(count: int, first: int = 1) -> np.ndarray:
    """As many square objects with ids of their own."""
    per_row = int(np.ceil(np.sqrt(count)))
    mask = np.zeros((per_row * 11, per_row * 11), np.int64)
    for index in range(count):
        row, column = divmod(index, per_row)
        mask[row * 11 + 1 : row * 11 + 9, column * 11 + 1 : column * 11 + 9] = first + index
    return mask


def photograph(mask: np.ndarray, name: str, channels: int = 3) -> np.ndarray:
    """An image of 8 bits in which what is in the mask is brighter."""
    noise = rng_of(name).integers(0, 30, (*mask.shape, channels))
    return (60 + 100 * (mask > 0)[..., None] + noise).astype(np.uint8).squeeze()


def write(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".tif":
            colour = values.ndim == 3 and values.shape[2] == 3
            tifffile.imwrite(path, values, photometric="rgb" if colour else "minisblack")
        case ".npy":
            np.save(path, values)
        case ".jpg":
            Image.fromarray(values).save(path, quality=95, subsampling=0)
        case ".png" if values.dtype == np.uint16 and values.ndim == 3:
            cv2.imwrite(str(path), values[..., ::-1])  # which Pillow cannot
        case _:
            Image.fromarray(values).save(path)


def folders(
    root: Path,
    masks: list[np.ndarray],
    stored: Callable[[np.ndarray], np.ndarray] = lambda mask: mask.astype(np.uint8),
    suffix: str = ".png",
    image_suffix: str = ".png",
    image: Callable[[np.ndarray, str], np.ndarray] = photograph,
) -> None:
    """``images/0.png`` and ``masks/0.png``, and so on."""
    for index, mask in enumerate(masks):
        write(root / "images" / f"{index}{image_suffix}", image(mask, f"{index}"))
        write(root / "masks" / f"{index}{suffix}", stored(mask))


BINARY = [discs(str(index)) for index in range(4)]


@case
def inst8_200(root: Path) -> Right:
    masks = [ids(200) for _ in range(3)]
    for index, mask in enumerate(masks):
        mask[np.isin(mask, [2 + index, 77 + index])] = 0
    folders(root, masks)
    return Right(masks, {"kind": "instances", "instances": 3 * 198, "classes": 1})


@case
def inst16_few(root: Path) -> Right:
    masks = [ids(30) for _ in range(3)]
    folders(root, masks, lambda mask: mask.astype(np.uint16), ".tif")
    return Right(masks, {"kind": "instances", "instances": 90})


@case
def inst_silent(root: Path) -> Right:
    masks = [(ids(300) == 7).astype(int) for _ in range(5)] + [ids(300)]
    folders(root, masks, lambda mask: mask.astype(np.uint16), ".tif")
    return Right(masks, {"kind": "instances", "instances": 305})


@case
def bin128(root: Path) -> Right:
    folders(root, BINARY, lambda mask: mask * np.uint8(128))
    return Right(BINARY, {"kind": "binary", "classes": 1}, remarks=("128",))


@case
def refuge(root: Path) -> Right:
    truth = []
    for index in range(3):
        mask = np.zeros((SIDE, SIDE), int)
        mask[8 + index : 40, 8:40] = 1
        mask[16:32, 16 + index : 32] = 2
        truth.append(mask)
    folders(root, truth, lambda mask: np.array([255, 128, 0], np.uint8)[mask], ".bmp")
    return Right(
        truth,
        {"kind": "coded", "classes": 3},
        refused=("0", "128", "255", "--classes"),
        settled={"classes": "255:0,128:1,0:2"},
    )


@case
def rgbmasks(root: Path) -> Right:
    truth = [bands(str(index), 3) for index in range(3)]
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
    folders(root, truth, lambda mask: colours[mask])
    return Right(
        truth,
        {"kind": "coded", "classes": 3},
        refused=("colours", "--classes"),
        settled={"classes": "000000:0,ff0000:1,00ff00:2"},
    )


@case
def ignore0(root: Path) -> Right:
    truth = [bands(str(index), 5) for index in range(4)]
    folders(root, truth)
    return Right(truth, {"kind": "classes", "classes": 5})


@case
def jpegmasks(root: Path) -> Right:
    folders(root, BINARY, lambda mask: mask * np.uint8(255), ".jpg")
    return Right(BINARY, {"kind": "soft", "classes": 1}, remarks=("grey levels",))


@case
def someempty(root: Path) -> Right:
    masks = [BINARY[0] * 0, *BINARY[1:], BINARY[0] * 0]
    folders(root, masks, lambda mask: mask * np.uint8(255))
    return Right(masks, {"kind": "binary", "empty": 2}, remarks=("2 of 5 masks are empty",))


@case
def c8(root: Path) -> Right:
    folders(root, BINARY, lambda mask: mask * np.uint8(255))
    return Right(BINARY, {"intensity_range": (0, 255)})


@case
def c16full(root: Path) -> Right:
    folders(root, BINARY, image_suffix=".tif", image=lambda m, n: in_16_bits(m, n, 257))
    return Right(BINARY, {"channels": 1}, remarks=("--intensity",))


@case
def c12in16(root: Path) -> Right:
    folders(root, BINARY, image_suffix=".tif", image=lambda m, n: in_16_bits(m, n, 16))
    return Right(BINARY, {"channels": 1}, remarks=("--intensity",))


def in_16_bits(mask: np.ndarray, name: str, times: int) -> np.ndarray:
    return photograph(mask, name, channels=1).astype(np.uint16) * np.uint16(times)


@case
def stack_tif(root: Path) -> Right:
    masks = [np.stack([discs(f"{index} {page}") for page in range(5)]) for index in range(2)]
    folders(root, masks, suffix=".tif", image_suffix=".tif", image=lambda m, n: m * np.uint8(99))
    truth = [page for mask in masks for page in mask]
    return Right(truth, {"images": 10, "pages": 5}, remarks=())


@case
def imagej_cyx(root: Path) -> Right:
    for index, mask in enumerate(BINARY):
        stains = np.stack([mask * np.uint8(80), mask * np.uint8(200), mask * 0])
        path = root / "images" / f"{index}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, stains, imagej=True, metadata={"axes": "CYX"})
        write(root / "masks" / f"{index}.tif", mask)
    return Right(BINARY, {"channels": 3, "images": 4, "pages": 1})


@case
def int64_mask(root: Path) -> Right:
    folders(root, BINARY, lambda mask: mask.astype(np.int64), ".tif")
    return Right(BINARY, {"kind": "binary"})


@case
def several(root: Path) -> Right:
    for index, mask in enumerate(BINARY):
        write(root / "images" / f"{index}.png", photograph(mask, ""))
        for part in range(3):
            file = root / "masks" / f"{index}_{part}.png"
            write(file, np.uint8(255) * discs(f"{index} {part}", 1))
    truth = [np.maximum.reduce([discs(f"{i} {part}", 1) for part in range(3)]) for i in range(4)]
    return Right(truth, {"kind": "instances", "instances": 12})


@case
def several_folders(root: Path) -> Right:
    right = several(root)
    for file in sorted((root / "masks").iterdir()):
        image, _, part = file.stem.partition("_")
        file.parent.joinpath(image).mkdir(exist_ok=True)
        file.rename(file.parent / image / f"mask_{part}.png")
    return right


@case
def coco(root: Path) -> Right:
    images, annotations, truth = [], [], []
    for index in range(3):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for place in range(index + 1):
            left, top = 4 + 14 * place, 6 + index
            mask[top : top + 10, left : left + 12] = 1
            polygon = [left, top, left + 12, top, left + 12, top + 10, left, top + 10]
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": index, "category_id": 1 + place % 2,
                    "segmentation": [polygon], "bbox": [left, top, 12, 10], "area": 120,
                    "iscrowd": 0,
                }
            )  # fmt: skip
        name = {"id": index, "file_name": f"{index}.jpg", "height": SIDE, "width": SIDE}
        images.append(name)
        write(root / "train" / f"{index}.jpg", photograph(mask, str(index)))
        truth.append(mask)
    categories = [{"id": 1, "name": "cell"}, {"id": 2, "name": "nucleus"}]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (root / "train/_annotations.coco.json").write_text(json.dumps(document))
    return Right(truth, {"kind": "instances", "instances": 6})


@case
def yolo(root: Path) -> Right:
    truth = []
    for index in range(3):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[12:24, 12 : 24 + 6 * index] = 1
        right = (24 + 6 * index) / SIDE
        write(root / "images/train" / f"{index}.jpg", photograph(mask, str(index)))
        labels = root / "labels/train" / f"{index}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text(f"0 0.25 0.25 {right} 0.25 {right} 0.5 0.25 0.5\n")
        truth.append(mask)
    return Right(truth, {"kind": "instances", "instances": 3})


CLASSES = [bands(str(index), 4) for index in range(3)]


def laid_out(
    root: Path, masks: list[np.ndarray], image: str, mask: str, times: int = 1
) -> list[np.ndarray]:
    """Pairs at paths in which {} stands for their number."""
    for index, values in enumerate(masks):
        write(root / image.format(index), photograph(values, str(index)))
        write(root / mask.format(index), values * np.uint8(times))
    return masks


@case
def voc(root: Path) -> Right:
    laid_out(root, CLASSES, "JPEGImages/{}.jpg", "SegmentationClass/{}.png")
    laid_out(root, CLASSES, "JPEGImages/{}.jpg", "SegmentationObject/{}.png")
    return Right(CLASSES, {"kind": "classes"}, remarks=("SegmentationObject",))


@case
def cityscapes(root: Path) -> Right:
    name = "train/aachen/aachen_00000{}"
    images, masks = "leftImg8bit/" + name + "_leftImg8bit.png", "gtFine/" + name
    laid_out(root, CLASSES, images, masks + "_gtFine_labelIds.png")
    return Right(CLASSES, {"kind": "classes"})


@case
def mmseg(root: Path) -> Right:
    laid_out(root, CLASSES, "img_dir/train/{}.jpg", "ann_dir/train/{}.png")
    return Right(CLASSES, {"kind": "classes", "classes": 4})


@case
def nnunet_png(root: Path) -> Right:
    laid_out(root, BINARY, "imagesTr/case_00{}_0000.png", "labelsTr/case_00{}.png")
    return Right(BINARY, {"kind": "binary"})


@case
def isic2016(root: Path) -> Right:
    part = "ISBI2016_ISIC_Part1_Training_"
    images, masks = part + "Data/ISIC_{}.jpg", part + "GroundTruth/ISIC_{}_Segmentation.png"
    laid_out(root, BINARY, images, masks, 255)
    return Right(BINARY, {"kind": "binary"})


@case
def samefolder(root: Path) -> Right:
    laid_out(root, BINARY, "train/{}_sat.jpg", "train/{}_mask.png", 255)
    return Right(BINARY, {"kind": "binary"})


@case
def npz(root: Path) -> Right:
    root.mkdir(exist_ok=True)
    for index, mask in enumerate(BINARY):
        image = photograph(mask, str(index), channels=1) / 255
        np.savez(root / f"case0000_slice00{index}.npz", image=image, label=mask)
    return Right(BINARY, {"kind": "binary", "channels": 1})


@case
def npy(root: Path) -> Right:
    for index, mask in enumerate(BINARY):
        write(root / "imgs" / f"{index}.npy", photograph(mask, str(index)) / 255)
        write(root / "gts" / f"{index}.npy", mask)
    return Right(BINARY, {"kind": "binary", "channels": 3})


@case
def nifti(root: Path) -> Right:
    for case_ in range(2):
        mask = np.stack([discs(f"{case_} {z}") for z in range(3)], axis=-1)
        for folder, values, name in (
            ("imagesTr", mask * np.int16(900) - np.int16(100), f"case_{case_}_0000.nii.gz"),
            ("labelsTr", mask, f"case_{case_}.nii.gz"),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), root / folder / name)
    truth = [discs(f"{case_} {z}") for case_ in range(2) for z in range(3)]
    return Right(truth, {"images": 6, "pages": 3})


@case
def csv(root: Path) -> Right:
    laid_out(root, BINARY, "a/i{}.png", "a/m{}.png")
    rows = [f"a/i{index}.png,a/m{index}.png" for index in range(4)]
    (root / "train.csv").write_text("\n".join(["photo,truth", *rows]) + "\n")
    return Right(
        BINARY,
        {"kind": "binary"},
        refused=("photo", "truth", "--columns"),
        settled={"columns": "photo,truth"},
    )
