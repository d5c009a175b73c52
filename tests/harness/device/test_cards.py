"""Cards by name, sizes by text, and what the table promises."""

import pytest
from hypothesis import given, strategies as st
from user_error import user_error

from samfit import find_card, unnamed_card
from samfit.harness.device.cards import (
    CARDS,
    GIB,
    MIB,
    card_of_capability,
    context_of,
    parse_memory,
)


@pytest.mark.parametrize("name", [card.name for card in CARDS])
def test_every_card_is_found_by_its_name_and_by_loose_spellings(name):
    for spelling in (name, name.lower(), name.replace(" ", "-"), f"NVIDIA GeForce {name} GPU"):
        assert find_card(spelling).name == name


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("rtx3060", "RTX 3060"),
        ("4090", "RTX 4090"),
        ("RTX 3060 12GB", "RTX 3060"),
        ("rtx_4060ti_16gb", "RTX 4060 Ti 16GB"),
        ("a6000", "RTX A6000"),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB"),
        ("NVIDIA A100-PCIE-40GB", "A100 40GB"),
        ("Tesla V100-SXM2-16GB", "V100 16GB"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA GeForce RTX 4060 Laptop GPU", "RTX 4060 Laptop"),
        ("NVIDIA GeForce RTX 3060 Laptop GPU", "RTX 3060 Laptop"),
        ("Tesla P100-PCIE-16GB", "P100"),
        ("NVIDIA TITAN RTX", "TITAN RTX"),
        ("Quadro RTX 8000", "Quadro RTX 8000"),
        ("rtx 8000", "Quadro RTX 8000"),
        ("RTX 3050 8GB", "RTX 3050 8GB"),
        ("h100", "H100"),
        ("H100 SXM5 80GB", "H100"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("H100 NVL 94GB", "H100 NVL"),
        ("NVIDIA GH200 480GB", "GH200"),
        ("gh200-480gb", "GH200"),
        ("gh200 96gb", "GH200"),
        ("rtx pro 6000", "RTX PRO 6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX PRO 6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "RTX PRO 6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", "RTX 4070 Ti SUPER"),
    ],
)
def test_cards_are_found_by_the_names_that_people_and_drivers_use(name, found):
    assert find_card(name).name == found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RTX 3080", ["several", "RTX 3080 10GB, RTX 3080 12GB."]),
        ("A100", ["several", "A100 40GB, A100 80GB."]),
        (
            "A100 60GB",
            ["not known", "A100 40GB, A100 80GB; or give samfit fit its memory, --memory 60GB."],
        ),
        ("NVIDIA GH200 144G HBM3e", ["not known", "--memory 144GB"]),
        (
            "RTX 4000",
            ["not known", "RTX A4000", "or give samfit fit its memory, such as --memory 48GB."],
        ),
        ("RTX 9090", ["'RTX 9090'", "not known", "RTX 4090"]),
        ("4090 ti", ["not known", "RTX 4090"]),
        ("Voodoo", ["not known", "RTX 3060", "H200"]),
        ("", ["not known"]),
    ],
)
def test_names_of_no_card_or_of_several_are_refused_with_the_nearest(name, words):
    with user_error("card", *words):
        find_card(name)


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("8GiB", 8 * 2**30),
        ("8GB", 8 * 10**9),
        ("8G", 8 * 10**9),
        ("8Gi", 8 * 2**30),
        ("8192MiB", 8 * 2**30),
        ("7.5 gib", 7.5 * 2**30),
        ("1TB", 10**12),
    ],
)
def test_sizes_are_read_with_their_units(text, nbytes):
    assert parse_memory(text) == nbytes


@pytest.mark.parametrize("text", ["8", "8192", "GiB", "-8GiB", "0GiB", "8 apples", "", "1e3GiB"])
def test_sizes_without_a_unit_and_what_is_none_are_refused(text):
    with user_error(repr(text), "8GiB"):
        parse_memory(text)


@given(st.integers(1, 10**6), st.sampled_from("MGT"))
def test_binary_units_are_larger_than_decimal_ones(number, prefix):
    assert parse_memory(f"{number}{prefix}iB") > parse_memory(f"{number}{prefix}B")
    assert parse_memory(f"{number}{prefix}B") % 10**6 == 0
    assert parse_memory(f"{number}{prefix}iB") % MIB == 0


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_usable_memory_is_less_than_is_reported_and_that_less_than_is_sold(card):
    assert 0 < card.usable_bytes < card.total_bytes < card.nominal_bytes
    assert card.usable_bytes == card.total_bytes - card.context_bytes
    assert card.usable_bytes > 0.83 * card.nominal_bytes


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_figure_has_a_source_and_what_is_derived_says_so(card):
    sources = (card.total_source, card.context_source)
    assert card.measured == (not any(source.startswith("derived: ") for source in sources))
    assert all(
        source.startswith(("https://github.com/", "derived: ", "a log in a public repository: "))
        for source in sources
    )


@pytest.mark.parametrize(
    "card", [c for c in CARDS if c.total_source.startswith("derived")], ids=lambda card: card.name
)
def test_derived_totals_lack_as_much_as_any_measured_one_of_their_generation(card):
    def lack(other):
        return other.nominal_bytes - other.total_bytes

    def has_ecc(other):
        return lack(other) > GIB

    like = [
        other
        for other in CARDS
        if other.compute_capability == card.compute_capability and has_ecc(other) == has_ecc(card)
    ]
    assert lack(card) == max(map(lack, like))


@pytest.mark.parametrize(
    ("capability", "name", "multiprocessors"),
    [
        ("6.1", "GTX 1080 Ti", 28),
        ("7.5", "Quadro RTX 8000", 72),
        ("7.0", "V100 32GB", 80),
        ("8.0", "A100 80GB", 108),
        ("8.6", "RTX A6000", 84),
        ("9.0", "H200", 132),
        ("10.0", "B200", 148),
        ("12.0", "RTX PRO 6000", 188),
    ],
)
def test_a_card_stands_for_each_compute_capability(capability, name, multiprocessors):
    card = card_of_capability(capability)
    assert (card.name, card.multiprocessors) == (name, multiprocessors)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_no_card_has_more_than_that_which_stands_for_its_capability(card):
    largest = card_of_capability(card.compute_capability)
    assert card.multiprocessors <= largest.multiprocessors
    assert card.usable_bytes <= largest.usable_bytes


def test_a_capability_of_no_card_is_refused_with_the_known_ones():
    with user_error("no card of compute capability '8.7'", "8.6, 8.9, 9.0"):
        card_of_capability("8.7")


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_each_generation_has_multiprocessors_as_large_cards_of_it_can_have(card):
    """The full chips: GP102, GP100, GV100, TU102, GA100, GA102, AD102, GH100, GB200, GB202."""
    full = {"6.1": 30, "6.0": 60, "7.0": 84, "7.5": 72, "8.0": 128, "8.6": 84, "8.9": 144}
    full |= {"9.0": 144, "10.0": 160, "12.0": 192}
    assert 0 < card.multiprocessors <= full[card.compute_capability]


def test_an_unknown_context_is_that_of_its_generation_or_the_largest():
    assert context_of("6.1")[0] == context_of("6.0")[0]
    nbytes, source = context_of("8.7")
    assert nbytes == context_of("8.9")[0]
    assert source == f"derived: the {nbytes // MIB} MiB of compute capability 8.9"
    assert context_of("")[0] == max(card.context_bytes for card in CARDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("8GB", "8GB is 8,000,000,000 bytes; a card sold with 8GB has 8GiB"),
        ("8 g", "8 g is 8,000,000,000 bytes; a card sold with 8 g has 8 GiB"),
    ],
)
def test_a_decimal_size_says_how_it_is_read(text, words):
    assert unnamed_card(text).total_source == f"as given: {words}"


@pytest.mark.parametrize("text", ["8GiB", "8192MiB", "8 gi"])
def test_a_binary_size_needs_no_words(text):
    assert unnamed_card(text).total_source == "as given"


def test_names_are_given_once():
    assert len({card.name for card in CARDS}) == len(CARDS)
