"""Human3.6M's official files to the layout that is read: frames and an npz. `python -m ... --help`.

Read is, for each subject, what the official archives unpack to: `MyPoseFeatures/D3_Positions_mono/*.cdf`,
`MyPoseFeatures/D2_Positions/*.cdf` and `Videos/*.mp4`. Written are SPIN's keys: for protocol 2 each fifth frame of the
frontal camera, for training each fifth frame of all four. One thing differs: the crop is 1.2 times the box of the
projected joints, as in SPIN's 3DPW, instead of 0.9 times the box of the official segmentation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from model.errors import BadData
from training.console import telling_errors

SUBJECTS = ("S9", "S11")
FRONTAL = "60457274"
"""The camera of protocol 2."""
NPZ_NAME = "h36m_valid_protocol2.npz"
TRAINING_SUBJECTS = ("S1", "S5", "S6", "S7", "S8")
TRAINING_NPZ = "h36m_train.npz"
_STEP = 5  # frames
_CROP_SCALE = 1.2
# Which of Human3.6M's 32 joints stands at which place of SPIN's 24; the other places stay unknown.
_JOINT_AT = {
    0: 3, 1: 2, 2: 1, 3: 6, 4: 7, 5: 8, 6: 27, 7: 26, 8: 25, 9: 17, 10: 18, 11: 19, 12: 24, 14: 11, 16: 12, 17: 14,
    18: 15,
}  # fmt: skip
_PELVIS = 11


def extract(folder: Path, output: Path, training: bool = False) -> Path:
    """Writes the frames and the npz of protocol 2, or of the training subjects; returns the npz.

    Args:
        folder: holds `S9` and `S11`, or `S1`, `S5`, `S6`, `S7` and `S8`.
        output: gets `images` and the npz.
        training: which of the two.

    Raises:
        BadData: a file is missing or broken; the message names it.
    """
    names: list[str] = []
    centres, scales, poses, parts = [], [], [], []
    camera = "*" if training else FRONTAL
    for subject in TRAINING_SUBJECTS if training else SUBJECTS:
        place = folder / subject / "MyPoseFeatures" / "D3_Positions_mono"
        files = sorted(path for path in place.glob(f"*.{camera}.cdf") if not path.name.startswith("_ALL"))
        if not files:
            raise BadData(f"{place} holds no *.{camera}.cdf: unpack Poses_D3_Positions_mono_{subject}.tgz there.")
        for path in tqdm(files, desc=f"frames of {subject}", unit="clip", delay=2):
            joints = _read_pose(path, 3) / 1000  # (T, 32, 3) metres
            pixels = _read_pose(folder / subject / "MyPoseFeatures" / "D2_Positions" / path.name, 2)  # (T, 32, 2)
            if len(pixels) != len(joints):
                raise BadData(f"{path} has {len(joints)} frames, but D2_Positions of the same name {len(pixels)}.")
            video = folder / subject / "Videos" / path.with_suffix(".mp4").name
            action = path.name.split(".")[0].replace(" ", "_")
            clip = f"images/{subject}_{action}.{path.name.split('.')[1]}"
            for frame in _save_frames(video, len(joints), output, clip):
                names.append(f"{clip}_{frame + 1:06d}.jpg")
                low, high = pixels[frame].min(axis=0), pixels[frame].max(axis=0)
                centres.append((low + high) / 2)
                scales.append(_CROP_SCALE * (high - low).max() / 200)
                poses.append(_place(joints[frame] - joints[frame, _PELVIS]))
                parts.append(_place(pixels[frame]))
    output.mkdir(parents=True, exist_ok=True)
    npz = output / (TRAINING_NPZ if training else NPZ_NAME)
    np.savez_compressed(
        npz,
        imgname=np.array(names),
        center=np.array(centres),
        scale=np.array(scales),
        S=np.array(poses),
        part=np.array(parts),
    )
    return npz


def _read_pose(path: Path, axes: int) -> np.ndarray:
    """(T, 32, axes) of a CDF's variable `Pose`."""
    try:
        import cdflib  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise BadData(f"{path} needs a reader of NASA's CDF: pip install cdflib.") from None
    if not path.is_file():
        raise BadData(f"{path} is not there: unpack the official archive of {path.parent.name}.")
    try:
        values = np.asarray(cdflib.CDF(path).varget("Pose"), dtype=np.float64).reshape(-1, 32, axes)
    except Exception as error:  # the reader raises all sorts on broken files
        raise BadData(f"{path} is no pose file of Human3.6M ({error}): unpack it again.") from None
    if len(values) == 0 or not np.isfinite(values).all():
        raise BadData(f"{path} holds no frame, or NaN: unpack it again.")
    return values


def _place(joints: np.ndarray) -> np.ndarray:
    """(32, D) joints to SPIN's (24, D + 1): 1 where known."""
    placed = np.zeros((24, joints.shape[1] + 1), np.float32)
    for place, joint in _JOINT_AT.items():
        placed[place] = *joints[joint], 1
    return placed


def _save_frames(video: Path, count: int, output: Path, clip: str) -> list[int]:
    """Saves each fifth of a video's first `count` frames; returns which. Frames that are there already are kept."""
    wanted = list(range(0, count, _STEP))
    files = {frame: output / f"{clip}_{frame + 1:06d}.jpg" for frame in wanted}
    if all(file.is_file() for file in files.values()):
        return wanted
    if not video.is_file():
        raise BadData(f"{video} is not there: unpack the official archive of Videos.")
    reader = cv2.VideoCapture(str(video))
    try:
        for frame in range(wanted[-1] + 1):
            if not reader.grab():
                raise BadData(f"{video} ends after {frame} frames, but its poses go on to {count}: download it again.")
            if frame % _STEP == 0:
                read, image = reader.retrieve()
                files[frame].parent.mkdir(parents=True, exist_ok=True)
                if not read or not cv2.imwrite(str(files[frame]), image):
                    raise BadData(f"Frame {frame} of {video} cannot be saved as {files[frame]}.")
    finally:
        reader.release()
    return wanted


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m training.images.datasets.h36m_official", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds S9, S11 and the others, as the official archives unpack")
    parser.add_argument("output", type=Path, help="gets images/ and the npz: about 4 GB, 40 for training")
    parser.add_argument("--split", choices=("test", "train"), default="test", help="protocol 2, or S1, S5, S6, S7, S8")
    options = parser.parse_args(arguments)
    with telling_errors():
        npz = extract(options.folder, options.output, options.split == "train")
    if options.split == "train":
        print(f"Make crops to fine-tune on with: python -m training.images.convert h36m {npz}")
    else:
        print(f"Evaluate with: python -m training.evaluate --h36m {npz}")


if __name__ == "__main__":
    main()
