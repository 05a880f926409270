"""The record that every reader of image data sets fills: where a person is in an image, and what is known of her."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from model.errors import BadData
from model.interfaces import CROP_SCALE
from training.images.datasets.joint_sets import HIPS, LIMBS_IN_COCO
from training.npz import open_npz

_LARGEST = 1 << 26  # pixels of an image


@dataclass(frozen=True)
class SmplParameters:
    """The true body as SMPL's parameters, turned into the camera's axes."""

    pose: np.ndarray
    """(24, 3) axis-angle; the first is the root's orientation in the camera frame."""
    shape: np.ndarray
    """(10,)."""
    gender: str
    """"male", "female" or "neutral"."""


@dataclass(frozen=True)
class DatasetPerson:
    """One person in one image. Camera frame: x right, y down, z forward, metres; the origin does not matter."""

    image: Path
    centre: tuple[float, float]
    """Pixels."""
    side: float
    """Pixels: the square crop that the data set's protocol gives the network."""
    groups: Mapping[str, str]
    """By which the report has tables, such as "subject": "S9"."""
    focal_length: float | None = None
    """Pixels, if known."""
    joints: np.ndarray | None = None
    """(12, 3) limbs or (14, 3) joints in LSP's order; None where they are not known, or `smpl` alone is given."""
    pelvis: np.ndarray | None = None
    """(3,)."""
    smpl: SmplParameters | None = None
    joints_2d: np.ndarray | None = None
    """(17, 2) pixels in COCO's order, the first pixel's centre at 0.5; NaN where a joint is not known."""
    visible: np.ndarray | None = None
    """(17,) bool, which of `joints_2d` are hidden by nothing; None where nobody knows."""
    principal_point: tuple[float, float] | None = None
    """Pixels, if known."""
    translation: np.ndarray | None = None
    """(3,) the middle of the hips in the camera's axes, its origin the camera; if known."""
    size: tuple[int, int] | None = None
    """Width and height of the image that all this is for, if the file says."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The box around which `Reconstructor` crops just this square."""
        side = self.side / CROP_SCALE
        return self.centre[0] - side / 2, self.centre[1] - side / 2, side, side


@dataclass(frozen=True)
class SampleSet:
    """What a reader found."""

    name: str
    protocol: str
    """In a sentence: which images, which crops."""
    samples: Sequence[DatasetPerson]
    notes: Sequence[str] = field(default_factory=tuple)
    """What was left out, and why."""

    def every(self, step: int) -> SampleSet:
        """Each `step`-th sample, for quick scores."""
        if step == 1:
            return self
        note = f"Only each {_ordinal(step)} of {len(self.samples):,} samples counts."
        return replace(self, samples=self.samples[::step], notes=(*self.notes, note))

    def crops_times(self, factor: float) -> SampleSet:
        """All crops larger or smaller than the protocol's."""
        if factor == 1:
            return self
        samples = [replace(sample, side=sample.side * factor) for sample in self.samples]
        note = f"**Crops are {factor:g} times the protocol's.**"
        return replace(self, samples=samples, notes=(*self.notes, note))


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def read_image(path: Path, upright: bool = True) -> np.ndarray:
    """(H, W, 3) uint8 RGB.

    Args:
        path: the file.
        upright: whether to turn it as its EXIF says. Data sets' annotations mean the pixels as they are stored.

    Raises:
        BadData: it is missing, no image, or larger than 64 megapixels.
    """
    if not path.is_file():
        raise BadData(f"{path} is not there: give the folder that the annotations' names start from with --images.")
    try:
        with Image.open(path) as header:  # reads no pixels
            pixels = header.width * header.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        pixels = 0
    if pixels > _LARGEST:
        raise BadData(f"{path} has {pixels / 1e6:,.0f} megapixels, more than the {_LARGEST / 1e6:.0f} that are read.")
    how = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imread(str(path), how) if pixels else None
    if image is None:
        raise BadData(f"{path} cannot be read as an image: copy it again.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        BadData: it is missing, or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadData(f"{path} is not there.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadData(f"{path} cannot be read as JSON ({error}): download it again.") from None


def limbs_to_coco(limbs: np.ndarray) -> np.ndarray:
    """Limb joints (12, D) in LSP's order among COCO's 17: (17, D) float32, NaN for the face."""
    joints = np.full((17, limbs.shape[1]), np.nan, np.float32)
    joints[list(LIMBS_IN_COCO)] = limbs
    return joints


def middle_of_hips(limbs: np.ndarray) -> np.ndarray:
    """(D,) out of limb joints (12, D) in LSP's order."""
    middle: np.ndarray = limbs[list(HIPS)].mean(axis=0)
    return middle


def read_npz(path: Path, shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, np.ndarray]:
    """Reads arrays of one row a sample out of an npz.

    Args:
        shapes: for each key its shape after the first axis; None stands for any length.

    Raises:
        BadData: the file or a key is missing, or holds something else.
    """
    try:
        # Members are decoded on access, so that object arrays under other keys do no harm.
        with open_npz(path) as file:
            arrays = {key: file[key] for key in shapes}
    except FileNotFoundError:
        raise BadData(f"{path} is not there.") from None
    except KeyError as error:
        raise BadData(f"{path} does not hold what SPIN's layout has: {error.args[0]}.") from None
    except (OSError, EOFError, TypeError, AttributeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BadData(f"{path} cannot be read as an npz ({error}): make it with SPIN's preprocessing again.") from None
    count = len(next(iter(arrays.values()))) if all(array.ndim for array in arrays.values()) else 0
    if count == 0:
        raise BadData(f"{path} holds no sample.")
    for key, shape in shapes.items():
        array = arrays[key]
        fits = len(array.shape) == len(shape) + 1 and all(
            want in (None, got) for want, got in zip(shape, array.shape[1:])
        )
        if len(array) != count or not fits:
            expected = (count, *("any" if want is None else want for want in shape))
            raise BadData(f"{path}: `{key}` has shape {array.shape}, but SPIN's layout has {expected}.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise BadData(f"{path}: `{key}` holds NaN or infinity, first in row {row}.")
    return arrays


def npz_keys(path: Path) -> set[str]:
    """The keys of an npz; none where it cannot be read, which `read_npz` then says."""
    try:
        with open_npz(path) as file:
            return set(file.files)
    except (OSError, EOFError, TypeError, AttributeError, ValueError, zipfile.BadZipFile, zlib.error):
        return set()


def text(value: object) -> str:
    """A string out of an array, which Python 2 may have written as bytes."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
