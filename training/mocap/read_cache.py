"""Remembers what was read from thousands of clips, which takes minutes: in the cache, until a clip changes."""

from __future__ import annotations

import hashlib
import logging
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from model.files import atomic_write
from training.cache import cache_folder

from .poses import MocapPoses

logger = logging.getLogger(__name__)

_VERSION = 5  # to be raised when readers, glitch filter or thinning give other poses than before


def remember(
    files: Sequence[Path], folder: Path, joints: int, read: Callable[[], tuple[MocapPoses, list[str]]]
) -> tuple[MocapPoses, list[str]]:
    """Returns what `read` returned when it was last called for these files, or calls it.

    When several processes ask at once, one reads and the others wait.

    Args:
        files: what is read; names, sizes and times of change tell whether it is still the same.
        folder: where they are; names count from here.
        joints: that poses have.
        read: returns the poses, and messages.
    """
    path = cache_folder("mocap") / f"read-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}.npz"
    fingerprint = _fingerprint(files, folder, joints)
    with FileLock(path.with_suffix(".lock")):
        known = _load(path, fingerprint)
        if known is None:
            known = read()
            _save(path, fingerprint, *known)
        else:
            logger.info("The poses of %d clips come from %s", len(files), path)
    return known


def _fingerprint(files: Sequence[Path], folder: Path, joints: int) -> str:
    digest = hashlib.sha256(f"{_VERSION} {joints}\n".encode())
    for path in files:
        stat = path.stat()
        digest.update(f"{path.relative_to(folder).as_posix()} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _save(path: Path, fingerprint: str, poses: MocapPoses, messages: list[str]) -> None:
    subjects, of_subject = np.unique(poses.subjects.astype(str), return_inverse=True)
    clips, of_clip = np.unique(poses.clips.astype(str), return_inverse=True)
    try:
        with atomic_write(path) as partial, partial.open("wb") as file:
            np.savez(
                file,
                fingerprint=np.array(fingerprint),
                rotations=poses.rotations,
                subjects=subjects,
                of_subject=of_subject,
                clips=clips,
                of_clip=of_clip,
                messages=np.array(messages, dtype=str),
            )
    except OSError as error:  # a full disk: it will be read again
        logger.warning("The poses could not be kept in %s (%s).", path, error)


def _load(path: Path, fingerprint: str) -> tuple[MocapPoses, list[str]] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            if file["fingerprint"].item() != fingerprint:
                return None
            subjects = file["subjects"].astype(object)[file["of_subject"]]
            clips = file["clips"].astype(object)[file["of_clip"]]
            return MocapPoses(file["rotations"], subjects, clips), file["messages"].tolist()
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):  # not there, or damaged
        return None
