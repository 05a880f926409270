"""Downloads one large file over HTTP, goes on where an earlier attempt stopped, and never leaves half a file."""

from __future__ import annotations

import http.client
import json
import logging
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from model.errors import BadData

logger = logging.getLogger(__name__)

_BLOCK = 2**18
_TIMEOUT = 60.0  # seconds without a byte
_WAITS = (1.0, 2.0, 5.0, 15.0, 30.0)  # seconds before another attempt, after attempts that brought nothing
_BREAKS = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)
_PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that may be others soon


@dataclass(frozen=True)
class _Version:
    """What tells one version of the file at an address from another."""

    url: str
    size: int
    tag: str  # a strong ETag or a Last-Modified date, for If-Range; may be empty


def download(url: str, target: Path) -> None:
    """Downloads `url` to `target`, with a progress bar.

    The part that is there already lies in `<target>.part`; a server that honours Range is asked for the rest only, and
    If-Range makes sure that it is the rest of the same file. An attempt that breaks off is repeated, longer and longer
    after the last byte.

    Args:
        url: http:// or https://.
        target: the file, which appears once it is complete; its folder exists.

    Raises:
        BadData: the address does not answer with a file, the connection breaks again and again, or the disk is full.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise BadData(f"{url} is no http:// or https:// address.")
    part, note = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json")
    failures = 0
    while True:
        before = _size(part)
        try:
            _attempt(url, part, note)
            break
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the file is shorter than what is there of it: another one
                part.unlink(missing_ok=True)
            elif error.code not in _PASSING:
                raise BadData(f"{url} answers {error.code} {error.reason}: is the address right?") from error
            problem = f"{error.code} {error.reason}"
        except _BREAKS as error:
            problem = str(getattr(error, "reason", "") or error)
        except OSError as error:
            raise BadData(f"{part} cannot be written ({error}). Make room there, or give another folder.") from error
        failures = 0 if _size(part) > before else failures + 1
        if failures == len(_WAITS):
            raise BadData(
                f"{url} could not be fetched ({problem}). Try again later: what is there already stays in {part}."
            )
        logger.warning("The download broke off (%s). Trying again ...", problem)
        time.sleep(_WAITS[failures])
    part.replace(target)
    note.unlink(missing_ok=True)


def _attempt(url: str, part: Path, note: Path) -> None:
    """Fetches what is missing in `part`; returns only when nothing is."""
    have, known = _size(part), _read_note(note)
    if known is None or known.url != url or have > known.size:
        have = 0
    elif have == known.size:
        return
    request = urllib.request.Request(url, headers={"User-Agent": "mpt-human", "Accept-Encoding": "identity"})
    if have and known:
        request.add_header("Range", f"bytes={have}-")
        if known.tag:
            request.add_header("If-Range", known.tag)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        version = _version(url, answer)
        if answer.status == 206 and (version != known or _first_byte(answer) != have):
            part.unlink()
            raise http.client.HTTPException("the file at the address has changed")
        if answer.status != 206:  # the whole file: the first time, or the server knows no ranges, or it has changed
            have = 0
            part.unlink(missing_ok=True)
            note.write_text(json.dumps(asdict(version)))
        _check_room(part, version.size - have)
        interval = 0.5 if sys.stderr.isatty() else 10.0  # seconds; a log file gets few lines
        name = part.name.removesuffix(".part")
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(total=version.size, initial=have, desc=name, unit="B", unit_scale=True, mininterval=interval) as bar,
        ):
            while block := answer.read(min(_BLOCK, version.size - have)):
                file.write(block)
                have += len(block)
                bar.update(len(block))
    if have < version.size:
        raise http.client.HTTPException(f"{have} of {version.size} bytes came")


def _version(url: str, answer: http.client.HTTPResponse) -> _Version:
    if answer.status == 206:
        size = answer.headers.get("Content-Range", "").rpartition("/")[2]  # bytes 500-999/1000
    else:
        size = answer.headers.get("Content-Length", "")
    if not size.isdigit() or size == "0":
        raise BadData(f"{url} does not say how long it is: is it the address of an archive?")
    tag = answer.headers.get("ETag", "")
    if not tag or tag.startswith("W/"):  # a weak one may stay while bytes change
        tag = answer.headers.get("Last-Modified", "")
    return _Version(url, int(size), tag)


def _first_byte(answer: http.client.HTTPResponse) -> int:
    first = answer.headers.get("Content-Range", "").removeprefix("bytes").strip().partition("-")[0]
    return int(first) if first.isdigit() else -1


def _read_note(note: Path) -> _Version | None:
    try:
        return _Version(**json.loads(note.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise BadData(f"{part.parent} has {free / 1e9:.1f} GB left, but {needed / 1e9:.1f} are needed: make room.")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
