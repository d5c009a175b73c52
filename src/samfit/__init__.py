"""samfit: does it fit your GPU, how fast does it train there, and how good are its masks?"""

from pathlib import Path

_ROOT = Path(__file__).parents[2]
if not Path(__file__).with_name("adapters").is_dir() and (_ROOT / "noxfile.py").is_file():
    # A checkout on a system without symbolic links: its folders lie in the repository's root.
    __path__.append(str(_ROOT))
