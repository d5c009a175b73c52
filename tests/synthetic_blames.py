"""Made-up blames: round numbers that no model ever gave."""

from typing import Any

from hypothesis import strategies as st
from synthetic_records import GIB, MIB, predicted

from samfit.harness.memory.holders import Holder
from samfit.harness.predict.answers import Blame
from samfit.harness.trace.trace import CATEGORIES, FROZEN, OPTIMIZER, SAVED, TEMPORARIES

ENCODER = "sam.image_encoder"
PARTS = ("sam", "image_encoder", "blocks", "0", "1", "12", "attn", "mlp", "adapter")


def blamed(*holders: tuple[str, str, int], adapter: str = "lora", **fields: Any) -> Blame:
    """A blame of these holders, whose record has their sum as its peak."""
    total = sum(nbytes for _, _, nbytes in holders)
    record = predicted(adapter, peak_gib=total / GIB, **fields)
    ordered = sorted((Holder(*holder) for holder in holders), key=lambda h: -h.nbytes)
    return Blame(record, ordered)


def serial_blame(**fields: Any) -> Blame:
    """Twelve blocks keep activations, of which the third keeps more; the last is at work."""
    sizes = [4 if block == 2 else 1 for block in range(12)]
    kept = [(f"{ENCODER}.blocks.{i}.attn", SAVED, size * GIB) for i, size in enumerate(sizes)]
    return blamed(
        *kept,
        (f"{ENCODER}.blocks.11.attn", TEMPORARIES, 3 * GIB),
        (f"{ENCODER}.neck.0", FROZEN, 300 * MIB),
        ("", OPTIMIZER, 10 * MIB),
        serial=True,
        **fields,
    )


def parallel_blame(**fields: Any) -> Blame:
    """Nothing is kept; the third block is at work."""
    return blamed(
        (f"{ENCODER}.blocks.2.attn", TEMPORARIES, 3 * GIB),
        (f"{ENCODER}.neck.0", FROZEN, 300 * MIB),
        ("", OPTIMIZER, 20 * MIB),
        **{"adapter": "cad", **fields},
    )


modules = st.lists(st.sampled_from(PARTS), max_size=5).map(".".join)
sizes = st.integers(1, 2**40)
any_blame = st.dictionaries(
    st.tuples(modules, st.sampled_from(CATEGORIES)), sizes, min_size=1, max_size=40
).map(lambda held: blamed(*((*place, nbytes) for place, nbytes in held.items())))
