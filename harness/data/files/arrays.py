"""Arrays in numpy's files, which are never unpickled, and volumes in NIfTI files."""

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.fault import PictureError, library_missing
from samfit.harness.data.files.raster import Raster, Values
from samfit.harness.data.source import ALL_PAGES, Source

COLOURS = (1, 3, 4)  # lengths of an axis of channels


class _Array(NamedTuple):
    shape: tuple[int, ...]
    dtype: str


def arrays_in(path: Path) -> dict[str, _Array]:
    """Shape and type of each array in an ``.npz`` file, by its name; nothing else is read."""
    with path.open("rb") as whole, zipfile.ZipFile(whole) as archive:
        found = {}
        for name in archive.namelist():
            with archive.open(name) as file:
                found[name.removesuffix(".npy")] = _head(file)
        return found


def contents(source: Source) -> Contents:
    """What an array contains."""
    shape, dtype = _shape(source)
    if np.dtype(dtype).hasobject:
        raise PictureError("holds Python objects, which are never loaded: save plain numbers")
    pages, channels = _axes(source, shape)
    size = [n for axis, n in enumerate(shape) if axis not in (pages, channels)]
    if len(size) != 2:
        raise PictureError(
            f"holds an array of shape {shape}: give an image (H, W), (H, W, 3), or a volume of "
            "slices"
        )
    return Contents(
        height=size[0],
        width=size[1],
        channels=1 if channels is None else shape[channels],
        dtype=dtype,
        pages=1 if pages is None else shape[pages],
        unnamed=pages is not None and channels is None,
        axes="" if pages is None else f"axis {pages} of {shape}",
    )


def values(source: Source) -> Raster:
    """One page of an array: (H, W), or (H, W, C)."""
    array = _array(source)
    pages, channels = _axes(source, array.shape)
    if source.page == ALL_PAGES and pages is not None:
        return Raster(np.ascontiguousarray(np.moveaxis(array, pages, -1)))
    if pages is not None:
        array = array.take(source.page, pages)
        channels = channels - (channels > pages) if channels is not None else None
    if channels is not None:
        array = np.moveaxis(array, channels, -1)
        array = array[..., 0] if array.shape[2] == 1 else array
    return Raster(np.ascontiguousarray(array))


def _axes(source: Source, shape: tuple[int, ...]) -> tuple[int | None, int | None]:
    """The axis of pages, and that of channels; None for what there is not.

    A short axis at an end is one of channels, unless ``source.axis`` names it. A volume's pages lie
    along the axis that ``source.axis`` names, by default the last.
    """
    count, axis = len(shape), source.axis
    if count == 2:
        return None, None
    if is_volume(source.path):
        return axis % 3, 3 if count == 4 else None
    if count == 3 and axis == -1:
        small, last_large = shape[0] in COLOURS, min(shape[:2]) > max(COLOURS)
        if shape[2] in COLOURS and last_large:
            return None, 2
        if small and min(shape[1:]) > max(COLOURS):
            return None, 0
        square = shape[1] == shape[2] != shape[0]  # slices are most often square
        return 0 if square else 2, None
    if count == 4:
        return axis % 4 if axis != -1 else 0, 3 if shape[3] in COLOURS else 1
    return axis % count, None


def is_volume(path: Path) -> bool:
    """Whether a file is a NIfTI volume, by its name."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def _shape(source: Source) -> _Array:
    path = source.path
    if is_volume(path):
        image = _nifti(path)
        scaled = (image.dataobj.slope, image.dataobj.inter) != (1, 0)
        return _Array(tuple(image.shape), "float64" if scaled else str(image.get_data_dtype()))
    if path.suffix.lower() == ".npz":
        return _in_archive(source)
    with path.open("rb") as file:
        return _head(file)


def _in_archive(source: Source) -> _Array:
    found = arrays_in(source.path)
    if source.key not in found:
        raise PictureError(f"holds no array {source.key!r}: it has {', '.join(found) or 'none'}")
    return found[source.key]


def _array(source: Source) -> Values:
    path = source.path
    if is_volume(path):
        return np.asanyarray(_nifti(path).dataobj)
    if path.suffix.lower() == ".npz":
        # Opened here, because numpy leaves damaged archives open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return archive[source.key]
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _nifti(path: Path) -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise library_missing("nibabel", "medical") from error
    return nibabel.load(path)


def _head(file: Any) -> _Array:
    """Shape and type of an array, from the head of its file."""
    major, _ = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(file)
    return _Array(shape, "object" if dtype.hasobject else str(dtype))
