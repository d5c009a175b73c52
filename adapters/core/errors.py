"""The one exception for mistakes that a user can mend."""


class UserError(ValueError):
    """A mistake in what the user gave: one sentence that names it and says what to do.

    The command line prints the sentence and exits with a non-zero code; everything else that
    reaches the top is a bug.
    """
