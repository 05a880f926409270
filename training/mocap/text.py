"""Reads the text of MoCap files."""

from __future__ import annotations

import re
from pathlib import Path


def read_text(path: Path) -> str:
    """Reads a text file of whatever encoding, all of whose numbers `float` understands.

    Old programs for Windows wrote NaN as "-1.#IND" or "1.#QNAN", and infinity as "1.#INF".
    """
    text = path.read_bytes().decode("latin-1")
    return re.sub(r"-?1\.#\w+", "nan", text) if "1.#" in text else text
