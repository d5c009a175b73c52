"""Lines of code as people call them."""

from samfit.harness.program.places import short


def test_paths_are_seen_from_the_folder_or_the_packages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert short(f"{tmp_path}/train.py:3") == "train.py:3"
    assert short("/env/lib/python3.11/site-packages/peft/lora.py:3") == "peft/lora.py:3"
    assert short("/usr/lib/python3/dist-packages/peft.py") == "peft.py"
    assert short("/elsewhere/train.py:3") == "/elsewhere/train.py:3"
    assert short(f"{tmp_path}/env/site-packages/a.py:1") == "a.py:1"
