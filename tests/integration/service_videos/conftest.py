"""A video to send."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.film_files import film
from tests.support.video_jobs import COUNT


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Half a second of 24 frames a second, in which the stand-in sees one person."""
    frames = [np.full((48, 64, 3), 60 + 10 * index, np.uint8) for index in range(COUNT)]
    return film(tmp_path_factory.mktemp("clip") / "clip.mp4", frames, 24).read_bytes()
