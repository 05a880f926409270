"""Which files an argument names, and what their outputs are called."""

from __future__ import annotations

import errno
import io
import os
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from cli.inputs import Source, find_sources, output_names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with some files."""
    for name in ("b.jpg", "a.JPG", "c.webp", "notes.txt", ".hidden.jpg", "a.overlay.png", "a.side.png"):
        (tmp_path / name).touch()
    for name in ("trip/day 1/x.jpg", "trip/day 2/x.jpg", "trip/day 2/y[1].png", "empty/readme.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def places(*arguments: str) -> list[str]:
    sources, _, unusable = find_sources(arguments)
    assert unusable == []
    return [source.place.as_posix() for source in sources]


def test_a_folder_stands_for_its_photos_without_hidden_ones_and_our_own_pictures(folder):
    assert places(".") == ["a.JPG", "b.jpg", "c.webp"]


def test_a_named_file_may_have_any_ending(folder):
    assert places("notes.txt", "a.overlay.png") == ["notes.txt", "a.overlay.png"]


def test_a_pattern_keeps_the_folders_below_its_fixed_part(folder):
    assert places("trip/**/*.jpg") == ["day 1/x.jpg", "day 2/x.jpg"]
    assert places(f"{folder}/trip/*/x.jpg") == ["day 1/x.jpg", "day 2/x.jpg"]
    assert places("trip/day 2/*") == ["x.jpg", "y[1].png"]
    assert places("*") == ["a.JPG", "b.jpg", "c.webp"]  # neither notes nor folders


def test_a_name_with_brackets_is_a_file_first(folder):
    assert places("trip/day 2/y[1].png") == ["y[1].png"]


def test_a_pattern_cannot_lead_out_of_the_output_folder(folder):
    assert places("trip/*/../../b.jpg") == ["b.jpg"]


def test_videos_are_meant_by_name_and_by_patterns_but_not_by_folders(folder):
    for name in ("clip.MP4", "clip.overlay.webm"):
        (folder / name).touch()
    assert "clip.MP4" not in places(".")
    assert places("*.MP4", "clip.overlay.webm") == ["clip.MP4", "clip.overlay.webm"]
    (video, photo), *_ = find_sources(["clip.MP4", "b.jpg"])
    assert video.is_video and not photo.is_video


def test_a_number_is_a_webcam_unless_it_is_a_file(folder):
    (folder / "1").touch()
    (webcam, file), *_ = find_sources(["0", "1"])
    assert (webcam.webcam, webcam.is_video, webcam.place.as_posix()) == (0, True, "webcam-0")
    assert (file.webcam, file.is_video) == (None, False)


HEADS = {
    "iphone.HEIC": b"\0\0\0\x18ftypheic", "web.avif": b"\0\0\0\x18ftypavif", "no ending": b"\xff\xd8\xff\xe1",
    "photo.jpg.download": b"\xff\xd8\xff\xe0", "scan.tif": b"II*\0", "old.bmp": b"BM" + bytes(8),
    "broken.jpg": b"", "film.jpg": b"\0\0\0\x18ftypmp42", "list.xlsx": b"PK\3\4", "anim.gif": b"GIF89a",
}  # fmt: skip


def test_what_a_folder_or_a_pattern_passes_over_is_named_whatever_its_ending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, head in HEADS.items():
        (tmp_path / name).write_bytes(head)
    for name in ("a.overlay.png", "a-1.heatmaps.png", "a-1.influence.png", ".DS_Store"):
        (tmp_path / name).touch()
    photos = ["broken.jpg", "iphone.HEIC", "no ending", "photo.jpg.download", "web.avif"]
    ours = ["a-1.influence.png", "a-1.heatmaps.png", "a.overlay.png"]
    sources, passed, unusable = find_sources(["."])
    assert ([source.path.name for source in sources], unusable) == (photos, [])
    assert sorted(name for name, _ in passed) == sorted(
        [*ours, "anim.gif", "film.jpg", "list.xlsx", "old.bmp", "scan.tif"]
    )
    reasons = dict(passed)
    assert "a video" in reasons["film.jpg"] and "mpt made" in reasons["a.overlay.png"]
    assert "JPEG, PNG, WebP, HEIC, AVIF or still GIF" in reasons["scan.tif"]
    sources, passed, _ = find_sources(["*"])
    assert [source.path.name for source in sources if source.is_video] == ["anim.gif", "film.jpg"]
    assert [source.path.name for source in sources if not source.is_video] == photos
    assert sorted(name for name, _ in passed) == sorted([*ours, "list.xlsx", "old.bmp", "scan.tif"])
    sources, passed, _ = find_sources([".", "scan.tif", "film.jpg"])  # named: then it is meant
    assert {"scan.tif", "film.jpg"}.isdisjoint(dict(passed)) and len(sources) == len(photos) + 2


def test_pipes_are_files(tmp_path, monkeypatch):
    """Of a shell's `cat photo.jpg | mpt reconstruct -` and `mpt reconstruct <(curl ...)`."""
    pipe, photo = tmp_path / "pipe", HEADS["no ending"] + bytes(100_000)
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=[photo], daemon=True).start()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(HEADS["film.jpg"])))
    first, film = find_sources([str(pipe), "-"]).sources
    assert first.path.read_bytes() == photo and (first.place, first.is_video) == (Path("pipe"), False)
    assert film.path.read_bytes() == HEADS["film.jpg"] and (film.place, film.is_video) == (Path("stdin"), True)


def test_a_pipe_that_is_named_twice_is_read_once(tmp_path, monkeypatch):
    """Its second end would be empty, or never come."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=[HEADS["no ending"]], daemon=True).start()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(HEADS["film.jpg"])))
    found = find_sources(["-", str(pipe), "/dev/stdin", "-", str(pipe)])
    assert [source.path.read_bytes() for source in found.sources] == [HEADS["film.jpg"], HEADS["no ending"]]
    assert found.unusable == []


def test_who_pipes_nothing_is_told_how(monkeypatch):
    monkeypatch.setattr("sys.stdin", Mock(isatty=lambda: True))
    assert find_sources(["-"]).unusable[0].reason.startswith("Nothing is piped")


def test_folders_with_photos_in_a_folder_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photos = ("a.jpg", "sub/b.jpg", "sub/deep/c.jpg", "2026/11/30/e.jpg")
    for name in (*photos, "made/a.overlay.png", ".hidden/d.jpg", "texts/.old/f.jpg", "texts/._g.jpg", "texts/a.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("again").symlink_to(".", target_is_directory=True)
    sources, passed, _ = find_sources(["."])
    assert [source.path.name for source in sources] == ["a.jpg"]
    assert [name for name, _ in passed] == ["2026", "sub"] and "name it too" in passed[0].reason
    sources, passed, _ = find_sources([".", "sub"])  # named: then it is meant
    assert len(sources) == 2 and [name for name, _ in passed] == ["2026", "sub/deep"]
    assert len(find_sources(["**/*"]).sources) == len(photos)


def test_each_file_counts_once(folder):
    assert places("b.jpg", ".", str(folder / "b.jpg"), "*.jpg") == ["b.jpg", "a.JPG", "c.webp"]


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("none.jpg", "no such file"),
        ("https://example.com/a.jpg", "Nothing is fetched"),
        ("empty", "holds no photo"),
        ("*.gif", "matches no photo"),
        ("/dev/null", "ordinary"),
        ("", "name is empty"),
        ("loop", "no such file"),
        ("closed", "Permission denied: closed"),
    ],
)
def test_what_cannot_be_used_is_said(folder, argument, reason, monkeypatch):
    (folder / "loop").symlink_to("loop")
    closed, iterdir = folder / "closed", Path.iterdir
    closed.mkdir()  # root may read all folders, whatever their mode
    monkeypatch.setattr(Path, "iterdir", lambda path: iterdir(_forbidden(path) if path.name == "closed" else path))
    sources, _, ((name, sentence),) = find_sources([argument, "b.jpg"])
    assert [source.path.name for source in sources] == ["b.jpg"]
    assert name == argument
    assert reason in sentence


def _forbidden(path: Path) -> Path:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def test_links_that_lead_in_circles_or_nowhere_are_passed_over(folder):
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "broken.jpg").symlink_to("nowhere")
    (folder / "again").symlink_to(".", target_is_directory=True)
    for argument in (".", "*"):
        sources, passed, _ = find_sources([argument])
        assert [source.path.name for source in sources] == ["a.JPG", "b.jpg", "c.webp"]
        assert {"broken.jpg", "loop.jpg"} <= set(dict(passed))


def named(*paths: str) -> list[str]:
    """The outputs' names of files that were named one by one."""
    return output_names([Source(Path(path), Path(Path(path).name)) for path in paths])


def test_names_are_short_where_they_can_be():
    assert named("/p/a.jpg", "/q/b.png", "/q/holiday.2024.jpg") == ["a", "b", "holiday.2024"]
    assert output_names([]) == []


def test_names_that_clash_get_their_folders_and_then_their_endings():
    assert named("/p/one/x.jpg", "/p/two/x.jpg", "/p/y.jpg") == ["one/x", "two/x", "y"]
    assert named("/p/x.jpg", "/p/x.png", "/p/y.jpg") == ["x.jpg", "x.png", "y"]
    assert named("/p/X.jpg", "/p/x.png") == ["X.jpg", "x.png"]  # one file to some file systems
    assert named("/p/x.jpg", "/p/x.png", "/q/x.png") == ["p/x.jpg", "p/x.png", "q/x"]


def test_names_are_always_different():
    names = named("/p/x.jpg", "/p/x.png", "/p/x.jpg.webp", "/q/x.jpg", "/p/X.JPG", "/x.jpg")
    assert len({name.casefold() for name in names}) == 6
    assert not any(name.startswith("/") or ".." in name for name in names)
