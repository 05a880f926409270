"""Archives from outside, and what is none."""

from pathlib import Path

import numpy as np
import pytest

from training.npz import open_npz


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"PKWARE's own", b"\x93NUMPY"])
def test_what_is_no_archive_is_called_so_and_nobody_is_told_to_load_it_unsafely(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"^it is no npz archive$"):
        open_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("arrays", [{}, {"poses": np.ones(3)}])
def test_archives_are_opened(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with open_npz(tmp_path / "a.npz") as archive:
        assert {key: archive[key].tolist() for key in archive} == {key: each.tolist() for key, each in arrays.items()}
