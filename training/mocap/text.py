"""Reads the text of MoCap files."""

from __future__ import annotations

import re
from pathlib import Path

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""What editors for Windows begin a file with, and the encoding that it says."""


def read_text(path: Path) -> str:
    """Reads a text file of whatever encoding, all of whose numbers `float` understands.

    Old programs for Windows wrote NaN as "-1.#IND" or "1.#QNAN", and infinity as "1.#INF", and end files with Ctrl-Z.
    """
    content = path.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "latin-1")
    text = content.decode(encoding, errors="replace").rstrip("\x00\x1a")
    return re.sub(r"-?1\.#\w+", "nan", text) if "1.#" in text else text


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, as `read_text` reads it; `str.splitlines` would split at letters of other encodings."""
    return re.split(r"\r\n|\r|\n", read_text(path))
