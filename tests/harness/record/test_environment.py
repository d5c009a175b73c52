from samfit.harness.record.environment import HOUSE, _sources


def test_the_hash_of_the_code_covers_what_decides_figures_and_nothing_that_only_shows_them():
    names = {path.relative_to(HOUSE).as_posix() for path in _sources()}
    assert {"adapters/lora.py", "harness/device/cards.csv", "harness/step/step.py"} <= names
    assert not any(name.startswith(("harness/report", "harness/cli")) for name in names)
