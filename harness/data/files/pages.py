"""Files of several pages: each page of an image, and of its mask, is a pair of its own."""

from collections.abc import Iterable, Sequence

from samfit.errors import UserError
from samfit.harness.data.files.read import probe
from samfit.harness.data.listing import Files
from samfit.harness.data.outlines import Outlines
from samfit.harness.data.source import ALL_PAGES, Source


def pages_of(pairs: Sequence[Files], axis: int = -1) -> list[Files]:
    """All pages of ``pairs``, in order; a pair of one page is as it was.

    Pages of an image whose file does not say what they are, and whose mask has a single one, are
    channels of that image.

    Args:
        pairs: as a layout lists them.
        axis: of volumes, along which slices are counted; -1 is the last.

    Raises:
        UserError: if a file cannot be read, or an image has other pages than its mask.
    """
    return [page for files in pairs for page in _pages(_along(files, axis))]


def _along(files: Files, axis: int) -> Files:
    if axis == -1:
        return files
    masks = files.masks
    if not isinstance(masks, Outlines):
        masks = tuple(source._replace(axis=axis) for source in masks)
    return files._replace(image=files.image._replace(axis=axis), masks=masks)


def _pages(files: Files) -> Iterable[Files]:
    image = probe(files.image)
    counts = {1}
    if not isinstance(files.masks, Outlines):
        counts = {probe(source).pages for source in files.masks}
    if counts == {image.pages} == {1}:
        return [files]
    if counts == {1} and image.unnamed:
        return [files._replace(image=files.image._replace(page=ALL_PAGES))]
    if counts != {image.pages}:
        raise UserError(
            f"{files.image.path} has {_counted(image.pages)}, but its mask has "
            f"{_counted(*counts)}: give a mask of as many pages."
        )
    return [_page(files, page, len(str(image.pages - 1))) for page in range(image.pages)]


def _page(files: Files, page: int, digits: int) -> Files:
    def of(source: Source) -> Source:
        return source._replace(page=page)

    assert not isinstance(files.masks, Outlines)
    masks = tuple(of(source) for source in files.masks)
    return Files(of(files.image), masks, f"{files.name}/{page:0{digits}}")


def _counted(*counts: int) -> str:
    shown = " or ".join(map(str, sorted(counts)))
    return f"{shown} page" if shown == "1" else f"{shown} pages"
