"""The benchmark harness: from a Cell to a Record to tables and plots.

Start with ``cell.py`` (what is measured), ``step.py`` (the one training step), ``predict.py`` and
``measure.py`` (the two ways to a Record), ``memory/`` (how memory is predicted).
"""
