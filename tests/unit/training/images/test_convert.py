"""An image data set to shards, by the command: what is known of each person, gone on with, broken images left out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import BadData
from model.network.checkpoint import load_checkpoint
from model.runtime.loading import default_checkpoint
from training.images import convert
from training.images.shards import PreparedImages

PEOPLE = 5


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Each person has her own image; the third one's is broken."""
    images, people = [], []
    for number in range(PEOPLE):
        name = f"{number:012d}.jpg"
        cv2.imwrite(str(tmp_path / name), np.full((90, 120, 3), 40 * number, np.uint8))
        points = np.stack([np.linspace(30, 90, 17), np.linspace(10, 80, 17), np.full(17, 2)], axis=1)
        points[4, 2] = 0
        images.append({"id": number, "file_name": name, "width": 120, "height": 90})
        person = {"id": number, "image_id": number, "bbox": [30, 10, 60, 70]}
        people.append(person | {"keypoints": points.ravel().tolist()})
    (tmp_path / f"{2:012d}.jpg").write_bytes(b"no image")
    file = tmp_path / "person_keypoints_train2017.json"
    file.write_text(json.dumps({"images": images, "annotations": people}))
    return file


def test_shards_are_written_and_gone_on_with(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "SHARD", 2)
    output = tmp_path / "out"
    arguments = ["coco", str(coco), "--output", str(output), "--size", "64"]
    convert.main(arguments)
    assert "1 people are left out, whose images or crops cannot be used." in capsys.readouterr().out
    images = PreparedImages(output, "train")
    assert len(images) == PEOPLE - 1 and len(images.shards) == 3
    assert images.about["topology"] == load_checkpoint(default_checkpoint()).topology.fingerprint
    sample = images[2]
    assert sample.name.endswith("000000000003.jpg") and sample.image[0, 32, 32] == pytest.approx(120, abs=3)
    assert sample.vertices is None and sample.joints is None and sample.camera is None
    assert sample.joints_2d is not None and sample.joints_2d_valid is not None
    assert not sample.joints_2d_valid[4] and sample.joints_2d_valid.sum() == 16
    # The box's longer side, 70 pixels, fills 1 / 1.25 of the crop; its middle (60, 45) is the crop's.
    scale = 64 / (1.25 * 70)
    assert sample.joints_2d[0].tolist() == pytest.approx([32 - 29.5 * scale, 32 - 34.5 * scale], abs=1e-3)

    images.shards[1].unlink()
    kept = images.shards[0].stat().st_mtime_ns
    convert.main(arguments)
    assert len(PreparedImages(output, "train")) == PEOPLE - 1 and images.shards[0].stat().st_mtime_ns == kept
    with pytest.raises(SystemExit, match="other settings"):
        convert.main([*arguments[:-1], "96"])


def test_nothing_but_broken_images_gets_a_sentence(coco: Path, tmp_path: Path) -> None:
    for image in tmp_path.glob("*.jpg"):
        image.unlink()
    with pytest.raises(SystemExit, match=r"Error: .*000000000000\.jpg is not there"):
        convert.main(["coco", str(coco), "--output", str(tmp_path / "out")])


def test_a_network_of_hands_is_refused(coco: Path, tmp_path: Path) -> None:
    hands = str(default_checkpoint("hand"))
    with pytest.raises(SystemExit, match="is no network of bodies"):
        convert.main(["coco", str(coco), "--output", str(tmp_path / "out"), "--checkpoint", hands])


def test_each_data_set_has_a_reader(tmp_path: Path) -> None:
    for name, read in convert.READERS.items():
        with pytest.raises(BadData, match=str(tmp_path)):
            read(tmp_path / f"no-{name}", None, "train")
