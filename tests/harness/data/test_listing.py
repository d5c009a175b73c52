"""Sentences on what is listed."""

from samfit.harness.data.listing import by_category, joined, named_counts


def test_categories_have_names_or_numbers():
    assert by_category({1: 1200, 0: 3}, ("cat",)) == "objects by category: cat (3), 1 (1,200)."


def test_of_many_parts_the_first_are_named():
    parts = {str(part): 1 for part in range(11)}
    assert named_counts(parts).endswith("7 (1), 3 more")


def test_one_part_needs_no_remark():
    assert joined("train", {"a": 1}) == ()
    (remark,) = joined("train", {"b": 2, "a": 1})
    assert remark.startswith("train joins a (1), b (2): ")
