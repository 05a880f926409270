"""MobileNet's convolutions, padded as TensorFlow pads them."""

from __future__ import annotations

import pytest
import torch

from model.network.backbones.mobilenet import SameConv


@pytest.mark.parametrize(("kernel", "before"), [(3, 0), (5, 1)])
def test_at_stride_2_the_odd_row_and_column_are_below_and_at_the_right(kernel: int, before: int) -> None:
    conv = SameConv(1, 1, kernel, stride=2, bias=False).eval()
    picture = torch.zeros(1, 1, 8, 8)
    picture[0, 0, 2, 4] = 1.0
    with torch.inference_mode():
        answer = conv(picture)[0, 0]
        weight = conv.weight[0, 0]
    expected = torch.zeros(4, 4)
    for row in range(4):
        for column in range(4):
            at = 2 - (2 * row - before), 4 - (2 * column - before)  # of the one pixel in the window
            if 0 <= at[0] < kernel and 0 <= at[1] < kernel:
                expected[row, column] = weight[at]
    assert torch.equal(answer, expected)
