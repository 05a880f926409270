"""Videos that are read: ours come back, and what others write is read as it was filmed."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model.errors import BadInput
from model.video.reading import VideoReader
from model.video.timing import frame_rate
from model.video.writing import VideoWriter
from tests.support.film_files import (
    at_times,
    changed,
    cut,
    film,
    grey,
    interlaced,
    of_sound,
    shown_as_wide,
    table_first,
    trimmed,
    turned,
    with_cover,
)

PIXELS = 1_000_000
NOISE = np.random.default_rng(0)


def noise(count: int) -> list[np.ndarray]:
    """Frames that compress badly, so that files are long enough to be cut."""
    return [NOISE.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(count)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second at 20 frames a second; frame i is grey of 10 i, its left half red."""
    path = tmp_path / "deep" / "clip.webm"
    writer = VideoWriter(path, (64, 48), 20.0)
    for index in range(20):
        frame = grey(10 * index)
        frame[:, :32] = (200, 0, 0)
        writer.add(index / 20, frame)
    assert not path.exists()
    writer.finish()
    writer.abandon()  # does nothing any more
    assert [file.name for file in path.parent.iterdir()] == ["clip.webm"]
    return path


def brightness(frame: np.ndarray) -> float:
    return float(frame[:, 40:].mean())


def times_of(path: Path, rate: float = 1000) -> list[float]:
    return [when for when, _ in VideoReader(path, rate, PIXELS)]


def test_what_is_written_is_read_back(clip):
    film = VideoReader(clip, 100, PIXELS)
    assert (film.width, film.height, film.told_rate, film.count) == (64, 48, 20.0, 20)
    frames = list(film)
    film.close()
    assert [when for when, _ in frames] == pytest.approx([index / 20 for index in range(20)])
    assert [brightness(frame) for _, frame in frames] == pytest.approx([10 * index for index in range(20)], abs=6)
    assert frames[0][1][:, :28].mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=12)  # RGB
    assert film.missing() is None


@pytest.mark.parametrize(("rate", "indices"), [(10, range(0, 20, 2)), (5, range(0, 20, 4)), (1, [0])])
def test_fewer_frames_can_be_asked_for(clip, rate, indices):
    film = VideoReader(clip, rate, PIXELS)
    assert film.count == len(list(indices))
    assert [round(when * 20) for when, _ in film] == list(indices)


def test_an_uneven_rate_keeps_its_mean(clip):
    times = times_of(clip, 15)
    assert len(times) == 15
    assert np.diff(times).max() < 0.11


def test_a_variable_rate_is_read_as_it_was_filmed(tmp_path):
    """A phone that lets every second frame out as soon as it is dark."""
    filmed = [*np.arange(0, 0.4, 0.05), *np.arange(0.4, 1.21, 0.1)]
    path = at_times(film(tmp_path / "a.mp4", [grey(10 * i) for i in range(len(filmed))]), filmed)
    assert times_of(path) == pytest.approx(filmed, abs=0.002)
    # By time, and not every so manieth.
    assert times_of(path, 10) == pytest.approx([0, 0.1, 0.2, 0.3, *filmed[8:]], abs=0.002)


def test_one_frame_every_two_seconds(tmp_path):
    path = film(tmp_path / "a.mp4", [grey(50)] * 5, rate=0.5)
    assert times_of(path, 30) == pytest.approx([0, 2, 4, 6, 8])


def test_a_pause_is_a_pause(tmp_path):
    filmed = [0, 0.05, 0.1, 90.1, 90.15]
    assert times_of(at_times(film(tmp_path / "a.mp4", [grey(50)] * 5), filmed), 30) == pytest.approx(filmed, abs=0.002)


def test_a_recording_that_says_a_thousand_frames_a_second(tmp_path):
    """As browsers' recordings do."""
    path = film(tmp_path / "a.mkv", [grey(50)] * 12, rate=25)
    data = path.read_bytes()
    step = b"\x23\xe3\x83\x84" + (40_000_000).to_bytes(4, "big")  # DefaultDuration, nanoseconds
    assert step in data
    path.write_bytes(data.replace(step, step[:4] + (1_000_000).to_bytes(4, "big")))
    reader = VideoReader(path, 30, PIXELS)
    times = [when for when, _ in reader]
    assert reader.told_rate == 1000
    assert times == pytest.approx(np.arange(12) / 25, abs=0.001)
    assert frame_rate(times, reader.told_rate, 30) == pytest.approx(25)


def test_times_rounded_to_milliseconds_lose_no_frame(tmp_path):
    assert len(times_of(film(tmp_path / "a.mkv", [grey(50)] * 40, rate=30), 30)) == 40


@pytest.mark.parametrize("ending", [".mts", ".ts", ".flv", ".mxf", ".avi", ".mkv", ".mov", ".m2v", ""])
def test_containers_are_known_by_what_they_hold(tmp_path, ending):
    path = film(tmp_path / f"a{ending or '.mp4'}", [grey(20 + 15 * i, 96, 64) for i in range(10)], rate=25)
    other = path.rename(tmp_path / "holiday.jpg")
    frames = list(VideoReader(other, 30, PIXELS))
    assert [when for when, _ in frames] == pytest.approx(np.arange(10) / 25, abs=0.002)
    assert [brightness(frame) for _, frame in frames] == pytest.approx([20 + 15 * i for i in range(10)], abs=8)


def test_gif(tmp_path):
    pictures = [Image.fromarray(grey(60 * i)) for i in range(4)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=[100, 300, 100, 100])
    assert times_of(tmp_path / "a.gif", 30) == pytest.approx([0, 0.1, 0.4, 0.5])


def test_pixels_are_made_square(tmp_path):
    """64 columns that are to be shown 128 wide."""
    reader = VideoReader(shown_as_wide(film(tmp_path / "a.mp4", [grey(90)] * 2), 128), 30, PIXELS)
    assert (reader.width, reader.height) == (128, 48)
    assert {frame.shape for _, frame in reader} == {(48, 128, 3)}


def test_pixels_of_pictures_that_are_turned_are_made_square(tmp_path):
    path = turned(shown_as_wide(film(tmp_path / "a.mp4", [grey(90)] * 2), 128))
    reader = VideoReader(path, 30, PIXELS)
    assert (reader.width, reader.height) == (48, 128)
    assert {frame.shape for _, frame in reader} == {(128, 48, 3)}


def test_pixels_of_nonsense_are_taken_for_square(tmp_path):
    reader = VideoReader(shown_as_wide(film(tmp_path / "a.mp4", [grey(90)] * 2), 16_000), 30, PIXELS)
    assert (reader.width, reader.height) == (64, 48)


def test_a_copy_that_stopped_is_told(tmp_path):
    path = cut(table_first(film(tmp_path / "a.mp4", noise(40))), 0.5)
    reader = VideoReader(path, 30, PIXELS)
    count = len(list(reader))
    assert 5 <= count <= 25
    assert reader.missing() == f"The film breaks off: {count} of 40 frames could be read. What was read is written."


@pytest.mark.parametrize("ending", [".avi", ".mkv", ".flv"])
def test_a_copy_that_stopped_is_told_of_other_containers(tmp_path, ending):
    reader = VideoReader(cut(film(tmp_path / f"a{ending}", noise(40)), 0.5), 30, PIXELS)
    count = len(list(reader))
    assert 5 <= count <= 25
    assert reader.missing().startswith(f"The film breaks off: {count} of 40 frames")


def test_a_download_into_a_reserved_place_is_told(tmp_path):
    path = table_first(film(tmp_path / "a.mp4", noise(40)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    reader = VideoReader(path, 30, PIXELS)
    count = len(list(reader))
    assert count < 25 and f"breaks off: {count} of 40 frames" in reader.missing()


def test_damage_in_the_middle_is_told_and_read_past(tmp_path):
    path = film(tmp_path / "a.avi", noise(20))
    data = bytearray(path.read_bytes())
    for number, at in enumerate(i for i in range(len(data)) if data[i : i + 4] == b"00dc"):
        if number in (7, 8):
            data[at + 8 : at + 700] = bytes(692)
    path.write_bytes(data)
    reader = VideoReader(path, 30, PIXELS)
    times = [when for when, _ in reader]
    assert times[-1] == pytest.approx(0.95) and len(times) == 18
    assert reader.missing() == "The film is damaged: 18 of 20 frames could be read. What was read is written."


def test_a_trimmed_clip_is_whole(tmp_path):
    """What is left out of it is in the file, and counted there."""
    reader = VideoReader(trimmed(film(tmp_path / "a.mp4", noise(40)), 1.0), 30, PIXELS)
    assert len(list(reader)) < 25
    assert reader.missing() is None


def test_sound_that_goes_on_is_no_missing_picture(tmp_path):
    """Matroska knows one length, which is that of the sound if it is longer."""
    path = film(tmp_path / "a.mkv", [grey(9)] * 20)
    data = path.read_bytes()
    at = data.index(b"\x44\x89\x88") + 3  # Duration, milliseconds
    path.write_bytes(data[:at] + np.array(3000.0, ">f8").tobytes() + data[at + 8 :])
    reader = VideoReader(path, 30, PIXELS)
    assert len(list(reader)) == 20 and reader.count == 60
    assert reader.missing() is None


def test_nothing_left_is_said(tmp_path):
    path = table_first(film(tmp_path / "a.mp4", noise(4)))
    path.write_bytes(path.read_bytes().split(b"mdat")[0] + b"mdat")
    with pytest.raises(BadInput, match="breaks off before its first frame"):
        VideoReader(path, 30, PIXELS)


def test_av1_without_a_decoder_is_called_av1(tmp_path):
    path = film(tmp_path / "a.mp4", [grey(9)] * 3)
    changed(
        path, "moov/trak/mdia/minf/stbl/stsd", lambda body: body.replace(b"mp4v", b"av01").replace(b"esds", b"none")
    )
    with pytest.raises(BadInput, match="coded as AV1, which cannot be decoded here"):
        VideoReader(path, 30, PIXELS)


def test_sound_alone_has_no_pictures(tmp_path, capfd):
    with pytest.raises(BadInput, match="it has no pictures, or"):
        VideoReader(of_sound(film(tmp_path / "song.mp4", [grey(9)] * 20)), 30.0, 10_000)


def test_a_songs_cover_is_one_frame(tmp_path):
    """The file says 90,000 frames a second for two seconds."""
    cover = cv2.imencode(".jpg", grey(120))[1].tobytes()
    reader = VideoReader(with_cover(of_sound(film(tmp_path / "song.mp4", [grey(9)] * 40)), cover), 30.0, 10_000, 100)
    assert [frame.shape for _, frame in reader] == [(48, 64, 3)]
    assert reader.missing() is None


@pytest.mark.skipif(sys.platform != "linux", reason="known_memory knows glibc alone")
@pytest.mark.parametrize("ending", [".m2v", ".ts"])
def test_an_interlaced_film_is_refused(tmp_path, ending):
    """OpenCV would give what was in memory, which may be anybody's."""
    path = film(tmp_path / f"old{ending}", [grey(20 * index + 30, 64, 64) for index in range(8)])
    with pytest.raises(BadInput, match="is interlaced"):
        VideoReader(interlaced(path), 30.0, PIXELS)


def test_a_picture_as_memory_would_be_is_one(tmp_path):
    one, other = (Image.fromarray(grey(value)) for value in (170, 90))
    one.save(tmp_path / "grey.gif", save_all=True, append_images=[other], duration=100)
    reader = VideoReader(tmp_path / "grey.gif", 30.0, PIXELS)
    assert [np.unique(frame).tolist() for _, frame in reader] == [[170], [90]]


def test_a_playlist_is_not_followed(tmp_path):
    """Decoders would go where it leads, to other files and to servers."""
    film(tmp_path / "secret.ts", [grey(9, 96, 64)] * 20)
    lines = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n"
    (tmp_path / "a.mp4").write_text(lines)
    with pytest.raises(BadInput, match="holds no video that is known"):
        VideoReader(tmp_path / "a.mp4", 30, PIXELS)


def test_what_is_written_says_that_it_is_webm(clip):
    assert b"webm" in clip.read_bytes()[:64] and b"matroska" not in clip.read_bytes()[:64]


def test_a_file_that_is_no_video_is_refused(tmp_path, capfd):
    (tmp_path / "a.mp4").write_bytes(b"no video at all" * 100)
    with pytest.raises(BadInput, match="holds no video that is known"):
        VideoReader(tmp_path / "a.mp4", 30, PIXELS)
    (tmp_path / "b.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 9)
    with pytest.raises(BadInput, match=r"Convert it to MP4|before its first frame"):
        VideoReader(tmp_path / "b.mp4", 30, PIXELS)
    assert capfd.readouterr() == ("", "")  # the decoders would grumble


def test_a_video_with_too_many_pixels_is_refused_and_takes_no_memory(clip, monkeypatch):
    monkeypatch.setattr(VideoReader, "_next", lambda _: pytest.fail("a frame was decoded"))
    with pytest.raises(BadInput, match="64 x 48 pixels"):
        VideoReader(clip, 30, 1000)


def test_pixels_count_as_they_are_shown(tmp_path):
    path = shown_as_wide(film(tmp_path / "a.mp4", [grey(90)] * 2), 128)
    with pytest.raises(BadInput, match="128 x 48 pixels"):
        VideoReader(path, 30, 5000)
