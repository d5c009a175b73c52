"""The command ``samfit``, one file a command: parse, one call, print."""
