"""What runs inside the user's program: it needs torch and the standard library, and nothing else.

The program may run in an environment in which samfit is not installed.
"""
