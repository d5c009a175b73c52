"""Which blocks of an encoder a setting names. Needs no torch."""

from samfit.errors import UserError


def chosen_blocks(text: str, count: int) -> tuple[int, ...]:
    """The indices that ``text`` names, such as "9-11" or "0,5-7", of ``count`` blocks.

    Raises:
        UserError: if it names no such block, or one twice.
    """
    found: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            begin, end = int(first), int(last if dash else first)
            found += range(begin, end + 1) if 0 <= begin <= end < count else [count]
    except ValueError:
        found = []
    if not found or found != sorted(set(found)) or found[-1] >= count:
        raise UserError(
            f"setting blocks must be such as 9-11 or 0,5-7, in order and from 0 to {count - 1}, "
            f"since the image encoder has {count} blocks; got {text!r}."
        )
    return tuple(found)
