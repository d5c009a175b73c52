"""Rehearsals beside published measurements."""
