"""samfit: does it fit your GPU, how fast does it train there, and how good are its masks?

The names that ``__init__.pyi`` lists are the front door: each is imported when it is first used, so
that ``import samfit`` is quick and loads no torch.
"""

from pathlib import Path

import lazy_loader

_ROOT = Path(__file__).parents[2]
if not Path(__file__).with_name("adapters").is_dir() and (_ROOT / "noxfile.py").is_file():
    # A checkout on a system without symbolic links: its folders lie in the repository's root.
    __path__.append(str(_ROOT))

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
