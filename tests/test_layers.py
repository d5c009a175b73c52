"""Every import points down one list of rooms; nobody below the commands uses the front door."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The house, from the ground up: a room may import from those before it, and from itself.
ROOMS = (
    "samfit",  # errors, typed, files
    "adapters.sam", "adapters.core", "adapters.parts", "adapters",
    "trace", "device", "standin", "memory", "program",
    "data", "metrics", "miniature",
    "record", "step",
    "rehearse", "predict", "measure", "train",
    "run", "report", "cli", "bench",
)  # fmt: skip
FRONT_DOOR = "front door"  # the names of ``import samfit`` itself: for commands, benchmarks, users
MAY_USE_THE_FRONT_DOOR = ("cli", "bench")
MOST_ARROWS = 105

NEED_NO_TORCH = {"samfit", "data", "record", "report", "program"}
AND_THESE_NEITHER = ["samfit", "samfit.adapters.core.registry", "samfit.adapters.sam.sizes"]

# What runs in the user's program, where samfit may not be installed, and all that it may import.
INSIDE = "samfit.harness.program.inside"
BESIDE_IT = {"samfit.harness.trace.trace", "samfit.harness.trace.gpu"}
BESIDE_IT |= {"samfit.harness.standin.process"}

Import = tuple[str, str]  # module, and what it imports: a module, or a name within one


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the house, by its name below samfit."""
    found = {}
    for folder in ("src/samfit", "adapters", "harness", "bench"):
        for path in (root / folder).rglob("*.py"):
            inside = path.relative_to(root / "src" if folder.startswith("src") else root)
            parts = inside.with_suffix("").parts
            name = ".".join(parts if folder.startswith("src") else ("samfit", *parts))
            found[name.removesuffix(".__init__")] = path
    return found


def imports(found: dict[str, Path]) -> Iterator[Import]:
    """All imports within the house, at the head of a file or inside a function."""
    for module, path in found.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and path.name != "__init__.py":
                assert node.level == 0, f"{path} imports relatively"
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in found else f"{node.module}" for name in whole]
            for name in names:
                own = name != "samfit" and module.startswith(f"{name}.")
                if name.partition(".")[0] == "samfit" and not own:
                    yield module, name


def room(module: str) -> str:
    """The room in which a module lies."""
    _, *parts = module.split(".")
    if not parts:
        return FRONT_DOOR
    if parts[0] == "harness":
        return parts[1] if len(parts) > 1 else "samfit"
    two = ".".join(parts[:2])
    return two if two in ROOMS else parts[0] if parts[0] in ROOMS else "samfit"


def upwards(found: list[Import]) -> list[str]:
    """The imports that do not point down the list, in words."""
    wrong = []
    for module, name in found:
        here, there = room(module), room(name)
        if there == FRONT_DOOR:
            fits = here in MAY_USE_THE_FRONT_DOOR
        else:
            fits = ROOMS.index(there) <= ROOMS.index(here)
        if not fits:
            wrong.append(f"{module} ({here}) imports {name} ({there})")
    return wrong


IMPORTS = list(imports(modules()))


def test_every_room_is_on_the_list_and_has_an_import():
    assert {room(module) for module, _ in IMPORTS} <= set(ROOMS)
    assert len(IMPORTS) > 500


def test_every_import_points_down():
    assert upwards(IMPORTS) == []


def test_what_runs_in_the_users_program_needs_neither_samfit_nor_its_dependencies():
    names = {module for module in modules() if module.startswith(INSIDE)} | BESIDE_IT
    wrong = {(module, name) for module, name in IMPORTS if module in names and name not in names}
    assert {name for _, name in wrong if not name.startswith(f"{INSIDE}.")} == set()
    here = {sys.modules[__name__].__name__, "samfit", "torch"} | set(sys.stdlib_module_names)
    assert {top for module in names for top in tops(modules()[module])} <= here


def tops(file: Path) -> Iterator[str]:
    """The top-level packages that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def test_arrows_between_rooms_are_few():
    arrows = {(room(module), room(name)) for module, name in IMPORTS}
    between = {(here, there) for here, there in arrows if here != there}
    assert len(between) <= MOST_ARROWS, sorted(between)


@pytest.mark.parametrize(
    ("file", "line", "wrong"),
    [
        ("harness/memory/peak.py", "from samfit.harness.record.cell import Cell", "record"),
        ("adapters/lora.py", "import samfit.harness.step.step", "step"),
        ("adapters/sam/build.py", "from samfit.adapters import cad", "adapters"),
        ("harness/step/step.py", "import samfit", FRONT_DOOR),
        ("src/samfit/files.py", "def f():\n    from samfit.harness.cli import output", "cli"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path, file, line, wrong):
    for name in ("adapters/cad.py", "harness/cli/output.py", "harness/record/cell.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(line)
    (message,) = upwards(list(imports(modules(tmp_path))))
    assert message.endswith(f"({wrong})")


def test_what_works_on_records_needs_no_torch():
    """They are imported one after another in one interpreter; the first that loads it is named."""
    rooms = [name for name in modules() if room(name) in NEED_NO_TORCH and INSIDE not in name]
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\n"
    code += "    if 'torch' in sys.modules: sys.exit(f'{name} imports torch')"
    command = [sys.executable, "-W", "error", "-c", code, *AND_THESE_NEITHER, *sorted(rooms)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
