"""Memory as published and with each lever, side by side."""
