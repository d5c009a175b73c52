"""What ``samfit run`` shows of a program: in a terminal, and as a page."""
