"""Families of SAM: one file each, which holds its sizes, how it is built and where its parts are.

``sam/backbone.py`` is the interface; ``sam/find.py`` finds the families by their files.
"""
