"""A function is found again in another process, wherever it was written."""

import subprocess
import sys

import pytest

from samfit.harness.run.function import CALL, _pickled

PACKAGE = """
from functools import partial
from .words import WORD

def tell(*words):
    print(WORD, *words, __name__, sep="-")

class Teller:
    def __init__(self, word):
        self.word = word

    def tell(self):
        tell(self.word)

more = partial(tell, "more")
print("twice") if __name__ == "__main__" else None
"""


def called(file):
    done = subprocess.run(
        [sys.executable, CALL, file], capture_output=True, text=True, cwd=file.parent.parent
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A package, importable here alone, and where its call is to be written."""
    folder = tmp_path / "work" / "spoken"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "words.py").write_text("WORD = 'word'\n")
    (folder / "telling.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(folder.parent)
    yield tmp_path / "calls" / "call.pickle"
    for name in [name for name in sys.modules if name.startswith("spoken")]:
        del sys.modules[name]


def test_functions_methods_and_what_is_partly_applied_are_called(written):
    import spoken.telling as telling

    written.parent.mkdir()
    calls = {
        "word-1-spoken.telling": (telling.tell, (1,)),
        "word-more-2-spoken.telling": (telling.more, (2,)),
        "word-mine-spoken.telling": (telling.Teller("mine").tell, ()),
    }
    for said, (function, arguments) in calls.items():
        written.write_bytes(_pickled(function, "it", arguments))
        assert called(written) == said


def test_a_module_that_no_path_leads_to_is_read_from_its_file(tmp_path):
    """As pytest imports tests."""
    import importlib.util

    source = tmp_path / "lost.py"
    source.write_text("def tell():\n    print(__name__)\n")
    spec = importlib.util.spec_from_file_location("tests.of.mine", source)
    sys.modules["tests.of.mine"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    file = tmp_path / "calls" / "call.pickle"
    file.parent.mkdir()
    file.write_bytes(_pickled(module.tell, "tell", ()))
    del sys.modules["tests.of.mine"]
    assert called(file) == "tests.of.mine"


def test_a_function_of_a_script_is_called_without_running_the_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "def tell(word):\n    print(word, __name__, sys.argv)\n"
        "if __name__ == '__main__':\n"
        "    from pathlib import Path\n"
        "    from samfit.harness.run.function import _pickled\n"
        "    Path(sys.argv[1]).write_bytes(_pickled(tell, 'tell', ('word',)))\n"
    )
    file = tmp_path / "calls" / "call.pickle"
    file.parent.mkdir()
    subprocess.run([sys.executable, script, file], check=True)
    assert called(file) == f"word __mp_main__ ['{script}']"
