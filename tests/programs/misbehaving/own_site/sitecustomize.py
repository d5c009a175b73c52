"""What this computer does at every start of Python."""

import builtins

builtins.of_this_site = True
