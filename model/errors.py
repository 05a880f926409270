"""Errors that are meant for a person to read: each message is a sentence that says what to do."""


def printable(text: str) -> str:
    """The text as terminals, logs and pages can show it.

    Control characters, which names of files may hold, become escapes as Python writes them; so do signs that turn the
    direction of writing. Line breaks stay.
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def in_short(error: BaseException, most: int = 200) -> str:
    """What a library says, in one line: PyTorch names each of a network's tensors that does not fit."""
    line = " ".join(str(error).split())
    return line if len(line) <= most else f"{line[:most].rsplit(' ', 1)[0]} ..."


def of_system(error: OSError) -> str:
    """What the system says of a file, as a sentence without its number."""
    words = error.strerror or in_short(error)
    return f"{words}: {error.filename}." if error.filename else f"{words}."


class MPTError(Exception):
    """Base of every error that this project raises for its user."""

    def __str__(self) -> str:
        return printable(super().__str__())


class BadInput(MPTError):
    """An image, a box or a parameter that cannot be used."""


class BadData(MPTError):
    """A data file (MoCap, body model, annotations) that cannot be used; the message names the file."""


class BadCheckpoint(MPTError):
    """A checkpoint that cannot be used here; the message names the file and the mismatch."""


class WeightsMissing(MPTError):
    """A weights file that is not on this machine; the message says how to get it."""
