"""What every message to a user has in common."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from samfit import UserError


@contextmanager
def user_error(*words: str) -> Iterator[None]:
    """The block raises a ``UserError`` that is one sentence and contains each of ``words``."""
    with pytest.raises(UserError) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    assert not message.endswith(("..", ".?"))
    for word in words:
        assert word in message
