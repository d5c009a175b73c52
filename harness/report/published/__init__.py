"""Rehearsals beside figures that others published."""
