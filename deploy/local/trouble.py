"""Gives every expected failure one sentence that says what failed and what to do about it."""


class Trouble(Exception):
    """A failure whose text is what the user reads; the command prints it and ends with 1."""
