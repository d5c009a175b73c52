"""Several masks of one image: files with numbers or words after its name, or a folder of files."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from samfit.errors import UserError
from samfit.harness.data.layouts.names import (
    TOKENS,
    Found,
    alike,
    folded,
    numbered,
    without_ending,
    without_head,
)

SEPARATORS = " _.-"
Matched = dict[Found, list[Found]]  # the masks of each image


def take_numbered(images: Sequence[Found], masks: Sequence[Found], matched: Matched) -> list[Found]:
    """Adds masks in an image's folder, or called after it with a number; gives those left over.

    Args:
        images: all of a split.
        masks: those of which no image has the name.
        matched: the masks that images have already.

    Raises:
        UserError: if a mask may be that of one image, or one of several of another.
    """
    owners = _owners(images) if masks else {}
    taken = defaultdict[Found, list[Found]](list)
    left = []
    for mask in masks:
        image = _by_folder(mask, owners) or _by_number(mask, owners)
        if image:
            taken[image].append(mask)
        else:
            left.append(mask)
    if taken:
        _refuse_two_ways(taken, matched, owners)
    for image, theirs in taken.items():
        whole = matched.setdefault(image, [])
        if whole and any(way.number == 0 for mask in theirs for way in numbered(mask)):
            raise UserError(
                f"{whole[0].path} and {theirs[0].path} are both masks of {image.path}: if one of "
                "them holds all objects and the others one each, keep only one kind."
            )
        whole += theirs
    return left


def take_alone(images: Sequence[Found], masks: Sequence[Found], matched: Matched) -> list[Found]:
    """Adds masks in the folder of one image that has none, whatever they are called; gives others.

    ``7/image.png`` has ``7/mask_1.png``, and ``7/images/photo.png`` has ``7/masks/a.png``.
    """
    there = defaultdict[tuple[str, ...], list[Found]](list)
    for image in images if masks else ():
        there[image.place].append(image)
    alone = {
        place: found[0]
        for place, found in there.items()
        if place and len(found) == 1 and found[0] not in matched
    }
    left = []
    for mask in masks:
        if mask.place in alone:
            matched.setdefault(alone[mask.place], []).append(mask)
        else:
            left.append(mask)
    return left


def take_words(
    images: Sequence[Found], masks: Sequence[Found], matched: Matched, objects: bool
) -> list[Found]:
    """Adds masks that are called after an image and a word; gives those left over.

    Raises:
        UserError: if there are several words, and ``objects`` does not say what they are.
    """
    owners = _owners(images) if masks else {}
    left, words = [], dict[str, Found]()
    for mask in masks:
        image, word = _by_word(mask, owners)
        if image:
            matched.setdefault(image, []).append(mask)
            words.setdefault(word, mask)
        else:
            left.append(mask)
    several = len(words) > 1 or any(len(masks) > 1 for masks in matched.values())
    if words and several and not objects:
        some = ", ".join(sorted(words)[:8])
        first = next(iter(words.values()))
        raise UserError(
            f"masks are called after their image and {some} (such as {first.path}): "
            "--masks instances takes each file as an object; if they are classes, "
            "write one mask of class indices an image."
        )
    return left


def _owners(images: Sequence[Found]) -> Mapping[str, Found]:
    owners = dict[str, Found]()
    for key in (alike, without_ending, without_head):
        for image in images:
            owners.setdefault(key(image), image)
    return owners


def _by_folder(mask: Found, owners: Mapping[str, Found]) -> Found | None:
    """``masks/7/a.png`` is of ``images/7.png``, and ``7/masks/a.png`` of ``7/images/7.png``."""
    if not mask.place:
        return None
    folder = folded("/".join(mask.place))
    return owners.get(folder) or owners.get(f"{folder}/{folded(mask.place[-1])}")


def _by_number(mask: Found, owners: Mapping[str, Found]) -> Found | None:
    return next((owners[way.base] for way in numbered(mask) if way.base in owners), None)


def _by_word(mask: Found, owners: Mapping[str, Found]) -> tuple[Found | None, str]:
    parts = TOKENS.findall(alike(mask))
    for cut in range(len(parts) - 2, 0, -1):
        image = owners.get("".join(parts[:cut]))
        if image and parts[cut] in SEPARATORS:
            return image, "".join(parts[cut + 1 :])
    return None, ""


def _refuse_two_ways(
    taken: Mapping[Found, list[Found]], matched: Matched, owners: Mapping[str, Found]
) -> None:
    """``1_2`` may be the mask of image ``1_2``, or that of a second object in image ``1``."""
    for image, masks in matched.items():
        for mask in masks:
            other = _by_number(mask, owners)
            if other and other in taken and other != image:
                raise UserError(
                    f"{mask.path} may be the mask of {image.path} or one of several of "
                    f"{other.path}: rename the masks."
                )
