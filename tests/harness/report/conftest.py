from dataclasses import replace

import pytest
from synthetic_records import predicted

from samfit.adapters.core.registry import adapter_class, adapter_names


@pytest.fixture
def every_adapter():
    """Made-up predictions for all adapters; those of one kind need nearly the same."""
    records = []
    for number, name in enumerate(adapter_names()):
        adapter = adapter_class(name)
        per_image = (6.5 if adapter.encoder_gradients else 2.5) * (1 + number / 500)
        for batch in (1, 2, 4, 8, 16):
            record = predicted(
                name, batch, per_image * batch, serial=adapter.encoder_gradients,
                trainable=4_000_000 + 10_000 * number,
            )  # fmt: skip
            records.append(replace(record, method=replace(record.method, title=adapter.title)))
    return records
