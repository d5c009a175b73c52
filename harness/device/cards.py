"""Graphics cards, and how much of their memory PyTorch's allocator can have. Needs no torch.

Cards are sold by binary gigabytes. The driver keeps some of these, more with a newer driver and
much more where ECC is on, and reports the rest as the card's total. Of that, each process's CUDA
context, which holds the kernels, takes some outside of PyTorch's allocator. What is left is
``Card.usable_bytes``, if nothing else runs on the card; a desktop does.

Totals are the lowest that PyTorch was found to report on Linux. Windows reports nearly all that is
sold (12.00 GiB of an RTX 3060: https://github.com/ToTheBeginning/PuLID/issues/13), but the desktop
has its part of that.
"""

import difflib
import re
from dataclasses import dataclass

from samfit.errors import UserError
from samfit.units import GIB, MIB

AMPERE = (8, 0)  # the first that computes in bfloat16
_COMMON = re.compile(r"nvidia|geforce|tesla|quadro|gtx|rtx|sxm\d?|pcie|hbm\d?e?|generation|gpu")


@dataclass(frozen=True)
class Card:
    """A card as it is sold.

    Attributes:
        name: with the memory where a name is sold with several sizes.
        nominal_bytes: what it is sold with.
        total_bytes: what the driver reports.
        context_bytes: what a CUDA context takes of it.
        total_source, context_source: where these two come from.
        measured: whether both were measured; else one or both are derived, as the source says.
    """

    name: str
    compute_capability: str
    nominal_bytes: int
    total_bytes: int
    context_bytes: int
    total_source: str
    context_source: str
    measured: bool

    @property
    def sold_gb(self) -> int:
        """The memory in the card's advertisement: so many GB, which are GiB."""
        return self.nominal_bytes // GIB

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
    alike = [card for card in CARDS if _key_and_size(card.name)[0] == key]
    found = [card for card in alike if gib in (None, card.sold_gb)]
    if len(found) == 1:
        return found[0]
    near = found or alike or _cards_like(key) or CARDS
    raise UserError(
        f"card {name!r} {'is the name of several' if found else 'is not known'}: "
        f"choose from {', '.join(card.name for card in near)}."
    )


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
    return Card(
        name=text.strip(),
        compute_capability="8.0",
        nominal_bytes=total,
        total_bytes=total,
        context_bytes=context,
        total_source="as given",
        context_source=source,
        measured=False,
    )


def context_of(compute_capability: str) -> tuple[int, str]:
    """Bytes of a CUDA context on cards of this compute capability, and where the figure is from.

    The largest known stands for those that are not.
    """
    if compute_capability in _CONTEXTS:
        mib, source = _CONTEXTS[compute_capability]
        return mib * MIB, source
    largest = max(mib for mib, _ in _CONTEXTS.values())
    return largest * MIB, f"derived: the largest of any compute capability, {largest} MiB"


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


def _key_and_size(name: str) -> tuple[str, int | None]:
    """What tells cards apart, and the GiB if they are part of the name."""
    name = name.lower()
    size = re.search(r"(?<![a-z\d])(\d+) ?g(i?b)?\b", name)
    if size:
        name = name.replace(size[0], " ")
    key = _COMMON.sub("", re.sub(r"[^a-z\d]", "", name))
    return key, int(size[1]) if size else None


def _cards_like(key: str) -> list[Card]:
    keys = {card.name: _key_and_size(card.name)[0] for card in CARDS}
    near = difflib.get_close_matches(key, set(keys.values()), n=3)
    return [card for card in CARDS if keys[card.name] in near]


def _log(words: str) -> str:
    return f"a log in a public repository: {words!r}"


_THREAD = "https://github.com/"

# Name, compute capability, GiB as sold, MiB in total, and where PyTorch reported these: in messages
# of CUDA out of memory, as GiB to two places, here rounded down; or in logs, most of them of YOLO,
# found with a search that gives no addresses, so that the words stand for them.
_MEASURED = [
    ("GTX 1080 Ti", "6.1", 11, 11_172, _log("NVIDIA GeForce GTX 1080 Ti, 11172MiB")),
    ("RTX 2060", "7.5", 6, 5_928, _THREAD + "facebookresearch/meshrcnn/issues/92"),
    ("RTX 2070 SUPER", "7.5", 8, 7_972, _log("NVIDIA GeForce RTX 2070 SUPER, 7972MiB")),
    ("RTX 2080 Ti", "7.5", 11, 11_018, _THREAD + "JDAI-CV/image-captioning/issues/11"),
    ("T4", "7.5", 16, 14_909, _THREAD + "Zheng-Chong/CatVTON/issues/133"),
    ("V100 16GB", "7.0", 16, 16_130, _log("Tesla V100-SXM2-16GB, 16130MB")),
    ("V100 32GB", "7.0", 32, 32_494, _log("Tesla V100-SXM2-32GB, 32494MiB")),
    ("A100 40GB", "8.0", 40, 40_377, _log("NVIDIA A100-PCIE-40GB, 40377MiB")),
    ("A100 80GB", "8.0", 80, 81_039, _THREAD + "lianqi1008/Control-GIC/issues/6"),
    ("RTX 3060", "8.6", 12, 12_032, _THREAD + "Kunhao-Liu/StyleGaussian/issues/12"),
    ("RTX 3070", "8.6", 8, 7_946, _THREAD + "sshan-zhao/GASDA/issues/19"),
    ("RTX 3080 10GB", "8.6", 10, 10_009, _log("NVIDIA GeForce RTX 3080, 10009MiB")),
    ("RTX 3080 12GB", "8.6", 12, 12_117, _log("NVIDIA GeForce RTX 3080, 12117MiB")),
    ("RTX 3080 Ti", "8.6", 12, 11_910, _log("NVIDIA GeForce RTX 3080 Ti, 11910.625MB")),
    ("RTX 3090", "8.6", 24, 24_258, _THREAD + "ucwxb/GraphAvatar/issues/4"),
    ("RTX A2000 12GB", "8.6", 12, 12_017, _log("NVIDIA RTX A2000 12GB, 12017MiB")),
    ("RTX A4000", "8.6", 16, 15_984, _THREAD + "DengKaiCQ/VGGT-Long/issues/6"),
    # With ECC on: 'NVIDIA RTX A5000, 22721MiB'.
    ("RTX A5000", "8.6", 24, 24_248, _log("NVIDIA RTX A5000, 24248MiB")),
    ("RTX A6000", "8.6", 48, 48_670, _THREAD + "ultralytics/ultralytics/issues/19084"),
    ("A10G", "8.6", 24, 22_587, _log("NVIDIA A10G', major=8, minor=6, total_memory=22587MB")),
    ("RTX 4060", "8.9", 8, 7_807, _log("NVIDIA GeForce RTX 4060, 7807MiB")),
    ("RTX 4060 Ti 8GB", "8.9", 8, 7_806, _log("NVIDIA GeForce RTX 4060 Ti, 7806MiB")),
    ("RTX 4070", "8.9", 12, 11_994, _log("NVIDIA GeForce RTX 4070, 11994MiB")),
    ("RTX 4070 Ti", "8.9", 12, 12_007, _log("NVIDIA GeForce RTX 4070 Ti, 12007MiB")),
    ("RTX 4070 Ti SUPER", "8.9", 16, 16_069, _log("NVIDIA GeForce RTX 4070 Ti SUPER, 16069MiB")),
    ("RTX 4080 SUPER", "8.9", 16, 15_944, _log("NVIDIA GeForce RTX 4080 SUPER, 15944MiB")),
    ("RTX 4090", "8.9", 24, 24_176, _THREAD + "pinokiofactory/flux-webui/issues/11"),
    ("RTX 6000 Ada", "8.9", 48, 45_496, _THREAD + "DINGYANB/MTVCrafter/issues/21"),
    ("L4", "8.9", 24, 22_563, _log("NVIDIA L4, 22563MiB")),
    ("L40S", "8.9", 48, 45_589, _log("NVIDIA L40S', major=8, minor=9, total_memory=45589MB")),
    ("H100", "9.0", 80, 81_008, _THREAD + "vllm-project/vllm/issues/27508"),
    ("H200", "9.0", 141, 143_156, _log("NVIDIA H200, 143156MiB")),
    ("RTX 5060 Ti 16GB", "12.0", 16, 15_848, _log("NVIDIA GeForce RTX 5060 Ti, 15848MiB")),
    ("RTX 5080", "12.0", 16, 15_840, _log("NVIDIA GeForce RTX 5080, 15840MiB")),
    ("RTX 5090", "12.0", 32, 32_112, _THREAD + "TrajectoryCrafter/TrajectoryCrafter/issues/20"),
]  # fmt: skip

# Name, GiB as sold, and the card of the same generation, alike in ECC, whose driver keeps the most:
# it is taken to keep as much here.
_DERIVED = [
    ("RTX 2070", 8, "RTX 2080 Ti"),
    ("RTX 3070 Laptop", 8, "RTX A6000"),
    ("RTX A2000 6GB", 6, "RTX A6000"),
    ("A10", 24, "A10G"),
    ("RTX 4060 Laptop", 8, "RTX 4080 SUPER"),
    ("RTX 4060 Ti 16GB", 16, "RTX 4080 SUPER"),
    ("RTX 4070 Laptop", 8, "RTX 4080 SUPER"),
    ("RTX 4070 SUPER", 12, "RTX 4080 SUPER"),
    ("RTX 4080", 16, "RTX 4080 SUPER"),
    ("RTX 5060", 8, "RTX 5090"),
    ("RTX 5060 Laptop", 8, "RTX 5090"),
    ("RTX 5060 Ti 8GB", 8, "RTX 5090"),
    ("RTX 5070", 12, "RTX 5090"),
    ("RTX 5070 Ti", 16, "RTX 5090"),
]

# Compute capability: MiB of a context, to about 15 MiB. The same messages give what the process has
# in use, what PyTorch allocated and what it reserved beyond that; the context is the rest. These
# are the largest found, leaving out processes in which other libraries held gigabytes.
_CONTEXTS = {
    "7.5": (135, _THREAD + "Zheng-Chong/CatVTON/issues/133"),  # 4.11 GiB - 3.72 GiB - 264.21 MiB
    "8.0": (503, _THREAD + "lianqi1008/Control-GIC/issues/6"),  # 9.25 GiB - 8.27 GiB - 500.38 MiB
    "8.6": (210, _THREAD + "DengKaiCQ/VGGT-Long/issues/6"),  # 15.51 GiB - 15.01 GiB - 301.92 MiB
    "8.9": (507, _THREAD + "QwenLM/Qwen3-VL/issues/2097"),  # 11.13 GiB - 10.25 GiB - 394.50 MiB
    # 26.89 GiB - 25.95 GiB - 343.86 MiB
    "12.0": (619, _THREAD + "TrajectoryCrafter/TrajectoryCrafter/issues/20"),
}


def _card(
    name: str, capability: str, gib: int, mib: int, source: str, measured: bool = True
) -> Card:
    context_bytes, context_source = context_of(capability)
    return Card(
        name=name,
        compute_capability=capability,
        nominal_bytes=gib * GIB,
        total_bytes=mib * MIB,
        context_bytes=context_bytes,
        total_source=source,
        context_source=context_source,
        measured=measured and capability in _CONTEXTS,
    )


def _card_like(name: str, gib: int, like: str) -> Card:
    _, capability, like_gib, like_mib, _ = next(row for row in _MEASURED if row[0] == like)
    kept = like_gib * 1024 - like_mib
    source = f"derived: less the {kept} MiB that the driver of the {like} keeps"
    return _card(name, capability, gib, gib * 1024 - kept, source, measured=False)


CARDS = [*(_card(*row) for row in _MEASURED), *(_card_like(*row) for row in _DERIVED)]

# One of each usual size, the smallest first: what is asked about where no card is named, and what
# plots and pages show. 8 and 24 GB are those that people ask about most.
COMMON_CARDS = tuple(
    find_card(name)
    for name in ("RTX 3070", "RTX 3060", "RTX 4080", "RTX 3090", "RTX A6000", "A100 80GB")
)
MOST_ASKED_CARDS = tuple(card for card in COMMON_CARDS if card.sold_gb in (8, 24))
