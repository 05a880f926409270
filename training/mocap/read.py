"""Reads a folder of motion capture: AMASS, CMU's ASF/AMC and BVH, in any mixture."""

from __future__ import annotations

import functools
import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model.errors import BadData
from model.joints import JOINTS
from training.folders import files_below, folder_of

from .amass import holds_shape_only, read_amass_clip
from .asf_amc import read_amc, read_asf
from .bvh import read_bvh
from .clip import Clip
from .glitches import FINE, REASONS, find_glitches
from .poses import MocapPoses
from .read_cache import remember
from .retarget import to_smpl
from .thinning import keep_changes
from .upright import turned_upright

logger = logging.getLogger(__name__)

_MANY_CLIPS = 500
_BAD_CLIPS = 0.05  # of all clips: more is no accident, and training on the rest would hide it
_NOT_READ = frozenset(
    (".fbx", ".c3d", ".trc", ".pkl", ".npy", ".mvnx", ".zip", ".tar", ".bz2", ".xz", ".gz", ".7z", ".rar")
)
"""Other kinds of files in which motion comes, and archives."""
_BAD_FRAMES = 0.5  # of a clip's: what is left of it is not to be trusted


def read_mocap(folder: str | Path, joints: int = JOINTS) -> MocapPoses:
    """Reads all clips below a folder, each without glitches and thinned to the poses that differ.

    AMASS's clips are `<data set>/<subject>/<clip>.npz`; CMU's `<subject>/<clip>.amc` lie beside their skeleton
    `<subject>.asf`; BVH stands alone. Subjects are "<data set>/<subject>" whatever the format: what CMU calls 02_01 is
    of "CMU/02" in all three. A dense clip keeps a frame whenever a joint has turned 8 degrees or 0.5 s have passed; one
    that was thinned already is taken whole.

    A clip that cannot be used is left out, and a warning names it. What was read from many clips is kept in the cache
    until one of them changes.

    Args:
        folder: a data set, a part of one, or a folder of several.
        joints: of the body that is posed, see `BodyModel`; fingers, jaw and eyes are AMASS's, and at rest elsewhere.

    Returns:
        The poses in the order of the sorted paths.

    Raises:
        BadData: there is no clip, or more than a few of them cannot be used; the message names files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadData(f"{folder} is not a folder. Give a folder of MoCap, as in MOCAP=path/to/amass.")
    there = files_below(folder)
    files = [path for path in there if _is_clip(path)]
    kinds = Counter(path.suffix.lower() for path in there if path.suffix.lower() in _NOT_READ)
    not_read = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    if not files:
        raise BadData(
            f"{folder} holds no MoCap clip: no <data set>/<subject>/<clip>_poses.npz of AMASS, no <subject>.asf with "
            "its .amc files, no .bvh"
            + (f", but {not_read}, which are not read" if not_read else "")
            + ". Unpack archives into that folder, export BVH from others, or fetch CMU's by `make mocap`."
        )
    if not_read:
        logger.warning("Not read in %s: %s. Archives are to be unpacked, others exported as BVH.", folder, not_read)
    read = functools.partial(_read_clips, files, folder, joints)
    poses, messages = read() if len(files) < _MANY_CLIPS else remember(files, folder, joints, read)
    for message in messages:
        logger.warning("%s", message)
    return poses


def _is_clip(path: Path) -> bool:
    if path.name.startswith("."):  # macOS keeps its notes on a file beside it, under its name after "._"
        return False
    return path.suffix.lower() in _READERS and not holds_shape_only(path)


def _read_clips(files: Sequence[Path], folder: Path, joints: int) -> tuple[MocapPoses, list[str]]:
    """The poses, and what the user should know."""
    parts: list[MocapPoses] = []
    bad: list[str] = []
    marks = np.zeros(len(REASONS), dtype=int)
    for path in tqdm(files, desc="Reading MoCap", unit="clip", delay=2):
        try:
            clip = _READERS[path.suffix.lower()](path, folder, joints)
            glitches = find_glitches(clip.rotations, clip.framerate)
            _check_enough_is_left(glitches, path)
        except BadData as error:
            bad.append(str(error))
            continue
        marks += np.bincount(glitches, minlength=len(REASONS))
        rotations = clip.rotations[glitches == FINE]
        if clip.framerate is not None:
            rotations = rotations[keep_changes(rotations, clip.framerate)]
        parts.append(MocapPoses.from_clip(rotations, clip.subject, path.relative_to(folder).as_posix()))
    if len(bad) > _BAD_CLIPS * len(files):
        some = " ".join(bad[:3])
        raise BadData(f"{len(bad)} of the {len(files)} MoCap clips in {folder} cannot be used. {some}")
    messages = [f"Left out: {message}" for message in bad]
    if marks[1:].any():
        counts = ", ".join(f"{count} for {reason}" for count, reason in zip(marks[1:], REASONS[1:]) if count)
        messages.append(f"Of {marks.sum()} frames {marks[1:].sum()} were left out: {counts}.")
    poses = MocapPoses.concat(parts)
    poses, turned = turned_upright(poses, np.array([clip.lower().endswith(".npz") for clip in poses.clips]))
    return poses, messages + turned


def _check_enough_is_left(glitches: np.ndarray, path: Path) -> None:
    counts = np.bincount(glitches, minlength=len(REASONS))
    if counts[1:].sum() > _BAD_FRAMES * len(glitches):
        reasons = ", ".join(f"{count} {reason}" for count, reason in zip(counts[1:], REASONS[1:]) if count)
        raise BadData(
            f"{path}: most of its {len(glitches)} frames show what no body does ({reasons}). Remove it or repair it."
        )


def _read_amass(path: Path, folder: Path, joints: int) -> Clip:
    return read_amass_clip(path, joints)


def _read_amc(path: Path, folder: Path, joints: int) -> Clip:
    skeleton = _skeleton_of(path)
    motion = read_amc(path, _read_asf(skeleton))
    return Clip(
        _with_more(to_smpl(motion), joints),
        motion.framerate,
        _cmu(skeleton.stem) or f"{path.parent.name}/{skeleton.stem}",
    )


def _read_bvh(path: Path, folder: Path, joints: int) -> Clip:
    motion = read_bvh(path)
    # Without folders for the subjects nobody says who moves: each file counts as a person of its own.
    place = folder_of(path)
    other = f"{place.name}/{path.stem}" if path.parent == folder else f"{place.parent.name}/{place.name}"
    return Clip(_with_more(to_smpl(motion), joints), motion.framerate, _cmu(path.stem) or other)


def _with_more(rotations: np.ndarray, joints: int) -> np.ndarray:
    """Poses (T, 22, 3) with more joints, at rest."""
    return np.pad(rotations, ((0, 0), (0, joints - JOINTS), (0, 0)))


_READERS = {".npz": _read_amass, ".amc": _read_amc, ".bvh": _read_bvh}
_read_asf = functools.lru_cache(maxsize=4)(read_asf)


def _skeleton_of(path: Path) -> Path:
    """01_05.amc -> 01.asf beside it, or the only skeleton there."""
    skeletons = _skeletons_in(path.parent)
    own = [skeleton for skeleton in skeletons if path.stem.startswith(f"{skeleton.stem}_")]
    if own:
        return max(own, key=lambda skeleton: len(skeleton.stem))
    if len(skeletons) == 1:
        return skeletons[0]
    raise BadData(f"{path} needs its skeleton beside it, {path.stem.split('_')[0]}.asf: put it there.")


@functools.lru_cache(maxsize=4)
def _skeletons_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix.lower() == ".asf" and not path.name.startswith(".")]


def _cmu(stem: str) -> str | None:
    """Names the subject of "2_01" or "02" "CMU/02": CMU's own files and all conversions of them are called so."""
    number = re.fullmatch(r"(\d{1,3})(_\d{1,3})?", stem)
    return f"CMU/{int(number[1]):02d}" if number else None
