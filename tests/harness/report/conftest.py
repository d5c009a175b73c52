from dataclasses import replace

import pytest
from synthetic_records import crowd

from samfit.adapters.core.registry import adapter_class, adapter_names


@pytest.fixture
def every_adapter():
    """Made-up predictions for all adapters; those of one kind need nearly the same."""
    adapters = {name: adapter_class(name) for name in adapter_names()}
    return [
        replace(record, method=replace(record.method, title=adapters[record.cell.adapter].title))
        for record in crowd({name: one.encoder_gradients for name, one in adapters.items()})
    ]
