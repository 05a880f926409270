"""Errors that are meant for a person to read: each message is a sentence that says what to do."""


class MPTError(Exception):
    """Base of every error that this project raises for its user."""


class BadInput(MPTError):
    """An image, a box or a parameter that cannot be used."""


class BadData(MPTError):
    """A data file (MoCap, body model, annotations) that cannot be used; the message names the file."""


class BadCheckpoint(MPTError):
    """A checkpoint that cannot be used here; the message names the file and the mismatch."""


class WeightsMissing(MPTError):
    """A weights file that is not on this machine; the message says how to get it."""
