"""samfit published, on one figure."""

import pytest

from samfit.harness.record.published import published
from samfit.harness.run import published as room


@pytest.fixture(autouse=True)
def one_figure(monkeypatch):
    figures = [published()[0], published()[-1]]
    monkeypatch.setattr(room, "published", lambda: figures)


def test_it_prints_what_it_found_and_writes_files(said, tmp_path):
    out = said("published", "--output", tmp_path / "found")
    assert "2,789" in out and "difference" in out
    assert (tmp_path / "found" / "table.md").exists()
    assert str(tmp_path / "found" / "published.png") in out.replace("\n", "")


def test_its_answer_as_json(answer, tmp_path):
    first, last = answer("published", "--output", tmp_path)
    assert first["measured_mib"] == 2789
    assert first["rehearsed_mib"] == pytest.approx(2789, rel=0.01)
    assert last["outcome"] is None


def test_a_folder_that_cannot_be_written_is_one_sentence(samfit, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = samfit("published", "--output", tmp_path / "file")
    assert (code, out) == (1, "")
    assert "samfit: " in err.splitlines()[-1] and "file" in err.splitlines()[-1]
