"""Graphics cards, and how much of their memory PyTorch's allocator can have. Needs no torch.

Cards are sold by binary gigabytes. The driver keeps some of these, more with a newer driver and
much more where ECC is on, and reports the rest as the card's total. Of that, each process's CUDA
context, which holds the kernels, takes some outside of PyTorch's allocator. What is left is
``Card.usable_bytes``, if nothing else runs on the card; a desktop does.

Totals, in ``cards.csv``, are the lowest that a program was found to be told by CUDA on Linux: in
messages of CUDA out of memory, as GiB to two places, here rounded down; or in logs, most of them of
YOLO, found with a search that gives no addresses, so that the words stand for them. A log of an RTX
A5000 with ECC on says 22721MiB. A derived total lacks as much as that of the card of the same
generation, alike in ECC, whose driver keeps the most. Windows reports nearly all that is sold
(12.00 GiB of an RTX 3060: https://github.com/ToTheBeginning/PuLID/issues/13), but the desktop has
its part of that.

Multiprocessors are the CUDA cores of NVIDIA's data sheets and whitepapers, divided by what one has:
64 where the compute capability is 6.0, 7.x or 8.0, else 128. Of the A10G and the B200, whose data
sheets do not say, logs give them: multi_processor_count=80, and 148.

Contexts, in ``contexts.csv``, are right to about 15 MiB. Messages of CUDA out of memory give what a
process has in use, what PyTorch allocated and what it reserved beyond that; the context is the
rest. These are the largest found, leaving out processes in which other libraries held gigabytes,
and messages that somebody made up. Two of an H100 NVL give 768 MiB, half as much again as those of
an H200, of the same generation: they are left out, as if another library had the rest. Small cards
take less: 120 MiB was found on one of 6 GB.

PyTorch 2.14's wheels for CUDA 13 have kernels from compute capability 7.5 on; cards below it need
those for CUDA 12.6 (``PYTORCH_RELEASES_CODE_CC`` in torch/cuda/__init__.py).
"""

import csv
import difflib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from samfit.errors import UserError
from samfit.units import GIB, MIB

LARGE_ENOUGH = 2**42  # bytes
AMPERE = (8, 0)  # the first that computes in bfloat16
# What makes no difference in a name, and what does for some cards only: H100 PCIe.
_COMMON = re.compile(
    r"nvidia|geforce|tesla|quadro|gtx|rtx|generation|gpu"
    r"|blackwell|(maxq)?workstationedition|serveredition"
)
_FORM = re.compile(r"sxm\d?|pcie|hbm\d?e?")
_MEMORY_OF_CPU = re.compile(r"(?<=gh200)[ _-]?(120|480) ?gb")  # part of its name


@dataclass(frozen=True)
class Card:
    """A card as it is sold.

    Attributes:
        name: with the memory where a name is sold with several sizes.
        multiprocessors: how many streaming multiprocessors it has.
        nominal_bytes: what it is sold with.
        total_bytes: what the driver reports.
        context_bytes: what a CUDA context takes of it.
        total_source, context_source: where these two come from.
    """

    name: str
    compute_capability: str
    multiprocessors: int
    nominal_bytes: int
    total_bytes: int
    total_source: str
    context_bytes: int
    context_source: str

    @property
    def sold_gb(self) -> int:
        """The memory in the card's advertisement: so many GB, which are GiB."""
        return self.nominal_bytes // GIB

    @property
    def measured(self) -> bool:
        """Whether total and context were measured; else one or both are derived."""
        return not any(s.startswith("derived: ") for s in (self.total_source, self.context_source))

    @property
    def usable_bytes(self) -> int:
        """What is left for PyTorch's allocator."""
        return self.total_bytes - self.context_bytes

    @property
    def computes_in_bfloat16(self) -> bool:
        """Whether the card has units for it."""
        return tuple(map(int, self.compute_capability.split("."))) >= AMPERE


def find_card(name: str) -> Card:
    """The card of a name, as written by hand ("rtx3060", "A100 80GB") or by the driver.

    Raises:
        UserError: for a name that no card has, or several have.
    """
    key, gib = _key_and_size(name)
    keys = {card: _key_and_size(card.name)[0] for card in CARDS}
    if key not in keys.values():
        key = _FORM.sub("", key)
    alike = [card for card in CARDS if keys[card] == key]
    found = [card for card in alike if gib in (None, card.sold_gb)]
    if len(found) == 1:
        return found[0]
    close = difflib.get_close_matches(key, set(keys.values()), n=3)
    near = found or alike or [card for card in CARDS if keys[card] in close] or CARDS
    choice = f"choose from {', '.join(card.name for card in near)}"
    if found:
        raise UserError(f"card {name!r} is the name of several: {choice}.")
    memory = f"--memory {gib}GB" if gib else "such as --memory 48GB"
    raise UserError(
        f"card {name!r} is not known: {choice}; or give samfit fit its memory, {memory}."
    )


def card_of_capability(compute_capability: str) -> Card:
    """The card that stands for a compute capability such as "8.6": that with the most
    multiprocessors; of several, that with the most memory.

    Raises:
        UserError: for a compute capability that no card has.
    """
    alike = [card for card in CARDS if card.compute_capability == compute_capability]
    if not alike:
        known = sorted({card.compute_capability for card in CARDS}, key=float)
        raise UserError(
            f"no card of compute capability {compute_capability!r} is known: choose from "
            f"{', '.join(known)}."
        )
    return max(alike, key=lambda card: (card.multiprocessors, card.usable_bytes))


def unnamed_card(text: str) -> Card:
    """A card of which only the memory is known, ``parse_memory`` of ``text``.

    It is taken to be the total that the driver reports, and the context to be the largest known.

    Raises:
        UserError: for what is no size, or leaves nothing beside the context.
    """
    total = parse_memory(text)
    context, source = context_of("")
    if total <= context:
        raise UserError(
            f"memory {text!r} is too little: a CUDA context alone may take {context // MIB} MiB."
        )
    alike = card_of_capability("8.0")
    return Card(
        text.strip(), alike.compute_capability, alike.multiprocessors, total, total,
        _as_given(text.strip(), total), context, source,
    )  # fmt: skip


def large_enough(card: Card) -> Card:
    """``card``, with more memory than any step takes."""
    return replace(card, total_bytes=LARGE_ENOUGH)


def limited_to(card: Card, usable_bytes: int) -> Card:
    """``card``, with so much memory for PyTorch."""
    return replace(card, total_bytes=usable_bytes + card.context_bytes)


def context_of(compute_capability: str) -> tuple[int, str]:
    """Bytes of a CUDA context on cards of this compute capability, and where the figure is from.

    For those that are not known stands the largest of the same generation, if there is one, else of
    any.
    """
    if compute_capability in _CONTEXTS:
        return _CONTEXTS[compute_capability]
    generation = compute_capability.split(".")[0]
    alike = [other for other in _CONTEXTS if other.split(".")[0] == generation] or _CONTEXTS
    largest = max(alike, key=lambda other: _CONTEXTS[other])
    nbytes, _ = _CONTEXTS[largest]
    return nbytes, f"derived: the {nbytes // MIB} MiB of compute capability {largest}"


def parse_memory(text: str) -> int:
    """Bytes of a size as it is written: 8GiB and 8192MiB are binary, 8GB and 8G are decimal.

    Raises:
        UserError: for a size without a unit, or none at all.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([mgt])(i?)b?", text.strip().replace(" ", "").lower())
    size = 0
    if match:
        number, prefix, binary = match.groups()
        size = int(float(number) * (1024 if binary else 1000) ** (2 + "mgt".index(prefix)))
    if not size:
        raise UserError(f"memory {text!r} is not a size: give a number and a unit, such as 8GiB.")
    return size


def _as_given(text: str, nbytes: int) -> str:
    """The source of a size that was given; says how it was read where it may be meant otherwise."""
    if "i" in text.lower():
        return "as given"
    binary = re.sub("([MGT])B?$", r"\1iB", text.upper())
    return f"as given: {text} is {nbytes:,} bytes; a card sold with {text} has {binary}"


def _key_and_size(name: str) -> tuple[str, int | None]:
    """What tells cards apart, and the GiB if they are part of the name."""
    name = _MEMORY_OF_CPU.sub("", name.lower())
    size = re.search(r"(?<![a-z\d])(\d+) ?g(i?b)?\b", name)
    if size:
        name = name.replace(size[0], " ")
    key = _COMMON.sub("", re.sub(r"[^a-z\d]", "", name))
    return key, int(size[1]) if size else None


def _table(name: str) -> list[list[str]]:
    """The rows of a table beside this file, without its titles."""
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


# Compute capability: bytes of a context, and where the figure is from.
_CONTEXTS = {
    capability: (int(mib) * MIB, source) for capability, mib, source, _ in _table("contexts.csv")
}
CARDS = [
    Card(
        name, capability, int(count), int(gib) * GIB, int(mib) * MIB, source,
        *context_of(capability),
    )
    for name, capability, count, gib, mib, source in _table("cards.csv")
]  # fmt: skip

# One of each usual size, the smallest first: what is asked about where no card is named, and what
# plots and pages show. 8 and 24 GB are those that people ask about most.
COMMON_CARDS = tuple(
    find_card(name)
    for name in ("RTX 3070", "RTX 3060", "RTX 4080", "RTX 3090", "RTX A6000", "A100 80GB")
)
MOST_ASKED_CARDS = tuple(card for card in COMMON_CARDS if card.sold_gb in (8, 24))
