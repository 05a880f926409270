"""What commands say when they cannot do their work."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.errors import BadData
from training.console import telling_errors


def test_errors_for_users_and_of_the_system_are_one_line_each(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^Error: No clip\.$"), telling_errors():
        raise BadData("No clip.")
    with pytest.raises(SystemExit, match=rf"^Error: File exists: {tmp_path}\.$"), telling_errors():
        tmp_path.mkdir()
    with pytest.raises(SystemExit, match=r"^Error: .*No such file or directory"), telling_errors():
        save_file({"x": torch.zeros(1)}, tmp_path / "missing" / "x.safetensors")


def test_an_interrupt_is_130_and_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(SystemExit) as end, telling_errors():
        raise KeyboardInterrupt
    assert end.value.code == 130
    with pytest.raises(ZeroDivisionError), telling_errors():
        _ = 1 / 0
