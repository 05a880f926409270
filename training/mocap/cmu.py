"""Fetches CMU's archive of motion capture, once: `python -m training.mocap.cmu [--output DIR]`."""

from __future__ import annotations

import argparse
import logging
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout
from tqdm import tqdm

from model.errors import BadData, MPTError
from training.cache import cache_folder

from .download import download

logger = logging.getLogger(__name__)

URL = "http://mocap.cs.cmu.edu/allasfamc.zip"
TERMS = """\
CMU Graphics Lab Motion Capture Database, http://mocap.cs.cmu.edu
  What its owners ask: use it freely, in research and also inside products that are sold, but do not resell the data
  itself, converted or not. Say in publications that the data came from mocap.cs.cmu.edu and that NSF EIA-0196217
  paid for the database, and tell its maintainers of them. The full wording is at the address above.
"""

_MOST_BYTES = 16 * 10**9  # unpacked; the archive of 1.1 GB holds a few
_WANTED = (".asf", ".amc", ".txt")


def fetch(output: Path, url: str = URL) -> Path:
    """Fetches and unpacks the archive unless it is there.

    What was downloaded stays beside the folder until it is unpacked whole, so that a call that was stopped can be
    repeated. Safe when several processes call it: one works, the others wait.

    Args:
        output: the folder to make, which holds the archive's own folders afterwards.
        url: the archive or a copy of it.

    Returns:
        `output`.

    Raises:
        BadData: the archive cannot be fetched, is damaged or unsafe to unpack, or the folder holds something else.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    archive = output.with_name(f"{output.name}.zip")
    lock = FileLock(output.with_name(f"{output.name}.lock"))
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        logger.warning("Waiting for another process that fetches %s ...", output)
        held = lock.acquire()
    with held:
        if output.is_dir() and any(output.iterdir()):
            if any(output.rglob("*.amc")):
                return output
            raise BadData(f"{output} holds other files already: give another folder.")
        if not archive.is_file():
            download(url, archive)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as scratch:
            unpacked = Path(scratch) / "unpacked"
            try:
                _unpack(archive, unpacked)
            except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
                archive.unlink()
                raise BadData(f"{archive} from {url} was damaged ({error}). Run the command again.") from error
            except OSError as error:
                raise BadData(f"{archive} cannot be unpacked ({error}): make room, or give another folder.") from error
            unpacked.chmod(0o755)
            unpacked.replace(output)
        archive.unlink()
    return output


def _unpack(archive: Path, folder: Path) -> None:
    """Unpacks skeletons, motions and notes; zipfile compares each with its checksum."""
    folder.mkdir()
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        for member in members:
            _check_name(member, archive)
        wanted = [member for member in members if PurePosixPath(member.filename).suffix.lower() in _WANTED]
        size = sum(member.file_size for member in wanted)
        if size > _MOST_BYTES:
            raise BadData(f"{archive} would unpack to {size / 1e9:.0f} GB: it is not CMU's archive. Remove it.")
        if not any(member.filename.lower().endswith(".amc") for member in wanted):
            raise BadData(f"{archive} holds no AMC motion: it is not CMU's archive. Remove it.")
        if size > shutil.disk_usage(folder).free:
            raise BadData(f"Unpacking {archive} needs {size / 1e9:.1f} GB: make room, or give another folder.")
        with tqdm(total=size, desc="Unpacking and checking", unit="B", unit_scale=True) as bar:
            for member in wanted:
                # Nothing is written that the directory of the archive has not announced: zipfile stops there.
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open(member) as content, target.open("xb") as copy:
                    shutil.copyfileobj(content, copy, 2**20)
                bar.update(member.file_size)


def _check_name(member: zipfile.ZipInfo, archive: Path) -> None:
    path = PurePosixPath(member.filename)
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename or is_link:
        raise BadData(f"{archive} holds {member.filename!r}, which would be unpacked elsewhere: do not trust it.")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.mocap.cmu", description=__doc__)
    parser.add_argument("--output", type=Path, help="folder to make; in the cache if not given")
    parser.add_argument("--url", default=URL, help="where a copy of the archive is (default: %(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    print(TERMS)
    try:
        folder = fetch(options.output or cache_folder("mocap") / "cmu", options.url)
    except MPTError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Error: the archive cannot be put there ({error}). Give another folder.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the command again to go on from here.", file=sys.stderr)
        return 130
    motions, people = sum(1 for _ in folder.rglob("*.amc")), sum(1 for _ in folder.rglob("*.asf"))
    print(f"{motions} motions with {people} skeletons are in {folder}. Next:\n  make train-pretrain MOCAP={folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
