from dataclasses import replace

import pytest
from synthetic_records import measured, predicted, stored


@pytest.fixture
def runs(tmp_path):
    """Two results files; in the second a peak is 2% higher, and a step takes 20% longer."""
    before = [predicted("cad", 4, 10), predicted("lora", 4, 20), measured("full", 4, 100)]
    steady = replace(before[2].timing.step_ms, p10=39.5, p90=40.5)
    before[2] = replace(before[2], timing=replace(before[2].timing, step_ms=steady))
    slow = replace(steady, median=48, p10=47.4, p90=48.6)
    timing = replace(before[2].timing, step_ms=slow)
    after = [before[0], predicted("lora", 4, 20.4), replace(before[2], timing=timing)]
    return stored(tmp_path / "old.jsonl", before), stored(tmp_path / "new.jsonl", after)


def test_growth_of_memory_and_a_slowdown_are_found(answer, runs):
    found = answer("compare", *runs)
    memory, time = found["changed"]
    assert found["cells"] == 3 and found["failures"] == []
    assert memory["key"].startswith("predicted/lora")
    assert memory["memory"][0]["growth"] == pytest.approx(0.02)
    assert time["time"][0]["growth"] == pytest.approx(0.2)


def test_a_limit_that_is_exceeded_ends_with_an_error(samfit, runs):
    code, _, err = samfit("compare", *runs, "--max-memory-growth", 1)
    assert code == 1 and "lora" in err and "2.0%" in err
    assert samfit("compare", *runs, "--max-time-growth", 10)[0] == 1
    assert samfit("compare", *runs, "--max-memory-growth", 5, "--max-time-growth", 50)[0] == 0


def test_a_run_compared_with_itself_changed_nothing(said, runs):
    assert "Nothing changed" in said("compare", runs[0], runs[0], "--max-memory-growth", 0)


def test_it_draws(said, runs, tmp_path):
    picture = tmp_path / "plots" / "changes.svg"
    said("compare", *runs, "--output", picture)
    assert picture.read_bytes().startswith(b"<?xml")
