"""Cuts the people out of an image data set that you bring, for fine-tuning: `python -m training.images.convert --help`.

Writes the shards that `training.finetune --images` mixes, with whatever truth the data set has. A run that was stopped
goes on.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
from tqdm import tqdm

from model.errors import BadData, BadInput
from model.files import check_folder
from model.joints import COCO_JOINTS
from model.network.checkpoint import load_checkpoint
from model.network.topology import MeshTopology
from model.runtime.loading import default_checkpoint
from training.arguments import whole
from training.console import telling_errors
from training.images.crops import PeopleCrops
from training.images.datasets.base import SampleSet
from training.images.datasets.coco import read_coco
from training.images.datasets.h36m import read_h36m_training
from training.images.datasets.mpi_inf_3dhp import read_mpi_inf_3dhp
from training.images.datasets.mpii import read_mpii
from training.images.datasets.muco import read_muco
from training.images.datasets.plausible import check_plausible
from training.images.datasets.smpl_truth import SmplTruth
from training.images.datasets.threedpw import read_3dpw
from training.images.datasets.up3d import read_up3d
from training.images.sample import ImageSample
from training.images.shards import SHARD, PreparedImages, write_shard

SPLITS = ("train", "validation", "test")
READERS: dict[str, Callable[[Path, Path | None, str], SampleSet]] = {
    "3dpw": read_3dpw,
    "coco": lambda path, images, _: read_coco(path, images),
    "h36m": lambda path, images, _: read_h36m_training(path, images),
    "mpi-inf-3dhp": lambda path, images, _: read_mpi_inf_3dhp(path, images),
    "mpii": lambda path, images, _: read_mpii(path, images),
    "muco": lambda path, images, _: read_muco(path, images),
    "up3d": read_up3d,
}
"""By name: what reads a data set out of its file or folder, the folder of its images, and the split."""


def convert(
    data: SampleSet,
    folder: Path,
    split: str,
    topology: MeshTopology,
    size: int,
    smpl: SmplTruth | None = None,
    threads: int = 1,
) -> int:
    """Writes the shards that are missing; returns how many people were left out, whose crops cannot be made.

    Args:
        data: of a reader.
        folder: of the shards.
        split: as which they are kept.
        topology: of the meshes.
        size: pixels on a crop's side.
        smpl: the user's SMPL models.
        threads: that read images.

    Raises:
        BadInput: the folder holds images of other settings.
        BadData: not one crop of a shard could be made; the message names the first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    crops = PeopleCrops(data.samples, topology, size, smpl)
    about = {
        "data": data.name,
        "protocol": data.protocol,
        "size": size,
        "topology": topology.fingerprint,
        "people": len(crops),
        "smpl": smpl is not None,
    }
    if any(folder.glob(f"{split}-*[0-9].safetensors")) and PreparedImages(folder, split).about != about:
        raise BadInput(f"{folder} holds {split} images that were made with other settings: choose another --output.")
    left_out = 0
    with ThreadPoolExecutor(threads) as pool, tqdm(total=len(crops), desc=data.name, unit="person") as bar:
        for shard, start in enumerate(range(0, len(crops), SHARD)):
            path = folder / f"{split}-{shard:05d}.safetensors"
            indices = range(start, min(start + SHARD, len(crops)))
            if not path.exists():
                made = list(pool.map(partial(_made, crops), indices))
                samples = [sample for sample in made if isinstance(sample, ImageSample)]
                if not samples:
                    raise next(error for error in made if isinstance(error, BadData))
                left_out += len(made) - len(samples)
                write_shard(path, samples, about, topology.coarse_count, topology.joint_count)
            bar.update(len(indices))
    return left_out


def _made(crops: PeopleCrops, index: int) -> ImageSample | BadData:
    """A crop, or why there is none: a few broken or missing images must not end a run of hours."""
    try:
        return crops[index]
    except BadData as error:
        return error


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="python -m training.images.convert", description=__doc__)
    result.add_argument("data", choices=sorted(READERS), help="which data set")
    result.add_argument("path", type=Path, help="its annotation file, or the folder that it unpacks to")
    result.add_argument("--images", type=Path, help="folder that the annotations' image names start from")
    result.add_argument("--split", choices=SPLITS, default="train", help="to read, where it has several; to be kept as")
    result.add_argument("--output", type=Path, help="folder, gone on with if it exists; runs/DATA")
    result.add_argument("--smpl", type=Path, help="folder of SMPL_NEUTRAL.npz and the like, for SMPL's parameters")
    result.add_argument("--checkpoint", type=Path, help="whose mesh topology to use; the shipped one's")
    result.add_argument("--size", type=whole(32, 1024), default=224, help="pixels on a side: what the backbone takes")
    result.add_argument("--every", type=whole(), default=1, metavar="N", help="each Nth person only")
    result.add_argument("--threads", type=whole(), default=os.cpu_count() or 1)
    return result


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    options = parser().parse_args(arguments)
    cv2.setNumThreads(1)
    output = options.output or Path("runs") / options.data
    with telling_errors():
        check_folder(output)
        topology = load_checkpoint(options.checkpoint or default_checkpoint()).topology
        if topology.joint_names != COCO_JOINTS:
            raise BadInput(f"{options.checkpoint} is no network of bodies, whose joints these data sets have.")
        data = check_plausible(READERS[options.data](options.path, options.images, options.split), options.path)
        data = data.every(options.every)
        smpl = SmplTruth(options.smpl) if options.smpl else None
        left_out = convert(data, output, options.split, topology, options.size, smpl, options.threads)
    notes = [
        *data.notes,
        *([f"{left_out:,} people are left out, whose images or crops cannot be used."] * (left_out > 0)),
    ]
    print("\n".join([f"{data.name}: {data.protocol}.", *notes, f"Fine-tune with: --images {output}"]))


if __name__ == "__main__":
    main()
