import pytest
from golden_case import GoldenCase


@pytest.fixture
def case(request) -> GoldenCase:
    """What ``golden_case.golden`` asks for."""
    return GoldenCase(*request.param)
