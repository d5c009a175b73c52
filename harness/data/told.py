"""What a user should know of files that could be read in another way."""

from collections.abc import Iterator, Sequence

from samfit.harness.data.files.contents import Contents
from samfit.harness.data.listing import Files
from samfit.harness.data.source import ALL_PAGES


def told_of_files(pairs: Sequence[Files], contents: Sequence[Contents]) -> Iterator[str]:
    """A sentence on each kind of files of which parts are not read, or may mean something else."""
    others = [files.image.path for files, one in zip(pairs, contents, strict=True) if one.others]
    if others:
        yield (
            f"{len({*others}):,} files hold pictures of other sizes, too, such as thumbnails, "
            f"which are not read: {others[0].name}."
        )
    channels = [files.image.path for files in pairs if files.image.page == ALL_PAGES]
    if channels:
        yield (
            f"{len(channels):,} images have pages that nobody named, and one mask: the pages are "
            f"their channels. Slices need a mask of as many pages ({channels[0].name})."
        )
    if axes := next((one.axes for one in contents if one.axes), ""):
        yield f"volumes are read as slices along {axes}; --axis takes another."
