"""What there is: every adapter with its sizes on every backbone."""

from typing import Any

from torch._subclasses.fake_tensor import FakeTensorMode

from adapters.core.adapted import attach
from adapters.core.registry import adapter_class, adapter_names
from harness.sam.build import build_sam
from harness.sam.sizes import BACKBONES


def catalogue() -> list[dict[str, Any]]:
    """One entry an adapter, as JSON values; sizes come from building it, without data."""
    return [_entry(name) for name in adapter_names()]


def _entry(name: str) -> dict[str, Any]:
    method = adapter_class(name)
    with FakeTensorMode():
        counts = {
            backbone: attach(build_sam(backbone), name).parameter_counts() for backbone in BACKBONES
        }
    return {
        "name": name,
        "title": method.title,
        "source": method.source,
        "serial": method.encoder_gradients,
        "starts_as_identity": method.starts_as_identity,
        "mergeable": method.mergeable,
        "params": counts,
    }
