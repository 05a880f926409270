"""What `mpt reconstruct` does about inputs, outputs and errors that are in its way, with a stand-in for the network."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np

from cli import outputs
from tests.support.cli_photos import picture
from tests.support.written import files


def test_it_goes_on_after_bad_files_and_lists_them(run):
    Path("good.jpg").write_bytes(picture())
    Path("cut.jpg").write_bytes(picture()[:200])
    Path("notes.txt").write_text("no photo")
    Path("later.jpg").write_bytes(picture())
    status, output = run("good.jpg", "cut.jpg", "notes.txt", "gone.jpg", "later.jpg")
    assert status == 3
    assert files() == ["good-1.glb", "later-1.glb"]
    lines = [line.strip() for line in output.splitlines()]
    assert "2 people in 2 photos -> reconstructions" in lines
    listed = lines[lines.index("3 inputs could not be used:") + 1 :]
    assert [line.split(":")[0] for line in listed] == ["gone.jpg", "cut.jpg", "notes.txt"]
    assert (
        "ends before its data is complete" in listed[1] and "no JPEG, PNG, WebP, HEIC, AVIF or still GIF" in listed[2]
    )


def test_a_name_that_is_too_long_for_its_answers_is_told_before_the_work(run, model):
    """Letters of two bytes: 125 of them are short enough for systems that count bytes."""
    Path("good.jpg").write_bytes(picture())
    Path("\u00e9" * 125 + ".jpg").write_bytes(picture())
    status, output = run("good.jpg", "\u00e9" * 125 + ".jpg")
    assert status == 3 and files() == ["good-1.glb"]
    assert "The name is too long" in " ".join(output.split()) and len(model.calls) == 1


def test_names_with_control_characters_are_listed_as_escapes(run):
    name = "\x1b[2Jgone\x07.jpg"
    for folder in ("cut", "none"):
        Path(folder).mkdir()
    Path("cut", name).write_bytes(picture()[:200])
    Path("none", name.replace("jpg", "txt")).write_text("no photo")
    status, output = run("cut", "none/*", name)
    assert status == 1 and not set(output) & set("\x1b\x07")
    shown = r"\x1b[2Jgone\x07"
    for line in (f"cut/{shown}.jpg: ", f"none/{shown}.txt: ", f"  {shown}.jpg: This pattern"):
        assert line in output


def test_nothing_usable_is_a_failure_and_loads_no_network(run, loads):
    status, output = run("gone.jpg", "*.png")
    assert status == 1
    assert "no such file" in output and "matches no photo" in output
    assert loads == []


def test_an_error_that_should_not_be_costs_one_photo(run, model, monkeypatch):
    for name in "abc":
        Path(f"{name}.jpg").write_bytes(picture())
    reconstruct, count = model.reconstruct, iter(range(3))

    def fail_once(*arguments: object, **options: object) -> object:
        return reconstruct(*arguments, **options) if next(count) != 1 else 1 / 0

    monkeypatch.setattr(model, "reconstruct", fail_once)
    status, output = run(".")
    assert status == 3
    assert files() == ["a-1.glb", "c-1.glb"]
    assert "b.jpg: This failed as it should not (ZeroDivisionError" in output and "Traceback" not in output
    Path(output.rsplit("Details are in ", 1)[1].strip().rstrip(".")).unlink()


def test_a_mesh_that_is_broken_costs_one_photo(run, model):
    Path("a.jpg").write_bytes(picture())
    model.vertices = model.vertices.copy()
    model.vertices[0, 0] = np.nan
    status, output = run("a.jpg")
    assert status == 1
    assert "Person 1 came out as no mesh" in output


def test_interrupted_it_keeps_what_is_done(run, model, monkeypatch):
    for name in "ab":
        Path(f"{name}.jpg").write_bytes(picture())
    reconstruct, count = model.reconstruct, iter(range(2))

    def interrupt(*arguments: object, **options: object) -> object:
        if next(count) == 1:
            raise KeyboardInterrupt
        return reconstruct(*arguments, **options)

    monkeypatch.setattr(model, "reconstruct", interrupt)
    status, output = run(".")
    assert status == 130
    assert "Interrupted" in output
    assert files() == ["a-1.glb"]


def test_an_output_folder_that_is_a_file_is_said(run):
    Path("photo.jpg").write_bytes(picture())
    status, output = run("photo.jpg", "--output", "photo.jpg")
    assert status == 2
    assert "--output" in output


def test_a_disk_that_fills_up_ends_the_work(run, model, monkeypatch):
    """Of a thousand photos each further one would fail only once it was reconstructed."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in "abcd":
        Path(f"{name}.jpg").write_bytes(picture())
    written = outputs.write
    monkeypatch.setattr(
        outputs, "write", lambda path, data: full() if path.name.startswith("b") else written(path, data)
    )
    status, output = run("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    assert status == 3 and len(model.calls) == 2 and files() == ["a-1.glb"]
    assert "b.jpg: No space left" in output and "Left for later: 2 inputs, from c.jpg on" in output
