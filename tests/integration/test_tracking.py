"""Two drawn people walk past each other, seen by the shipped networks: neither is taken for the other."""

from __future__ import annotations

import numpy as np
import pytest

import weights
from model.network.checkpoint import load_checkpoint
from model.reconstructor import Reconstructor
from model.video.tracking import Tracker
from tests.support.render import draw_person

SIZE, FOCAL, RATE, FRAMES = (480, 360), 420.0, 12, 25
FRONT, BACK = (0.7, 3.3), (-0.7, 4.2)
"""Metres a second to the right, and metres away."""


@pytest.mark.slow
def test_people_who_cross_keep_their_numbers():
    topology = load_checkpoint(weights.path("anny-tiny")).topology
    body, faces = topology.template.numpy(), topology.faces.numpy()
    reconstructor, tracker = Reconstructor.load(device="cpu", engine="torch"), Tracker()
    numbers: dict[str, list[int]] = {"front": [], "back": []}
    hidden = 0
    for frame in range(FRAMES):
        time = frame / RATE
        front, back = (np.array([speed * (time - FRAMES / RATE / 2), 0, z], np.float32) for speed, z in (FRONT, BACK))
        picture = draw_person(body + back, faces, body, FOCAL, SIZE)
        picture = draw_person(body + front, faces, body, FOCAL, SIZE, picture)
        people = reconstructor.reconstruct(picture).people
        hidden += len(people) < 2
        for number, person in zip(tracker.update(people, time), people):
            x = person.bbox[0] + person.bbox[2] / 2 - SIZE[0] / 2
            off = [abs(x - FOCAL * place[0] / place[2]) for place in (front, back)]
            if max(off) > 3 * min(off):  # else nobody can say whom the network sees
                numbers["front" if off[0] < off[1] else "back"].append(number)
    assert hidden > 1  # one really hides the other
    front, back = (set(seen) for seen in numbers.values())
    assert len(front) == len(back) == 1 and front != back
    assert min(map(len, numbers.values())) > FRAMES / 2
