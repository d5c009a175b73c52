"""Recipes: learning rates from step to step, and values that are refused."""

import math
from dataclasses import asdict, replace
from typing import get_args

import pytest
from hypothesis import given, strategies as st
from user_error import user_error

from samfit import Recipe
from samfit.harness.record.recipe import POLY_POWER, Schedule

SCHEDULES = get_args(Schedule)


def rates(recipe, steps):
    return [recipe.learning_rate_at(step, steps) for step in range(steps)]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "poly"])
def test_a_falling_schedule_would_be_at_zero_one_step_after_the_last(schedule):
    recipe = Recipe(learning_rate=0.3, schedule=schedule, warmup=0)
    assert recipe.learning_rate_at(10, 10) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("schedule", "half"),
    [("constant", 1), ("cosine", 0.5), ("linear", 0.5), ("poly", 0.5**POLY_POWER)],
)
def test_half_way(schedule, half):
    recipe = Recipe(learning_rate=2.0, schedule=schedule, warmup=4)
    assert recipe.learning_rate_at(4 + 8, 4 + 16) == pytest.approx(2 * half)


def test_the_cosine_falls_slowly_at_both_ends_and_the_line_evenly():
    def drops(schedule):
        found = rates(Recipe(schedule=schedule, warmup=0), 101)
        return [found[step] - found[step + 1] for step in (0, 50, 99)]

    first, middle, last = drops("cosine")
    assert middle > 10 * max(first, last)
    assert drops("linear") == pytest.approx([drops("linear")[0]] * 3)


@given(
    schedule=st.sampled_from(SCHEDULES),
    steps=st.integers(1, 200),
    warmup=st.integers(0, 250),
    learning_rate=st.floats(1e-6, 1),
)
def test_rates_rise_evenly_in_the_warm_up_and_never_after_it(
    schedule, steps, warmup, learning_rate
):
    recipe = Recipe(learning_rate=learning_rate, schedule=schedule, warmup=warmup)
    found = rates(recipe, steps)
    warmup = min(warmup, steps // 2)
    rise, rest = found[:warmup], found[warmup:]
    assert rise == [pytest.approx(learning_rate * (n + 1) / warmup) for n in range(len(rise))]
    assert rest == sorted(rest, reverse=True)
    assert all(0 < rate <= learning_rate * (1 + 1e-12) for rate in found)
    if rest:
        assert rest[0] == learning_rate
    if schedule == "constant":
        assert set(rest) <= {learning_rate}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("epochs", -1, ["--epochs", "-1"]),
        ("epochs", 1.5, ["--epochs", "whole number", "1.5"]),
        ("warmup", -3, ["--warmup", "-3"]),
        ("learning_rate", 0, ["--learning-rate", "more than 0"]),
        ("learning_rate", math.nan, ["--learning-rate", "nan"]),
        ("weight_decay", "much", ["--weight-decay", "a number", "'much'"]),
        ("clip_norm", -1.0, ["--clip-norm", "at least 0", "-1.0"]),
        ("schedule", "step", ["--schedule", "'constant', 'cosine', 'linear' or 'poly'", "'step'"]),
        ("augment", "colour", ["--augment", "'none', 'flip' or 'geometric'", "'colour'"]),
    ],
)
def test_wrong_values_name_the_option(field, value, words):
    with user_error(*words):
        Recipe(**{field: value})


def test_a_whole_number_is_a_number():
    assert Recipe(learning_rate=1, weight_decay=0, clip_norm=1).learning_rate == 1


@given(
    epochs=st.integers(0, 1000),
    learning_rate=st.floats(1e-9, 10),
    schedule=st.sampled_from(SCHEDULES),
)
def test_a_recipe_comes_back_from_its_fields(epochs, learning_rate, schedule):
    recipe = Recipe(epochs=epochs, learning_rate=learning_rate, schedule=schedule)
    assert Recipe.from_json(asdict(recipe)) == recipe
    assert Recipe.from_json({"epochs": epochs}) == replace(Recipe(), epochs=epochs)
