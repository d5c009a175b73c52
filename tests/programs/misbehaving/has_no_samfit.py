"""Trains where samfit is not installed."""

import sys


class Without:
    """Finds no samfit."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """As if nothing of that name were installed."""
        if name == "samfit":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Without)

import tiny  # noqa: E402

tiny.train()
