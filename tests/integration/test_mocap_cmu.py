"""Fetching CMU's archive from a local server that behaves, breaks off, ignores ranges or lies."""

from __future__ import annotations

import http.server
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model.errors import BadData
from tests.support.asf_amc_files import random_amc_frames, write_amc, write_asf
from training.mocap import cmu, download, read_mocap


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at any path but /missing.zip, and keeps what it was asked for and what it sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = b""
        self.etag = '"one"'
        self.knows_ranges = True
        self.says_length = True
        self.break_after: list[int] = []  # bytes of each answer to come, before the connection drops
        self.statuses: list[int] = []  # answers to come before the file
        self.ranges: list[str | None] = []
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/allasfamc.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        if self.path == "/missing.zip" or server.statuses:
            self.send_error(server.statuses.pop(0) if server.statuses else 404)
            return
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.knows_ranges else 0
        if self.headers.get("If-Range", server.etag) != server.etag:
            first = 0
        if first >= len(server.content):
            self.send_error(416)
            return
        body = server.content[first:]
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(server.content) - 1}/{len(server.content)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.break_after:
            body = body[: server.break_after.pop(0)]
        server.sent += len(body)  # before: whoever has the last byte may ask at once
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_WAITS", (0.0,) * 3)
    server = Server()
    server.content = archive
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two subjects as CMU packs them, with something that nobody needs."""
    folder = tmp_path_factory.mktemp("cmu")
    for subject in ("01", "02"):
        write_asf(folder / f"all_asfamc/subjects/{subject}/{subject}.asf")
        frames = random_amc_frames(10, degrees=2)
        write_amc(folder / f"all_asfamc/subjects/{subject}/{subject}_01.amc", frames)
    (folder / "all_asfamc/film.avi").write_bytes(np.random.default_rng(0).bytes(300_000))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder).as_posix())
    return content.getvalue()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "data/cmu"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_fetches_unpacks_and_says_what_to_do_next(
    server: Server, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cmu.main(["--output", str(output), "--url", server.url]) == 0

    said = capsys.readouterr()
    for part in ("http://mocap.cs.cmu.edu", "do not resell", "EIA-0196217", "2 motions with 2 skeletons"):
        assert part in said.out
    assert f"make train-pretrain MOCAP={output}" in said.out
    assert "cmu.zip" in said.err and "100%" in said.err  # the progress bar
    assert set(read_mocap(output).subjects) == {"CMU/01", "CMU/02"}
    assert not list(output.rglob("*.avi"))
    assert names_in(output.parent) == ["cmu"]  # no archive, no part, no scratch folder

    assert cmu.main(["--output", str(output), "--url", server.url]) == 0  # is there: asks nobody
    assert server.ranges == [None]


def test_goes_to_the_cache_unless_told_otherwise(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPT_CACHE_DIR", str(tmp_path))
    assert cmu.main(["--url", server.url]) == 0
    assert len(list((tmp_path / "mocap/cmu").rglob("*.amc"))) == 2


@pytest.mark.parametrize("etag", ['"one"', ""])
def test_a_connection_that_drops_is_taken_up_where_it_broke(server: Server, output: Path, etag: str) -> None:
    server.etag = etag
    server.break_after = [100_000, 50_000]
    cmu.fetch(output, server.url)
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert server.sent == len(server.content)  # no byte twice


def stop_after(server: Server, count: int, output: Path) -> None:
    """Breaks the download off after `count` bytes, as Ctrl-C does."""

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    server.break_after = [count]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download.time, "sleep", interrupt)
        assert cmu.main(["--output", str(output), "--url", server.url]) == 130


def test_a_command_that_was_stopped_goes_on_from_there(server: Server, output: Path) -> None:
    stop_after(server, 100_000, output)
    assert names_in(output.parent) == ["cmu.zip.part", "cmu.zip.part.json"]
    assert cmu.main(["--output", str(output), "--url", server.url]) == 0
    assert server.ranges == [None, "bytes=100000-"] and server.sent == len(server.content)


def test_a_server_without_ranges_sends_all_again(server: Server, output: Path) -> None:
    server.knows_ranges, server.break_after = False, [100_000]
    cmu.fetch(output, server.url)
    assert server.ranges == [None, "bytes=100000-"] and server.sent == 100_000 + len(server.content)


@pytest.mark.parametrize(
    ("etag", "other_etag", "other_size"),
    [
        ('"one"', '"two"', 0),  # If-Range tells
        ("", "", 5_000),  # the length in Content-Range tells
        ("", "", 50_000),  # what has come is longer than the file is now: 416 tells
    ],
)
def test_a_file_that_changed_meanwhile_is_not_pieced_together(
    server: Server, output: Path, etag: str, other_etag: str, other_size: int
) -> None:
    right = server.content
    server.content, server.etag = bytes(len(right) + other_size), etag
    stop_after(server, 100_000 if other_size < 50_000 else len(right) + 10_000, output)
    server.content, server.etag = right, other_etag
    assert len(list(cmu.fetch(output, server.url).rglob("*.amc"))) == 2
    assert len(server.ranges) == (2 if etag else 3)  # with If-Range the new file comes at once


def test_waits_for_a_server_that_is_busy(server: Server, output: Path) -> None:
    server.statuses = [503, 429]
    cmu.fetch(output, server.url)
    assert server.ranges == [None] * 3


def test_gives_up_on_a_server_that_stays_busy_and_keeps_what_came(server: Server, output: Path) -> None:
    server.break_after = [100_000]
    output.parent.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download.time, "sleep", lambda seconds: server.statuses.append(503))
        with pytest.raises(BadData, match=r"could not be fetched \(503 .*cmu\.zip\.part"):
            cmu.fetch(output, server.url)
    assert (output.parent / "cmu.zip.part").stat().st_size == 100_000


def test_a_wrong_address_is_a_sentence(
    server: Server, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = server.url.replace("allasfamc", "missing")
    assert cmu.main(["--output", str(output), "--url", missing]) == 1
    assert f"Error: {missing} answers 404 Not Found" in capsys.readouterr().err
    assert server.ranges == [None]  # asked once
    for url in ((tmp_path / "x.zip").as_uri(), "ftp://127.0.0.1/x.zip", "x.zip"):
        with pytest.raises(BadData, match="no http:// or https:// address"):
            cmu.fetch(output, url)
    server.says_length = False
    with pytest.raises(BadData, match="does not say how long it is"):
        cmu.fetch(output, server.url)


def test_nobody_there_is_a_sentence(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_WAITS", (0.0,) * 2)
    with pytest.raises(BadData, match=r"could not be fetched \(.*refused.*Try again later"):
        cmu.fetch(output, "http://127.0.0.1:9/allasfamc.zip")


@pytest.mark.parametrize("damage", ["page", "flipped", "cut"])
def test_a_damaged_archive_is_a_sentence_and_is_fetched_again(server: Server, output: Path, damage: str) -> None:
    whole = server.content
    middle = whole.index(b"01_01.amc") + 60  # inside what is compressed
    server.content = {
        "page": b"<html>Please try again later</html>" * 100,
        "flipped": whole[:middle] + bytes(8) + whole[middle + 8 :],
        "cut": whole[:-100],
    }[damage]
    with pytest.raises(BadData, match=r"cmu\.zip from http.* was damaged .*Run the command again"):
        cmu.fetch(output, server.url)
    assert names_in(output.parent) == []
    server.content = whole
    assert len(list(cmu.fetch(output, server.url).rglob("*.amc"))) == 2


def packed(name: str, content: bytes = b"x", mode: int = stat.S_IFREG | 0o644) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("01/01_01.amc", "1\nroot 0 0 0 0 0 0\n")
        file.writestr(info, content)
    return archive.getvalue()


@pytest.mark.parametrize("name", ["../evil.amc", "a/../../evil.amc", "/evil.amc", "..\\evil.amc", "C:/evil.amc"])
def test_a_member_that_points_elsewhere_is_refused(server: Server, output: Path, name: str) -> None:
    server.content = packed(name)
    with pytest.raises(BadData, match=r"evil\.amc.* would be unpacked elsewhere"):
        cmu.fetch(output, server.url)
    assert not output.exists() and not list(output.parent.parent.rglob("evil*"))


def test_a_link_a_bomb_and_another_archive_are_refused(
    server: Server, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = packed("link.amc", b"/etc/passwd", stat.S_IFLNK | 0o777)
    with pytest.raises(BadData, match=r"link\.amc.* would be unpacked elsewhere"):
        cmu.fetch(output, server.url)
    (output.parent / "cmu.zip").unlink()
    monkeypatch.setattr(cmu, "_MOST_BYTES", 10**6)
    server.content = packed("big.amc", bytes(2 * 10**6))
    with pytest.raises(BadData, match="not CMU's archive"):
        cmu.fetch(output, server.url)
    (output.parent / "cmu.zip").unlink()
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("readme.txt", "hello")
    server.content = other.getvalue()
    with pytest.raises(BadData, match="holds no AMC motion"):
        cmu.fetch(output, server.url)
    assert not output.exists()


def test_a_full_disk_is_a_sentence(server: Server, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(BadData, match="make room"):
        cmu.fetch(output, server.url)


def test_a_folder_with_other_files_is_left_alone(server: Server, output: Path) -> None:
    output.mkdir(parents=True)
    (output / "thesis.tex").write_text("years of work")
    with pytest.raises(BadData, match="holds other files already"):
        cmu.fetch(output, server.url)
    assert cmu.main(["--output", str(output / "thesis.tex/cmu"), "--url", server.url]) == 1  # a file, no folder
    assert (output / "thesis.tex").read_text() == "years of work" and server.ranges == []
