"""How a drone's camera was held: XMP as DJI writes it, in the formats that hold XMP, and what makes no sense."""

from __future__ import annotations

import time

import pytest

from model.formats.photo import decode
from model.formats.xmp import read_gimbal
from model.scene.up import Tilt
from tests.support.image_files import LIMIT, encode, smooth

ATTRIBUTES = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="DJI Meta Data" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '
    'drone-dji:GimbalRollDegree="{roll}" drone-dji:GimbalYawDegree="+81.20" drone-dji:GimbalPitchDegree="{pitch}" '
    'drone-dji:FlightPitchDegree="+3.40"/></rdf:RDF></x:xmpmeta>'
)
ELEMENTS = "<drone-dji:GimbalPitchDegree>-41.3</drone-dji:GimbalPitchDegree>"


def written(pitch: str, roll: str = "+0.00") -> bytes:
    return ATTRIBUTES.format(pitch=pitch, roll=roll).encode()


def test_the_gimbals_angles_are_the_cameras():
    assert read_gimbal(written("-30.50", "+2.00")) == Tilt(-30.5, -2.0, "xmp")  # a lowered right side turns the picture
    assert read_gimbal(written("-90.00", "+180.00")) == Tilt(-90.0, None, "xmp")
    assert read_gimbal(ELEMENTS.encode()) == Tilt(-41.3, None, "xmp")


@pytest.mark.parametrize("options", [{"format": "JPEG"}, {"format": "WEBP"}, {"format": "AVIF"}])
def test_photos_bring_it_along(options):
    assert decode(encode(smooth(), **options, xmp=written("-20.00")), LIMIT).tilt == Tilt(-20.0, 0.0, "xmp")


@pytest.mark.parametrize("pitch", ["", "NaN", "-91", "1e3", "99999999999", "--3", "0x10", "-3.5.5", "−3"])
def test_what_makes_no_sense_counts_as_absent(pitch):
    assert read_gimbal(written(pitch)) is None


def test_nothing_is_searched_for_long():
    start = time.process_time()
    for noise in (
        b"drone-dji:GimbalPitchDegree" * 300_000,
        b'drone-dji:GimbalPitchDegree="' + b"1" * 9_000_000,
        b" " * 9_000_000,
    ):
        assert read_gimbal(noise) is None
    assert time.process_time() - start < 5  # hours, if each place were tried to the end
