"""A package of the program's own, of a name that others have as well."""

OWN = True
