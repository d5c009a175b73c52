"""Adapters of the Segment Anything Model: one file a method.

Open ``lora.py`` or ``cad.py`` to read a method, ``core/base.py`` for the interface they share,
``core/adapted.py`` for what an adapted SAM can do. Nothing here knows the benchmark harness.
"""
