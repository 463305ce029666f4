"""What goes wrong on this machine, in words that say what to do."""


class LocalError(Exception):
    """The local stack cannot go on; the message names what is wrong, where, and what to do about it."""
