"""What a file in COCO's format says of images and objects, checked."""

import math
import operator
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from samfit.errors import UserError
from samfit.harness.data.listing import by_category, named_counts
from samfit.harness.data.outlines import Outline


class OnlyBoxesError(UserError):
    """Annotations that draw no object: masks may be there in another layout."""


class Image(NamedTuple):
    """An image.

    Attributes:
        id: what annotations call it.
        name: of its file, folders included.
        size: height and width.
    """

    id: Any
    name: str
    size: tuple[int, int]


class Objects:
    """The objects of several files, whose categories are one list.

    Attributes:
        names: of the categories, by index.
        counts: of the objects of each category.
        left_out: how many annotations are no objects, by reason.
    """

    def __init__(self) -> None:
        self.names = list[str]()
        self.counts = Counter[int]()
        self.left_out = Counter[str]()

    def read(self, file: Path, content: Mapping[str, Any]) -> dict[Any, list[Outline]]:
        """The objects of each image of a file.

        Raises:
            UserError: if an annotation is not valid.
        """
        categories = self._categories(file, content)
        images = {image["id"] for image in content["images"]}
        found = defaultdict[Any, list[Outline]](list)
        for index, annotation in enumerate(content["annotations"]):
            try:
                outline = self._outline(annotation, categories)
                if annotation["image_id"] not in images:
                    self.left_out["of images that the file does not list"] += 1
                elif outline:
                    found[annotation["image_id"]].append(outline)
                    self.counts[outline.category] += 1
            except KeyError as error:
                raise _wrong(file, annotation, index, f"has no {error.args[0]}") from error
            except (TypeError, ValueError) as error:
                raise _wrong(file, annotation, index, f"has {error}") from error
        return found

    def remarks(self) -> Iterator[str]:
        """How many objects of which categories there are, and what is none."""
        yield by_category(self.counts, self.names)
        if +self.left_out:
            yield f"left out: {self.why()}."

    def why(self) -> str:
        """How many annotations are no objects, by reason."""
        return named_counts(+self.left_out) or "it has none"

    def _categories(self, file: Path, content: Mapping[str, Any]) -> dict[Any, int]:
        """The index of each category's id; categories of one name in several files are one."""
        try:
            named = {
                each["id"]: str(each.get("name", each["id"]))
                for each in content.get("categories") or ()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{file} has categories without id: mend them.") from error
        self.names += [name for name in dict.fromkeys(named.values()) if name not in self.names]
        return {each: self.names.index(name) for each, name in named.items()}

    def _outline(
        self, annotation: Mapping[str, Any], categories: Mapping[Any, int]
    ) -> Outline | None:
        if annotation.get("iscrowd"):
            self.left_out["crowds (iscrowd)"] += 1
            return None
        shape = annotation.get("segmentation")
        if not shape:
            self.left_out["boxes without segmentation"] += 1
            return None
        category = annotation["category_id"] if categories else 0
        if category not in categories and categories:
            raise ValueError(f"a category_id, {category}, of no category")
        if isinstance(shape, Mapping):
            return Outline(shape, categories.get(category, 0))
        drawn = _polygons(shape)
        polygons = tuple(polygon for polygon in drawn if len(polygon) >= 6)
        self.left_out["polygons of less than 3 points"] += len(drawn) - len(polygons)
        if not polygons:
            return None
        return Outline(polygons, categories.get(category, 0))


def images_of(file: Path, content: Mapping[str, Any]) -> list[Image]:
    """The images that a file lists.

    Raises:
        UserError: if one has no name, id or size.
    """
    images = dict[Any, Image]()
    for each in content["images"]:
        try:
            size = operator.index(each["height"]), operator.index(each["width"])
            image = Image(each["id"], str(each["file_name"]).replace("\\", "/"), size)
            known = image.id in images
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{file} lists an image without id, file_name, height or width "
                f"({each.get('file_name', each.get('id'))}): add them."
            ) from error
        if known:
            raise UserError(f"{file} lists two images of id {image.id}: give them other ids.")
        images[image.id] = image
    return list(images.values())


def _wrong(file: Path, annotation: Mapping[str, Any], index: int, why: str) -> UserError:
    return UserError(f"annotation {annotation.get('id', index)} of {file} {why}: mend it.")


def _polygons(shape: Any) -> Sequence[Sequence[float]]:
    """A list of lists; some tools write a single one alone."""
    if not isinstance(shape, list):
        raise ValueError(f"{shape!r:.50} for a segmentation")
    lists = shape if all(isinstance(polygon, list) for polygon in shape) else [shape]
    try:
        polygons = [array("d", polygon) for polygon in lists]
    except (TypeError, OverflowError) as error:
        raise ValueError("a coordinate that is no number") from error
    for polygon in polygons:
        if len(polygon) % 2:
            raise ValueError("a polygon of an odd number of coordinates")
        if not math.isfinite(sum(polygon)):
            raise ValueError("a coordinate that is not finite")
    return polygons
