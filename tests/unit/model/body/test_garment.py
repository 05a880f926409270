"""What bodies wear: where skin ends and cloth begins, and who wears which colour."""

from __future__ import annotations

import numpy as np
import pytest

from model.body.garment import PALETTE, SKIN, Garment
from model.body.rig import Rig


def test_heads_and_hands_are_bare_and_nothing_else(rig: Rig) -> None:
    colors = Garment(rig.vertex_count, rig).colors().astype(int)
    skin = np.abs(colors - SKIN).max(axis=1) <= 1
    x, y, _ = rig.template.T
    chin, wrists = rig.joints[15, 1], rig.joints[[20, 21], 0]
    hands = (x > wrists[0] + 0.03) | (x < wrists[1] - 0.03)
    assert skin[y > chin + 0.02].all() and skin[hands].all()
    trunk = (np.abs(x) < 0.1) & (y < rig.joints[9, 1]) & (y > -0.7)
    legs = y < rig.joints[1, 1] - 0.05
    assert trunk.sum() > 500 and not skin[trunk].any() and not skin[legs & ~hands].any()
    assert colors[y.argmin()].max() < 80  # shoes are dark


def test_everybody_wears_the_same_or_a_colour_of_her_own(rig: Rig) -> None:
    garment = Garment(rig.vertex_count, rig)
    chest = np.linalg.norm(rig.template - rig.joints[9], axis=1).argmin()
    own = [garment.colors(person) for person in range(len(PALETTE))]
    assert [tuple(colors[chest].tolist()) for colors in own] == list(PALETTE)
    head = rig.template[:, 1].argmax()
    assert {tuple(colors[head].tolist()) for colors in (*own, garment.colors())} == {SKIN}
    assert (garment.colors(len(PALETTE)) == own[0]).all() and garment.colors() is garment.colors()
    with pytest.raises(ValueError, match="read-only"):
        garment.colors()[0] = 0


def test_a_hand_is_bare_and_a_body_without_a_rig_is_of_one_cloth() -> None:
    assert (Garment(5, None, hand=True).colors(3) == SKIN).all()
    cloth = Garment(5, None).colors()
    assert (cloth == cloth[0]).all() and (cloth[0] != SKIN).all()
