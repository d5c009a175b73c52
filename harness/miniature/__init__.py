"""A miniature SAM and miniature tasks: what makes accuracy measurable on a fresh machine."""
